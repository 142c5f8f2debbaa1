//! How strict recognition is: chosen by an admin, derived by the server, told to devices.

use reqwest::Method;
use serde_json::{Value, json};

use super::calibrated::calibrated;
use super::reader::picture;
use super::world::{Session, World, answer, slug};

const SETTINGS: &str = "/api/v1/settings/recognition";
const PREVIEW: &str = "/api/v1/recognition/preview";

async fn put(session: &Session<'_>, path: &str, body: Value) -> (u16, Value) {
    answer(session.request(Method::PUT, path).json(&body)).await
}

/// A door, and a device at it.
async fn door(admin: &Session<'_>, name: &str) -> (String, String) {
    let (_, site) = admin.post("/api/v1/sites", json!({"name": format!("Site of {name}")})).await;
    let (_, door) = admin.post("/api/v1/doors", json!({"site": site["id"], "name": name})).await;
    let (status, device) = admin.post("/api/v1/devices", json!({"door": door["id"], "name": name})).await;
    assert_eq!(status, 201, "{device}");
    (door["id"].as_str().unwrap().to_owned(), device["device"]["id"].as_str().unwrap().to_owned())
}

async fn told(admin: &Session<'_>, device: &str) -> (u64, Value) {
    let (_, device) = admin.get(&format!("/api/v1/devices/{device}")).await;
    (device["config"]["version"].as_u64().unwrap(), device["config"]["effective"].clone())
}

fn near(value: &Value, expected: f64) -> bool {
    (value.as_f64().unwrap() - expected).abs() < 1e-6
}

#[tokio::test]
async fn a_target_becomes_a_threshold_and_reaches_devices() {
    let world = World::start_of(calibrated(), |_| ()).await;
    let admin = world.admin().await;
    let (front, camera) = door(&admin, "front").await;
    let (_, other) = door(&admin, "back").await;
    let (status, nothing) = admin.get(SETTINGS).await;
    assert_eq!((status, &nothing["version"], &nothing["outlook"]["basis"]), (200, &json!(0), &json!("pack")));
    assert!(near(&nothing["outlook"]["threshold"], 0.95), "{nothing}");
    assert_eq!(told(&admin, &camera).await, (0, json!({})));

    let (status, set) = put(&admin, SETTINGS, json!({"target_fpir": 0.01, "target_fnir": 0.1})).await;
    assert_eq!((status, &set["version"], &set["outlook"]["basis"]), (200, &json!(1), &json!("target")), "{set}");
    let lax = set["outlook"]["threshold"].as_f64().unwrap();
    let expected = &set["outlook"]["expected"];
    assert!(expected["fpir"].as_f64().unwrap() <= 0.0101, "{expected}");
    assert!(expected["fpir_low"].as_f64() <= expected["fpir"].as_f64(), "{expected}");
    let capacity = &set["outlook"]["capacity"];
    assert!(capacity["low"].as_u64() <= capacity["persons"].as_u64() && capacity["persons"].as_u64() > Some(1));
    assert_eq!(capacity["fullness"], "room", "{capacity}");
    assert!(near(&set["lookalike_similarity_in_force"], lax - set["outlook"]["margin"].as_f64().unwrap()), "{set}");
    let words = set["outlook"]["explanation"].as_str().unwrap();
    assert!(words.contains("as follows from the target") && words.contains("1 % of strangers"), "{words}");
    let (version, effective) = told(&admin, &camera).await;
    assert!(version == 1 && near(&effective["target_fpir"], 0.01), "{effective}");

    // The door is stricter; only its device hears of it.
    let path = format!("/api/v1/doors/{front}/recognition");
    let (status, at_door) = put(&admin, &path, json!({"target_fpir": 0.001, "liveness": "block"})).await;
    assert_eq!((status, &at_door["version"], &at_door["devices_apart"]), (200, &json!(1), &json!([])), "{at_door}");
    assert!(at_door["outlook"]["threshold"].as_f64().unwrap() > lax);
    assert_eq!(at_door["in_force"]["liveness"], "block");
    assert_eq!((told(&admin, &camera).await.0, told(&admin, &other).await.0), (2, 1));
    // A threshold by hand, what is to be expected of it, and back to what the installation says.
    let (_, by_hand) = put(&admin, &path, json!({"match_threshold": 0.9, "match_margin": 0.02})).await;
    assert_eq!(by_hand["outlook"]["basis"], "figures");
    assert!(near(&by_hand["outlook"]["threshold"], 0.9) && by_hand["in_force"]["target_fpir"].is_null(), "{by_hand}");
    let (status, reset) = admin.delete(&path).await;
    assert_eq!((status, &reset["version"], &reset["outlook"]["basis"]), (200, &json!(3), &json!("target")));
    assert!(near(&reset["outlook"]["threshold"], lax));
    // The device's own word comes first, and is named.
    let (status, _) = put(&admin, &format!("/api/v1/devices/{camera}/config"), json!({"target_fpir": 0.05})).await;
    let (_, at_door) = admin.get(&path).await;
    assert_eq!((status, &at_door["devices_apart"]), (200, &json!([camera])));
    assert!(near(&told(&admin, &camera).await.1["target_fpir"], 0.05));

    let (_, audit) = admin.get("/api/v1/audit").await;
    let lines = audit["items"].as_array().unwrap();
    let of =
        |target: &str| lines.iter().filter(|l| l["action"] == "recognition.configure" && l["target"] == target).count();
    assert_eq!((of("installation"), of(&format!("door:{front}"))), (1, 3));
    world.stop().await;
}

#[tokio::test]
async fn nobody_overwrites_what_they_have_not_seen() {
    let world = World::start_of(calibrated(), |_| ()).await;
    let admin = world.admin().await;
    let (front, _) = door(&admin, "front").await;
    for path in [SETTINGS.to_owned(), format!("/api/v1/doors/{front}/recognition")] {
        let read = admin.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(read.headers()["etag"], "\"0\"");
        let with = |tag: &'static str| {
            admin.request(Method::PUT, &path).header("if-match", tag).json(&json!({"liveness": "report"}))
        };
        assert_eq!(answer(with("\"0\"")).await.0, 200);
        let (status, refused) = answer(with("\"0\"")).await;
        assert_eq!((status, slug(&refused)), (412, "outdated"), "{refused}");
        assert_eq!(answer(with("*")).await.0, 200);
        assert_eq!(answer(with("nonsense")).await.0, 400);
        let changed = with("\"2\"").send().await.unwrap();
        assert_eq!(changed.headers()["etag"], "\"3\"");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let world = World::start_of(calibrated(), |_| ()).await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let (front, camera) = door(&admin, "front").await;
    let at_door = format!("/api/v1/doors/{front}/recognition");
    let of_device = format!("/api/v1/devices/{camera}/config");
    for (path, body, field) in [
        (SETTINGS, r#"{"target_fpir": 0}"#, "target_fpir"),
        (SETTINGS, r#"{"target_fpir": 1}"#, "target_fpir"),
        (SETTINGS, r#"{"target_fpir": -0.01}"#, "target_fpir"),
        (SETTINGS, r#"{"target_fpir": 1e39}"#, "target_fpir"),
        (SETTINGS, r#"{"target_fnir": 1.0}"#, "target_fnir"),
        (SETTINGS, r#"{"lookalike_similarity": 1.01}"#, "lookalike_similarity"),
        (SETTINGS, r#"{"target_fpir": "NaN"}"#, "target_fpir"),
        (SETTINGS, r#"{"target_fpr": 0.01}"#, "target_fpr"),
        (SETTINGS, r#"{"liveness": "sometimes"}"#, "liveness"),
        (&at_door, r#"{"match_threshold": 1.5}"#, "match_threshold"),
        (&at_door, r#"{"match_margin": -0.1}"#, "match_margin"),
        (&at_door, r#"{"target_fpir": 1}"#, "target_fpir"),
        (&at_door, r#"{"target_fnir": 0.1}"#, "target_fnir"),
        (&of_device, r#"{"target_fpir": 0}"#, "target_fpir"),
    ] {
        let request = admin.request(Method::PUT, path).header("content-type", "application/json").body(body);
        let (status, refused) = answer(request).await;
        assert_eq!((status, slug(&refused)), (422, "invalid-value"), "{body}");
        let pointer = refused["errors"][0]["pointer"].as_str();
        assert_eq!(pointer, Some(format!("/{field}").as_str()), "{body}");
    }
    let not_json = admin.request(Method::PUT, SETTINGS).header("content-type", "application/json");
    assert_eq!(answer(not_json.body(r#"{"target_fpir": NaN}"#)).await.0, 400);
    let (status, refused) = admin.post(PREVIEW, json!({"persons": 20_000_000})).await;
    assert_eq!((status, &refused["field"]), (422, &json!("persons")));
    let nowhere = "/api/v1/doors/01a1fbf4-6ba3-75d3-87f4-fee01a1eec83/recognition";
    assert_eq!((admin.get(nowhere).await.0, put(&admin, nowhere, json!({})).await.0), (404, 404));
    assert_eq!((guard.get(SETTINGS).await.0, put(&guard, SETTINGS, json!({})).await.0), (403, 403));
    assert_eq!((put(&guard, &at_door, json!({})).await.0, guard.post(PREVIEW, json!({})).await.0), (403, 403));
    assert_eq!(told(&admin, &camera).await.0, 0, "nothing of it reached the device");
    world.stop().await;
}

#[tokio::test]
async fn a_pack_without_calibration_says_so() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (front, camera) = door(&admin, "front").await;
    let (_, view) = admin.get(SETTINGS).await;
    assert_eq!((&view["outlook"]["calibrated"], &view["outlook"]["expected"]), (&json!(false), &Value::Null));
    assert!(view["outlook"]["explanation"].as_str().unwrap().contains("not calibrated"), "{view}");
    for path in [SETTINGS.to_owned(), format!("/api/v1/doors/{front}/recognition")] {
        let (status, refused) = put(&admin, &path, json!({"target_fpir": 0.01})).await;
        assert_eq!((status, slug(&refused)), (422, "pack-not-calibrated"), "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains("docs/model-packs.md"));
    }
    assert_eq!(slug(&admin.post(PREVIEW, json!({"target_fpir": 0.01})).await.1), "pack-not-calibrated");
    let (status, _) = put(&admin, SETTINGS, json!({"liveness": "block"})).await;
    assert_eq!((status, told(&admin, &camera).await.1), (200, json!({"liveness": "block"})));
    assert_eq!(admin.get("/api/v1/gallery").await.1["capacity"], Value::Null);
    world.stop().await;
}

#[tokio::test]
async fn what_if_changes_nothing_and_knows_which_way_is_up() {
    let world = World::start_of(calibrated(), |_| ()).await;
    let admin = world.admin().await;
    let ask = async |body: Value| {
        let (status, outlook) = admin.post(PREVIEW, body).await;
        assert_eq!(status, 200, "{outlook}");
        outlook
    };
    let threshold = |outlook: &Value| outlook["threshold"].as_f64().unwrap();
    let few = ask(json!({"target_fpir": 0.01, "persons": 10})).await;
    let many = ask(json!({"target_fpir": 0.01, "persons": 10_000})).await;
    let strict = ask(json!({"target_fpir": 0.000_1, "persons": 10})).await;
    assert!(threshold(&few) < threshold(&many) && threshold(&few) < threshold(&strict));
    assert_eq!((&few["capacity"]["fullness"], &many["capacity"]["fullness"]), (&json!("room"), &json!("outgrown")));
    assert!(many["capacity"]["advice"].as_str().unwrap().contains("times as many"), "{many}");
    let by_hand = ask(json!({"match_threshold": 0.8, "persons": 10})).await;
    assert!(by_hand["basis"] == "figures" && by_hand["expected"]["fpir"].as_f64() > few["expected"]["fpir"].as_f64());
    assert_eq!(admin.get(SETTINGS).await.1["version"], 0);
    world.stop().await;
}

#[tokio::test]
async fn a_gallery_that_outgrows_its_pack_is_announced_everywhere() {
    let world = World::start_of(calibrated(), |_| ()).await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let (_, enrolled) = admin.photo(&ada, picture([200, 10, 10])).await;
    assert_eq!(enrolled["gallery_warning"], Value::Null, "{enrolled}");
    let ready = async || answer(world.request(Method::GET, "/readyz")).await.1;
    assert_eq!(ready().await["warnings"], json!([]));
    // Nobody may be missed and hardly a stranger matched: not even one person.
    put(&admin, SETTINGS, json!({"target_fpir": 0.000_001, "target_fnir": 0.001})).await;
    let (_, gallery) = admin.get("/api/v1/gallery").await;
    assert_eq!((&gallery["persons"], &gallery["capacity"]["fullness"]), (&json!(1), &json!("outgrown")), "{gallery}");
    let (_, enrolled) = admin.photo_insisting(&ada, picture([10, 200, 10])).await;
    let said = enrolled["gallery_warning"].as_str().unwrap();
    assert_eq!(gallery["warning"], json!(said));
    let ready = ready().await;
    assert_eq!((&ready["warnings"][0]["part"], &ready["warnings"][0]["detail"]), (&json!("gallery"), &json!(said)));
    let metrics = admin.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    for name in ["ostiary_gallery_persons", "ostiary_gallery_capacity_persons"] {
        assert!(metrics.contains(&format!("\n{name} ")), "{name} is not among the metrics");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_device_takes_what_its_new_door_says() {
    let world = World::start_of(calibrated(), |_| ()).await;
    let admin = world.admin().await;
    let (front, camera) = door(&admin, "front").await;
    let (_, doors) = admin.get("/api/v1/doors").await;
    let site = doors["items"].as_array().unwrap().iter().find(|d| d["id"] == json!(front)).unwrap()["site"].clone();
    let (_, gate) = admin.post("/api/v1/doors", json!({"site": site, "name": "gate"})).await;
    let gate = gate["id"].as_str().unwrap();
    put(&admin, &format!("/api/v1/doors/{gate}/recognition"), json!({"target_fpir": 0.002})).await;
    let path = format!("/api/v1/devices/{camera}/door");
    assert_eq!(put(&admin, &path, json!({"door": camera})).await.0, 404);
    let (status, moved) = put(&admin, &path, json!({"door": gate})).await;
    assert_eq!((status, &moved["door"], &moved["config"]["version"]), (200, &json!(gate), &json!(1)), "{moved}");
    assert!(near(&moved["config"]["effective"]["target_fpir"], 0.002));
    let (_, added) = admin.post("/api/v1/devices", json!({"door": gate, "name": "another"})).await;
    assert_eq!(added["device"]["config"]["version"], 1, "it starts with what its door says: {added}");
    world.stop().await;
}
