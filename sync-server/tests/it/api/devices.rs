//! A device's way from the admin's desk to its token, and out again.

use ostiary_common::identity::ClaimResponse;
use ostiary_server::ports::DeviceStore;
use rcgen::{CertificateParams, KeyPair};
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{Session, World, answer, slug};

/// Adds a device and returns it as answered.
async fn add(admin: &Session<'_>, name: &str) -> Value {
    let (status, site) = admin.post("/api/v1/sites", json!({"name": format!("Site of {name}")})).await;
    assert_eq!(status, 201);
    let (status, door) = admin.post("/api/v1/doors", json!({"site": site["id"], "name": "Main"})).await;
    assert_eq!(status, 201);
    let (status, added) = admin.post("/api/v1/devices", json!({"door": door["id"], "name": name})).await;
    assert_eq!(status, 201, "{added}");
    added
}

async fn claim(world: &World, code: &str, key: &KeyPair, csr: &str) -> (u16, Value) {
    let body = json!({
        "code": code,
        "public_key_pem": key.public_key_pem(),
        "csr_pem": csr,
        "hardware": "a board",
        "version": "1.0",
    });
    answer(world.request(Method::POST, "/api/v1/device/claim").json(&body)).await
}

fn csr(key: &KeyPair) -> String {
    CertificateParams::default().serialize_request(key).unwrap().pem().unwrap()
}

#[tokio::test]
async fn a_device_is_claimed_once_and_revoked_for_good() {
    let world = World::start().await;
    let admin = world.admin().await;
    let added = add(&admin, "cam-1").await;
    let code = added["claim_code"].as_str().unwrap();
    assert_eq!(added["ca_sha256"].as_str().unwrap().len(), 64);
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();

    let (status, refused) = claim(&world, "0000-0000-0000", &key, &csr(&key)).await;
    assert_eq!((status, slug(&refused)), (401, "claim-refused"));
    let (status, refused) = claim(&world, code, &key, "no request").await;
    assert_eq!((status, slug(&refused)), (422, "invalid-value"), "a bad key does not cost the code");
    let (status, claimed) = claim(&world, &code.to_lowercase().replace('-', ""), &key, &csr(&key)).await;
    assert_eq!(status, 200, "{claimed}");
    let claimed: ClaimResponse = serde_json::from_value(claimed).unwrap();
    assert_eq!(claimed.device.to_string(), added["device"]["id"].as_str().unwrap());
    assert_eq!(claimed.ca_pem, world.ca_pem);
    assert!(claimed.broker_url.starts_with("mqtts://127.0.0.1:") && !claimed.broker_url.ends_with(":0"));
    assert!(claimed.certificate_pem.contains("BEGIN CERTIFICATE"));
    assert_eq!(claimed.token.session_floor, 0);
    let (status, refused) = claim(&world, code, &key, &csr(&key)).await;
    assert_eq!((status, slug(&refused)), (401, "claim-refused"), "used");

    let path = format!("/api/v1/devices/{}", claimed.device);
    assert_eq!(admin.get(&path).await.1["state"], "active");
    let settings = json!({"match_threshold": 0.94, "send_crops": true});
    let put = |body: &Value| admin.request(Method::PUT, &format!("{path}/config")).json(body);
    let (status, configured) = answer(put(&settings)).await;
    assert_eq!((status, &configured["version"], &configured["settings"]["send_crops"]), (200, &json!(1), &json!(true)));
    let (status, refused) = answer(put(&json!({"match_threshold": 1.5}))).await;
    assert_eq!((status, &refused["field"]), (422, &json!("match_threshold")));

    let (status, _) = admin.post(&format!("{path}/revoke"), json!({})).await;
    assert_eq!(status, 204);
    assert_eq!(admin.get(&path).await.1["state"], "revoked");
    let (status, refused) = admin.post(&format!("{path}/claim-code"), json!({})).await;
    assert_eq!((status, slug(&refused)), (409, "wrong-state"));
    let (_, audit) = admin.get("/api/v1/audit").await;
    let actions: Vec<&str> = audit["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
    for action in ["device.create", "device.claim", "device.configure", "device.revoke", "auth.login"] {
        assert!(actions.contains(&action), "{action} is not among {actions:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn claim_codes_cannot_be_guessed_at_speed() {
    let world = World::start_with(|config| config.limits.claims_per_minute = 3).await;
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let csr = csr(&key);
    for _ in 0..3 {
        assert_eq!(claim(&world, "0000-0000-0000", &key, &csr).await.0, 401);
    }
    assert_eq!(claim(&world, "0000-0000-0000", &key, &csr).await.0, 429);
    world.stop().await;
}

#[tokio::test]
async fn names_are_taken_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let added = add(&admin, "cam-1").await;
    let door = &added["device"]["door"];
    let (status, taken) = admin.post("/api/v1/devices", json!({"door": door, "name": " cam-1 "})).await;
    assert_eq!((status, slug(&taken)), (409, "taken"));
    let (status, nowhere) = admin.post("/api/v1/devices", json!({"door": added["device"]["id"], "name": "x"})).await;
    assert_eq!((status, slug(&nowhere)), (404, "not-found"));
    assert_eq!(admin.get("/api/v1/devices").await.1["items"].as_array().unwrap().len(), 1);
    world.stop().await;
}

/// A device that is claimed, and its path in the API.
async fn claimed(world: &World, admin: &Session<'_>, name: &str) -> (ClaimResponse, String) {
    let added = add(admin, name).await;
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let (status, claimed) = claim(world, added["claim_code"].as_str().unwrap(), &key, &csr(&key)).await;
    assert_eq!(status, 200, "{claimed}");
    let claimed: ClaimResponse = serde_json::from_value(claimed).unwrap();
    let path = format!("/api/v1/devices/{}", claimed.device);
    (claimed, path)
}

/// Serial numbers on the list of revoked certificates, as the file has it now.
fn on_the_list(world: &World) -> usize {
    let pem = std::fs::read(world.dir.path().join("tls/revoked.crl")).unwrap();
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let (_, list) = x509_parser::parse_x509_crl(&pem.contents).unwrap();
    list.iter_revoked_certificates().count()
}

#[tokio::test]
async fn a_broken_device_is_replaced_under_its_name() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (old, path) = claimed(&world, &admin, "cam-1").await;
    let guard = world.signed_in("guard").await;
    assert_eq!(guard.post(&format!("{path}/replace"), json!({})).await.0, 403);
    let (status, added) = admin.post(&format!("{path}/replace"), json!({})).await;
    assert_eq!(status, 201, "{added}");
    let new = &added["device"];
    assert_eq!(
        (&new["name"], &new["state"], &new["replaces"]),
        (&json!("cam-1"), &json!("pending"), &json!(old.device))
    );
    assert_eq!(added["claim_code"].as_str().unwrap().len(), 14);
    let (_, before) = admin.get(&path).await;
    assert_eq!((&before["state"], &before["replaced_by"]), (&json!("revoked"), &new["id"]));
    assert!(before["revoked_at"].is_string() && before["name"].as_str().unwrap().starts_with("cam-1 (replaced "));
    assert_eq!(on_the_list(&world), 1);
    let (status, again) = admin.post(&format!("{path}/replace"), json!({})).await;
    assert_eq!((status, slug(&again)), (409, "wrong-state"));
    let nowhere = format!("/api/v1/devices/{}/replace", uuid::Uuid::nil());
    assert_eq!(admin.post(&nowhere, json!({})).await.0, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_device_moves_to_a_door_of_another_site() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (claimed, path) = claimed(&world, &admin, "cam-1").await;
    let (_, site) = admin.post("/api/v1/sites", json!({"name": "Elsewhere"})).await;
    let (_, door) = admin.post("/api/v1/doors", json!({"site": site["id"], "name": "Gate"})).await;
    let put = |door: &Value| admin.request(Method::PUT, &format!("{path}/door")).json(&json!({"door": door}));
    let (status, moved) = answer(put(&door["id"])).await;
    assert_eq!((status, &moved["site"], &moved["door"]), (200, &site["id"], &door["id"]), "{moved}");
    assert!(moved["placed_at"].is_string());
    assert_eq!(answer(put(&json!(claimed.site))).await.0, 404, "no door");
    admin.post(&format!("{path}/revoke"), json!({})).await;
    let (status, refused) = answer(put(&json!(claimed.door))).await;
    assert_eq!((status, slug(&refused)), (409, "wrong-state"));
    world.stop().await;
}

#[tokio::test]
async fn commands_are_for_devices_that_are_there() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (claimed, path) = claimed(&world, &admin, "cam-1").await;
    let check = async |body: Value, expected: (u16, &str)| {
        let (status, answer) = admin.post(&format!("{path}/commands"), body.clone()).await;
        assert_eq!((status, if status == 202 { "" } else { slug(&answer) }), expected, "{body} {answer}");
    };
    check(json!({"kind": "identify"}), (409, "wrong-state")).await;
    world.store.put_presence(claimed.device, "online", 1, "1.0", ostiary_common::time::UnixMillis(0)).await.unwrap();
    check(json!({"kind": "identify"}), (202, "")).await;
    check(json!({"kind": "reset", "valid_minutes": 1}), (202, "")).await;
    check(json!({"kind": "explode"}), (422, "invalid-value")).await;
    check(json!({"kind": "restart", "valid_minutes": 61}), (422, "invalid-value")).await;
    world.stop().await;
}
