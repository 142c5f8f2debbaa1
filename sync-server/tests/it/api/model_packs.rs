//! Model packs over the API: what is refused, and the way of one that is taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostiary_models::pack::{Pack, PackManifest, archive};
use ostiary_server::packs::keys::PackSigner;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::reader::picture;
use super::world::{Session, World, answer};

const DEFAULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/packs/ostiary-default");
const NEW: &str = "/api/v1/model-packs/other@2";

/// A maker of packs, trusted or not.
struct Maker {
    dir: TempDir,
}

impl Maker {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        PackSigner::generate(&dir.path().join("key.pem")).unwrap();
        Self { dir }
    }

    fn public(&self) -> PathBuf {
        self.dir.path().join("key.pub")
    }

    /// The default pack as `other@2`, its files changed by `edit` before they are signed.
    fn archive(&self, edit: impl FnOnce(&Path)) -> Vec<u8> {
        let dir = tempfile::tempdir_in(self.dir.path()).unwrap();
        for entry in fs::read_dir(DEFAULT).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
        let manifest = fs::read_to_string(dir.path().join("pack.toml")).unwrap();
        fs::write(dir.path().join("pack.toml"), manifest.replacen("ostiary-default@1", "other@2", 1)).unwrap();
        let manifest: PackManifest = Pack::load(dir.path()).unwrap().manifest().clone();
        edit(dir.path());
        let signer = PackSigner::read(&self.dir.path().join("key.pem")).unwrap();
        let mut bytes = Vec::new();
        archive::write(dir.path(), &manifest, &mut bytes, |message| Some(signer.sign(message))).unwrap();
        bytes
    }
}

fn with_manifest(dir: &Path, edit: impl FnOnce(String) -> String) {
    let path = dir.join("pack.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    fs::write(path, edit(manifest)).unwrap();
}

async fn world(maker: &Maker) -> World {
    World::start_with(|config| {
        config.models.pack_dir = DEFAULT.into();
        config.models.pack_keys = vec![maker.public()];
        config.models.pack_max_megabytes = 16;
    })
    .await
}

async fn install(session: &Session<'_>, bytes: Vec<u8>) -> (u16, Value) {
    answer(session.request(Method::POST, "/api/v1/model-packs").body(bytes)).await
}

async fn put(session: &Session<'_>, path: &str, body: Value) -> (u16, Value) {
    answer(session.request(Method::PUT, path).json(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_packs_are_refused_with_a_reason() {
    let (maker, stranger) = (Maker::new(), Maker::new());
    let world = world(&maker).await;
    let admin = world.admin().await;
    let check = async |bytes: Vec<u8>, status: u16, slug: &str, words: &str| {
        let (found, problem) = install(&admin, bytes).await;
        let kind = problem["type"].as_str().unwrap_or_default();
        assert!(found == status && kind.ends_with(&format!(":{slug}")), "{slug}: {found} {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{words:?} is not in {problem}");
    };
    let sound = maker.archive(|_| ());
    check(Vec::new(), 422, "pack-unreadable", "no model pack archive").await;
    check(b"PK\x03\x04".repeat(100), 422, "pack-unreadable", "no model pack archive").await;
    check(sound[..sound.len() - 10].to_vec(), 422, "pack-unreadable", "cut short").await;
    check([sound.as_slice(), b"more"].concat(), 422, "pack-unreadable", "goes on").await;
    let mut altered = sound;
    *altered.last_mut().unwrap() ^= 1;
    check(altered, 422, "pack-unreadable", "not the file that was signed").await;
    check(stranger.archive(|_| ()), 422, "pack-not-signed", "not signed by a key that is trusted").await;
    check(vec![0; 17 << 20], 413, "body-too-large", "16 MB").await;
    let unusable = [
        maker.archive(|dir| with_manifest(dir, |text| text.replacen("match = 0.93", "match = 9.3", 1))),
        maker.archive(|dir| with_manifest(dir, |text| text.replacen("dimension = 128", "dimension = 64", 1))),
        maker.archive(|dir| with_manifest(dir, |_| "format = 1".into())),
        maker.archive(|dir| fs::write(dir.join("embedder.onnx"), b"no net").unwrap()),
        maker.archive(|dir| {
            let golden = format!("\n[golden]\nembedding = [{}]\n", ["0.5"; 128].join(", "));
            with_manifest(dir, |text| text + &golden);
        }),
    ];
    let words = ["thresholds.match", "dimension", "missing field", "sha256", "computes something else here"];
    for (bytes, words) in unusable.into_iter().zip(words) {
        check(bytes, 422, "pack-unusable", words).await;
    }
    let (_, packs) = admin.get("/api/v1/model-packs").await;
    assert_eq!(packs["items"].as_array().unwrap().len(), 1, "nothing is left of them");
    let guard = world.signed_in("guard").await;
    // Refused before the body is read: of a large one the client might hear of nothing but a broken pipe.
    assert_eq!(install(&guard, b"whatever it is".to_vec()).await.0, 403);
    drop(guard);
    drop(admin);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_of_a_pack() {
    let maker = Maker::new();
    let world = world(&maker).await;
    let admin = world.admin().await;
    let person = admin.person("Ada").await;
    assert_eq!(admin.photo(&person, picture([200, 10, 10])).await.0, 200);
    let (_, kept) = admin.get("/api/v1/settings/face-crops").await;
    assert_eq!((&kept["keep"], &kept["crops"], &kept["persons"]), (&json!(true), &json!(1), &json!(1)));

    let (status, pack) = install(&admin, maker.archive(|_| ())).await;
    assert_eq!(
        (status, pack["id"].as_str(), pack["state"].as_str()),
        (201, Some("other@2"), Some("installed")),
        "{pack}"
    );
    let (_, packs) = admin.get("/api/v1/model-packs").await;
    let states: Vec<_> =
        packs["items"].as_array().unwrap().iter().map(|it| (&it["id"], &it["state"], &it["own"])).collect();
    let expected =
        [(json!("other@2"), json!("installed"), json!(false)), (json!("test@1"), json!("active"), json!(true))];
    assert_eq!(states, expected.iter().map(|(id, state, own)| (id, state, own)).collect::<Vec<_>>());

    assert_eq!(put(&admin, &format!("{NEW}/rollout"), json!({"everywhere": true})).await.0, 409, "no templates yet");
    let (status, job) = admin.post(&format!("{NEW}/shadow"), json!({})).await;
    assert_eq!(status, 202, "{job}");
    let pack = compared(&admin).await;
    // The drawn picture shows a face to the reader that enrolled it, and to no real pack.
    assert_eq!((&pack["coverage"]["refused"], &pack["coverage"]["missing"]), (&json!(1), &json!(1)), "{pack}");
    assert_eq!(pack["comparison"]["missing"], 1);
    let (_, refused) = admin.get(&format!("{NEW}/refusals")).await;
    let first = &refused["items"][0];
    assert_eq!((&first["person"], &first["reason"]), (&json!(person), &json!("no-face")), "{refused}");
    let (_, missing) = admin.get(&format!("{NEW}/missing")).await;
    assert_eq!(missing["items"], json!([person]));

    rolled_out(&admin).await;
    drop(admin);
    world.stop().await;
}

async fn compared(admin: &Session<'_>) -> Value {
    for _ in 0..600 {
        let (_, pack) = admin.get(NEW).await;
        if pack["state"] == "comparing" {
            return pack;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it was not compared: {}", admin.get("/api/v1/jobs").await.1);
}

async fn rolled_out(admin: &Session<'_>) {
    let (rollout, own) = (format!("{NEW}/rollout"), "/api/v1/model-packs/test@1");
    for body in [json!({}), json!({"everywhere": true, "percent": 5}), json!({"percent": 0}), json!({"percent": 100})] {
        assert_eq!(put(admin, &rollout, body.clone()).await.0, 422, "{body}");
    }
    let (status, device) = admin.post("/api/v1/sites", json!({"name": "House"})).await;
    assert_eq!(status, 201, "{device}");
    let (_, door) = admin.post("/api/v1/doors", json!({"site": device["id"], "name": "Front"})).await;
    let doors = json!({"doors": [door["id"]]});
    let (status, refused) = put(admin, &rollout, doors.clone()).await;
    assert_eq!(status, 409);
    assert!(refused["detail"].as_str().unwrap().starts_with("1 persons could not be known"), "{refused}");
    let with = |body: &Value| {
        let mut body = body.clone();
        body["accept_missing"] = json!(true);
        body
    };
    let (status, staged) = put(admin, &rollout, with(&doors)).await;
    assert_eq!((status, staged["state"].as_str()), (200, Some("staged")), "{staged}");
    assert_eq!(admin.delete(NEW).await.0, 409, "doors use it");
    assert_eq!(put(admin, &rollout, json!({"nowhere": true})).await.1["state"], "comparing");
    let (_, active) = put(admin, &rollout, with(&json!({"everywhere": true}))).await;
    assert_eq!(active["state"], "active", "{active}");
    assert_eq!(admin.get(own).await.1["state"], "retired");
    assert_eq!(admin.delete(NEW).await.0, 409, "it is in force");
    let (_, back) = put(admin, &format!("{own}/rollout"), json!({"everywhere": true})).await;
    assert_eq!(back["state"], "active", "{back}");
    assert_eq!((admin.delete(NEW).await.0, admin.get(NEW).await.0), (204, 404));
    let (_, lines) = admin.get("/api/v1/audit?limit=200").await;
    let told = |action: &str| lines["items"].as_array().unwrap().iter().any(|line| line["action"] == action);
    for action in ["install", "shadow", "rollout", "delete"] {
        assert!(told(&format!("model-pack.{action}")), "{action} is not in the audit log");
    }
}
