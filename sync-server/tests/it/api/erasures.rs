//! A removed person's erasure, from the removal to a receipt that anybody can check.

use std::time::Duration;

use jsonwebtoken::DecodingKey;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_server::domain::gallery::{TermsChange, Validity};
use ostiary_server::domain::recognition::Change;
use ostiary_server::identity::receipt::Receipt;
use ostiary_server::ports::{ErasureStore, ScopeStore};
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{Session, World, slug};

/// Asks until it is so; the server looks every two seconds.
async fn until(session: &Session<'_>, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100 {
        let (_, found) = session.get(path).await;
        if is_so(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{path} did not become so in 20 s");
}

#[tokio::test]
async fn a_removal_ends_in_a_receipt() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let (status, removed) = admin.delete(&format!("/api/v1/persons/{ada}")).await;
    assert_eq!(status, 200, "{removed}");
    let path = format!("/api/v1/erasures/{}", removed["erasure"].as_str().unwrap());
    let done = until(&admin, &path, |erasure| !erasure["completed_at"].is_null()).await;
    assert_eq!((&done["person"], &done["reason"], &done["devices"]), (&json!(ada), &json!("asked"), &json!(0)));
    assert_eq!(done["device_states"], json!([]));
    let (_, list) = admin.get("/api/v1/erasures").await;
    assert_eq!(list["items"][0]["id"], removed["erasure"]);

    let receipt = admin.request(Method::GET, &format!("{path}/receipt")).send().await.unwrap();
    assert_eq!(receipt.headers()["content-type"], "application/jose");
    let receipt = receipt.text().await.unwrap();
    let (_, jwks) = admin.get("/.well-known/jwks.json").await;
    let find = |kid: &str| {
        let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid)?;
        DecodingKey::from_ed_components(key["x"].as_str()?).ok()
    };
    let checked = Receipt::check(&receipt, find).unwrap();
    assert_eq!((checked.person.to_string(), checked.completed_at.is_some()), (ada.clone(), true));
    let (_, audit) = admin.get("/api/v1/audit").await;
    let told = audit["items"].as_array().unwrap().iter().find(|line| line["action"] == "erasure.complete");
    assert_eq!(told.unwrap()["actor"], "server");
    assert_eq!(slug(&admin.get("/api/v1/erasures/0197f2a0-1c3b-7d2e-9f00-1234567890ab").await.1), "not-found");
    world.stop().await;
}

#[tokio::test]
async fn whose_validity_ends_is_erased_where_that_was_asked_for() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (visitor, member) = (admin.person("A visitor").await, admin.person("A member").await);
    for person in [&visitor, &member] {
        let until = UnixMillis(1_000);
        let terms = TermsChange { validity: Some(Validity::parse(None, Some(until)).unwrap()), groups: None };
        let change = Change { expected: None, now: UnixMillis(1) };
        world.store.put_terms(person.parse::<PersonId>().unwrap(), &terms, change).await.unwrap().unwrap();
    }
    let path = format!("/api/v1/persons/{visitor}/on-expiry");
    assert_eq!(admin.get(&path).await.1, json!({"erase": false}));
    let set = admin.request(Method::PUT, &path).json(&json!({"erase": true})).send().await.unwrap();
    assert_eq!(set.status(), 200);
    until(&admin, "/api/v1/erasures", |list| list["items"][0]["person"] == visitor.as_str()).await;
    assert_eq!(admin.get(&format!("/api/v1/persons/{visitor}")).await.0, 404);
    assert_eq!(admin.get(&format!("/api/v1/persons/{member}")).await.0, 200);
    let erasure = world.store.erasure_of(visitor.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(erasure.reason.as_str(), "expired");
    let guard = world.signed_in("guard").await;
    let refused = guard.request(Method::PUT, &path).json(&json!({"erase": true})).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    world.stop().await;
}
