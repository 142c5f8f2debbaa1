//! Services and their keys, and tickets for live connections.

use reqwest::Method;
use reqwest::header::SEC_WEBSOCKET_PROTOCOL;
use serde_json::json;

use crate::api::world::{World, answer, slug};

#[tokio::test]
async fn a_key_opens_what_it_is_left_to_and_no_more() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (status, service) = admin
        .post("/api/v1/service-accounts", json!({"name": "Home Assistant", "grants": [{"role": "operator"}]}))
        .await;
    assert_eq!(status, 201, "{service}");
    let path = format!("/api/v1/service-accounts/{}", service["id"].as_str().unwrap());
    let keys = format!("{path}/keys");
    assert_eq!(admin.post(&keys, json!({"name": "k", "days": 0})).await.0, 422);
    assert_eq!(admin.post(&keys, json!({"name": "k", "days": 1, "permissions": ["fly"]})).await.0, 422);
    let (status, made) =
        admin.post(&keys, json!({"name": "kitchen", "days": 30, "permissions": ["events.read"]})).await;
    assert_eq!(status, 201, "{made}");
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("ost_") && key.len() == 53, "{key}");
    let get = async |path: &str, key: &str| answer(world.request(Method::GET, path).bearer_auth(key)).await;
    assert_eq!(get("/api/v1/events", key).await.0, 200);
    assert_eq!(get("/api/v1/users", key).await.0, 403);
    let (_, me) = get("/api/v1/me", key).await;
    assert_eq!(
        (&me["kind"], &me["permissions"], &me["session"]),
        (&json!("service"), &json!(["events.read"]), &json!(null))
    );
    let mut slip = key.to_owned();
    slip.replace_range(10..11, if &slip[10..11] == "A" { "B" } else { "A" });
    assert_eq!(get("/api/v1/events", &slip).await.0, 401);
    let change = json!({"password": "x", "new_password": "y"});
    let (status, none) =
        answer(world.request(Method::POST, "/api/v1/me/password").bearer_auth(key).json(&change)).await;
    assert_eq!((status, slug(&none)), (409, "wrong-state"));
    let (_, list) = admin.get(&keys).await;
    let shown = &list["items"][0];
    assert_eq!((&shown["name"], shown["last_used_at"].is_string()), (&json!("kitchen"), true), "{list}");
    assert!(!list.to_string().contains(key), "a key is shown once");
    let (_, users) = admin.get("/api/v1/users").await;
    assert!(!users.to_string().contains("Home Assistant"), "services are no people");
    assert_eq!(admin.delete(&format!("{keys}/{}", made["id"].as_str().unwrap())).await.0, 204);
    assert_eq!(get("/api/v1/events", key).await.0, 401, "at once");
    assert_eq!(admin.delete(&path).await.0, 204);
    world.stop().await;
}

#[tokio::test]
async fn a_ticket_opens_one_live_connection_and_nothing_else() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ticket = async || {
        let (status, made) = admin.post("/api/v1/live/tickets", json!({})).await;
        assert_eq!(status, 201, "{made}");
        made["protocol"].as_str().unwrap().to_owned()
    };
    let open = async |path: &str, protocol: &str| {
        let request = world.request(Method::GET, path);
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.header(SEC_WEBSOCKET_PROTOCOL, format!("ostiary.live, {protocol}")).send().await.unwrap()
    };
    let live = "/api/v1/events/live";
    let first = ticket().await;
    let response = open(live, &first).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()[SEC_WEBSOCKET_PROTOCOL], "ostiary.live", "the ticket is not said back");
    drop(response);
    assert_eq!(open(live, &first).await.status(), 401, "once");
    assert_eq!(open("/api/v1/me", &ticket().await).await.status(), 401, "for nothing else");
    let secret = ticket().await.rsplit('.').next().unwrap().to_owned();
    assert_eq!(answer(world.request(Method::GET, "/api/v1/me").bearer_auth(&secret)).await.0, 401);
    assert_eq!(open(&format!("{live}?ticket={secret}"), "none").await.status(), 401, "nor in a URL");
    let left = ticket().await;
    assert_eq!(admin.post("/api/v1/auth/logout", json!({})).await.0, 204);
    assert_eq!(open(live, &left).await.status(), 401, "it ends with its session");
    world.stop().await;
}
