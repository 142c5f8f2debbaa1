//! Every refusal is a problem that says what to do.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::world::{World, answer, slug};

#[tokio::test]
async fn refusals_are_problems() {
    let world = World::start().await;
    let admin = world.admin().await;
    let guard = world.signed_in("guard").await;
    let id = "01a1fbf4-6ba3-75d3-87f4-fee01a1eec83";
    let check = async |request: reqwest::RequestBuilder, status: u16, expected: &str| {
        let response = request.send().await.unwrap();
        let named = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{expected}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let found = response.status().as_u16();
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!((found, slug(&problem)), (status, expected), "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["instance"], format!("urn:uuid:{named}"));
        assert!(problem["title"].as_str().unwrap().len() > 5 && problem["detail"].as_str().unwrap().len() > 5);
    };
    let text = |session: &super::world::Session<'_>, path: &str, body: &'static str| {
        session.request(Method::POST, path).header("content-type", "application/json").body(body)
    };
    check(world.request(Method::GET, "/nowhere"), 404, "not-found").await;
    check(world.request(Method::DELETE, "/api/v1/me"), 405, "method-not-allowed").await;
    check(world.request(Method::GET, "/api/v1/me"), 401, "not-signed-in").await;
    check(world.request(Method::GET, "/api/v1/me").bearer_auth("forged"), 401, "not-signed-in").await;
    check(world.request(Method::GET, "/api/v1/me").basic_auth("admin", Some("x")), 401, "not-signed-in").await;
    check(guard.request(Method::GET, "/api/v1/audit"), 403, "not-allowed").await;
    check(text(&guard, "/api/v1/persons", "{\"name\":\"x\"}"), 403, "not-allowed").await;
    check(admin.request(Method::POST, "/api/v1/sites").body("{}"), 415, "unsupported-media-type").await;
    check(text(&admin, "/api/v1/sites", "{"), 400, "bad-request").await;
    check(text(&admin, "/api/v1/sites", "{\"nome\":1}"), 422, "invalid-value").await;
    check(text(&admin, "/api/v1/sites", "{\"name\":\" \"}"), 422, "invalid-value").await;
    check(admin.request(Method::GET, "/api/v1/persons/not-an-id"), 400, "bad-request").await;
    check(admin.request(Method::GET, &format!("/api/v1/persons/{id}")), 404, "not-found").await;
    check(admin.request(Method::DELETE, &format!("/api/v1/templates/{id}")), 404, "not-found").await;
    check(admin.request(Method::GET, &format!("/api/v1/events/{id}/crop")), 404, "not-found").await;
    check(admin.request(Method::GET, "/api/v1/events?limit=0"), 422, "invalid-value").await;
    check(admin.request(Method::GET, "/api/v1/events?kind=gossip"), 422, "invalid-value").await;
    check(admin.request(Method::GET, "/api/v1/events?before=1&after=1"), 422, "invalid-value").await;
    check(admin.request(Method::GET, "/api/v1/events?befor=1"), 400, "bad-request").await;
    check(admin.request(Method::GET, "/api/v1/events/live"), 400, "bad-request").await;
    let long = "x".repeat(70_000);
    check(admin.request(Method::POST, "/api/v1/sites").json(&json!({"name": long})), 413, "body-too-large").await;
    world.stop().await;
}

#[tokio::test]
async fn guessing_passwords_is_slow_and_leaves_a_trace() {
    let world = World::start_with(|config| config.limits.logins_per_minute = 4).await;
    let admin = world.admin().await;
    for login in ["admin", "nobody", "admin"] {
        let refused = world.login(login, "wrong").await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(slug(&refused.json().await.unwrap()), "wrong-login", "whether the account is there is not told");
    }
    let slowed = world.login("admin", super::world::PASSWORD).await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = slowed.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let refused = async || {
        let (_, page) = admin.get("/api/v1/audit").await;
        let lines = page["items"].as_array().unwrap().clone();
        lines.into_iter().filter(|line| line["action"] == "auth.login" && line["result"] == "refused").count()
    };
    // Written by a task of its own, so not at once.
    let wait = async {
        while refused().await < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), wait).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn tells_whether_it_works() {
    let world = World::start().await;
    let health = world.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(health.text().await.unwrap(), "ok");
    let (status, ready) = answer(world.request(Method::GET, "/readyz")).await;
    assert_eq!((status, &ready["ready"]), (200, &json!(true)), "{ready}");
    let parts: Vec<&str> = ready["parts"].as_array().unwrap().iter().map(|p| p["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["store", "link", "model", "broker"]);
    assert_eq!(answer(world.request(Method::GET, "/metrics")).await.0, 401, "figures are not for everybody");
    let admin = world.admin().await;
    let metrics = admin.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("ostiary_server_http_requests_total"));
    let (_, keys) = answer(world.request(Method::GET, "/.well-known/jwks.json")).await;
    assert_eq!((&keys["keys"][0]["crv"], &keys["keys"][0]["alg"]), (&json!("Ed25519"), &json!("EdDSA")));
    let ca = world.request(Method::GET, "/api/v1/ca.pem").send().await.unwrap().text().await.unwrap();
    assert_eq!(ca, world.ca_pem);
    let endpoints = std::fs::read_to_string(world.dir.path().join("run/endpoints.json")).unwrap();
    let endpoints: serde_json::Value = serde_json::from_str(&endpoints).unwrap();
    assert_eq!(format!("https://{}", endpoints["https"].as_str().unwrap()), world.base);
    world.stop().await;
}
