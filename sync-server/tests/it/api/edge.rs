//! What the edge says and counts, and how the server tells how it is.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_server::config::{CorsOrigin, HttpConfig};
use ostiary_server::domain::fault::{FaultGroup, FaultKind, Fingerprint, template};
use ostiary_server::ports::health::HealthStore;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{World, slug};
use crate::edge::{connect, trusting};

#[tokio::test]
async fn every_counted_answer_says_where_its_budgets_stand() {
    let world = World::start_with(|config| {
        config.limits.requests_per_second = 1;
        config.limits.account_requests_per_second = 2;
        config.http.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let ask = async |address: &str, path: &str| {
        world.request(Method::GET, path).header("x-forwarded-for", address).send().await.unwrap()
    };
    let text = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let first = ask("203.0.113.1", "/healthz").await;
    assert_eq!(text(&first, "ratelimit-policy"), "\"address\";q=10;w=10");
    assert_eq!(text(&first, "ratelimit"), "\"address\";r=9;t=1");
    let nowhere = ask("203.0.113.1", "/nowhere").await;
    assert_eq!((nowhere.status().as_u16(), text(&nowhere, "ratelimit")), (404, "\"address\";r=8;t=2".into()));
    for _ in 0..8 {
        ask("203.0.113.1", "/healthz").await;
    }
    let refused = ask("203.0.113.1", "/healthz").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(text(&refused, "ratelimit").starts_with("\"address\";r=0;"));
    assert!((1..=2).contains(&text(&refused, "retry-after").parse::<u64>().unwrap()));
    assert_eq!(slug(&refused.json().await.unwrap()), "too-many-requests");
    // The proxy's word is believed, what its client wrote is not.
    assert_eq!(ask("203.0.113.2", "/healthz").await.status(), StatusCode::OK);
    assert_eq!(ask("203.0.113.9, 203.0.113.1", "/healthz").await.status(), StatusCode::TOO_MANY_REQUESTS);

    let admin = world.admin().await;
    let me = admin.request(Method::GET, "/api/v1/me").header("x-forwarded-for", "203.0.113.3").send().await.unwrap();
    let policy = text(&me, "ratelimit-policy");
    assert!(policy.contains("\"address\";q=10;w=10") && policy.contains("\"account\";q=20;w=10"), "{policy}");
    world.stop().await;
}

#[tokio::test]
async fn browsers_are_told_what_they_need_and_strangers_pages_nothing() {
    let world = World::start_with(|config| {
        let cors = vec![CorsOrigin { origin: "https://intranet.example".into(), credentials: false }];
        config.http = HttpConfig { cors, ..HttpConfig::default() };
    })
    .await;
    let from = async |origin: &str, path: &str| {
        world.request(Method::GET, path).header("origin", origin).send().await.unwrap().headers().clone()
    };
    for path in ["/healthz", "/api/v1/me", "/nowhere"] {
        let headers = from("https://intranet.example", path).await;
        assert_eq!(headers["access-control-allow-origin"], "https://intranet.example", "{path}");
        assert!(!headers.contains_key("access-control-allow-credentials"), "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(headers[name], value, "{path} {name}");
        }
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path} {policy}");
        assert!(headers.contains_key("permissions-policy"), "{path}");
        assert!(!from("https://intranet.example.evil.example", path).await.contains_key("access-control-allow-origin"));
        assert!(!from("null", path).await.contains_key("access-control-allow-origin"), "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn says_how_each_part_is() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    assert_eq!(guard.get("/api/v1/health").await.0, 403);
    let (status, health) = admin.get("/api/v1/health").await;
    assert_eq!(status, 200);
    let names: Vec<&str> = health["parts"].as_array().unwrap().iter().map(|p| p["part"].as_str().unwrap()).collect();
    for part in [
        "store",
        "link",
        "model",
        "broker",
        "disk",
        "clock",
        "certificates",
        "jobs",
        "fleet",
        "refusals",
        "errors",
        "gallery",
    ] {
        assert!(names.contains(&part), "{part} is not among {names:?}");
    }
    for part in health["parts"].as_array().unwrap() {
        let is_ok = part["status"] == "ok";
        assert_eq!(is_ok, part["cause"].is_null(), "{part}");
        assert_eq!(is_ok, part["advice"].is_null(), "{part}");
        let since = part["since"].as_str().unwrap();
        assert!(UnixMillis::parse_rfc3339(since).is_some(), "{part}");
    }
    let metrics = admin.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    lint(&metrics);
    world.stop().await;
}

/// What `promtool check metrics` would find, and that every figure says what it means.
fn lint(text: &str) {
    let mut told = std::collections::HashMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            told.insert(name, kind);
        }
    }
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let family = if told.contains_key(name) { name } else { family };
        let kind = told.get(family).unwrap_or_else(|| panic!("{name} has no type"));
        assert!(text.contains(&format!("# HELP {family} ")), "{family} does not say what it means");
        assert_eq!(*kind == "counter", family.ends_with("_total"), "{family} is a {kind}");
        let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(value >= 0.0, "{line}");
    }
    assert!(told.len() > 5, "{told:?}");
}

#[tokio::test]
async fn errors_are_shown_by_kind_until_they_are_dealt_with() {
    let world = World::start().await;
    let admin = world.admin().await;
    let fault = |number: u64, at: i64| {
        let message = format!("camera {number} is on fire");
        let template = template(&message);
        let fingerprint = Fingerprint::of(FaultKind::Error, "it", &template, &[]);
        let (kind, target, stack, version) = (FaultKind::Error, "it".into(), "at it.rs:1".into(), "0".into());
        let (first_at, last_at) = (UnixMillis(at), UnixMillis(at));
        FaultGroup {
            fingerprint,
            kind,
            target,
            template,
            message,
            stack,
            version,
            count: number,
            first_at,
            last_at,
            resolved: None,
        }
    };
    world.store.add_faults(&[fault(2, 1_000)]).await.unwrap();
    world.store.add_faults(&[fault(3, 2_000)]).await.unwrap();
    let ours = async |query: &str| {
        let (status, page) = admin.get(&format!("/api/v1/errors{query}")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().iter().find(|item| item["target"] == "it").cloned()
    };
    let shown = ours("").await.unwrap();
    assert_eq!((&shown["count"], &shown["message"]), (&json!(5), &json!("camera 3 is on fire")));
    assert_eq!(
        (&shown["first_at"], &shown["last_at"]),
        (&json!(UnixMillis(1_000).to_rfc3339()), &json!(UnixMillis(2_000).to_rfc3339()))
    );
    let path = format!("/api/v1/errors/{}/resolve", shown["fingerprint"].as_str().unwrap());
    assert_eq!(world.signed_in("guard").await.post(&path, Value::Null).await.0, 403);
    let (status, resolved) = admin.post(&path, Value::Null).await;
    assert_eq!((status, resolved["resolved_by"].as_str().unwrap().starts_with("user:")), (200, true), "{resolved}");
    assert!(ours("").await.is_none() && ours("?resolved=true").await.is_some());
    world.store.add_faults(&[fault(1, 3_000)]).await.unwrap();
    let again = ours("?limit=500").await.unwrap();
    assert_eq!((&again["count"], &again["resolved_at"]), (&json!(6), &Value::Null), "it recurred");
    assert_eq!(admin.post("/api/v1/errors/0123456789abcdef/resolve", Value::Null).await.0, 404);
    assert_eq!(admin.post("/api/v1/errors/x/resolve", Value::Null).await.0, 404);
    assert_eq!(admin.get("/api/v1/errors?before=x").await.0, 422);
    world.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_finished_and_no_other_is_taken() {
    let world = World::start_with(|config| config.server.shutdown_grace_s = 30).await;
    let address = world.base.trim_start_matches("https://").to_owned();
    let (tls, name) = trusting(&world.ca_pem, &[b"http/1.1"]);
    let mut slow = connect(&address, tls.clone(), name.clone()).await.unwrap();
    let body = json!({"login": "admin", "password": super::world::PASSWORD}).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.flush().await.unwrap();
    // So that it is under way: the server has answered another request after it.
    world.request(Method::GET, "/healthz").send().await.unwrap();
    world
        .stop_while(async move {
            while connect(&address, tls.clone(), name.clone()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            slow.write_all(second.as_bytes()).await.unwrap();
            let mut answer = String::new();
            slow.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
            assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
        })
        .await;
}
