//! The second factor, from its setting up to its loss.

use ostiary_common::time::UnixMillis;
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Algorithm, Builder, Secret};

use crate::api::world::{PASSWORD, World, answer, slug};

/// What an app shows, `steps` from now.
fn code(secret: &str, steps: i64) -> String {
    let now = UnixMillis::from_system_time(std::time::SystemTime::now()).as_unix_seconds();
    let at = now.saturating_add_signed(steps * 30);
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(secret).build().unwrap();
    totp.generate(at).to_string()
}

#[tokio::test]
async fn a_second_step_is_asked_for_and_a_code_serves_once() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    let guard = world.signed_in("guard").await;
    let (status, wrong) = guard.post("/api/v1/me/totp", json!({"password": "wrong"})).await;
    assert_eq!((status, slug(&wrong)), (422, "invalid-value"), "{wrong}");
    let (status, made) = guard.post("/api/v1/me/totp", json!({"password": PASSWORD})).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"].as_str().unwrap();
    assert!(made["otpauth_url"].as_str().unwrap().starts_with("otpauth://totp/Ostiary:guard?"), "{made}");
    assert_eq!(world.login("guard", PASSWORD).await.status(), 200, "not asked for before it is confirmed");
    assert_eq!(guard.post("/api/v1/me/totp/confirm", json!({"code": "000000"})).await.0, 422);
    let first = code(secret, -1);
    let (status, confirmed) = guard.post("/api/v1/me/totp/confirm", json!({ "code": first })).await;
    assert_eq!(status, 200, "{confirmed}");
    let recovery: Vec<&str> =
        confirmed["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(recovery.len(), 10);

    let challenge = async || {
        let response = world.login("guard", PASSWORD).await;
        assert_eq!(response.status(), 202);
        let wanted: Value = response.json().await.unwrap();
        assert!(wanted.get("access_token").is_none());
        wanted["challenge"].as_str().unwrap().to_owned()
    };
    let step = async |body: Value| answer(world.request(Method::POST, "/api/v1/auth/second-step").json(&body)).await;
    let open = challenge().await;
    assert_eq!(step(json!({"challenge": open, "code": first})).await.0, 401, "the code it was confirmed by");
    assert_eq!(step(json!({"challenge": "made up", "code": code(secret, 0)})).await.0, 401);
    assert_eq!(step(json!({"challenge": open})).await.0, 422);
    let now = code(secret, 0);
    let (status, signed_in) = step(json!({"challenge": open, "code": now})).await;
    assert_eq!(status, 200, "{signed_in}");
    assert_eq!(step(json!({"challenge": open, "code": code(secret, 1)})).await.0, 401, "a challenge serves once");
    assert_eq!(step(json!({"challenge": challenge().await, "code": now})).await.0, 401, "a replay");

    let (status, _) = step(json!({"challenge": challenge().await, "recovery_code": recovery[0].to_uppercase()})).await;
    assert_eq!(status, 200, "the app is lost");
    assert_eq!(step(json!({"challenge": challenge().await, "recovery_code": recovery[0]})).await.0, 401);
    let (status, again) = guard.post("/api/v1/me/totp", json!({"password": PASSWORD})).await;
    assert_eq!((status, slug(&again)), (409, "wrong-state"));
    assert_eq!(guard.post("/api/v1/me/totp/remove", json!({"password": PASSWORD})).await.0, 204);
    assert_eq!(world.login("guard", PASSWORD).await.status(), 200);
    world.stop().await;
}
