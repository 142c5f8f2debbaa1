//! Messages to browsers, through the API: a browser subscribes, a stand-in for its maker takes sealed messages that the
//! browser alone opens, and a browser that is gone is forgotten.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::notify::push::new_key;
use ostiary_server::ports::EventStore;
use serde_json::{Value, json};
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::rand_core::OsRng;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::{Auth, decrypt};

use super::world::{Session, World, slug};
use crate::store::sample::{batch, device, visit};

type Heard = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// The maker of browsers: what goes to `gone` is wanted no more.
async fn maker() -> (SocketAddr, Heard) {
    async fn take(
        State(heard): State<Heard>,
        Path(browser): Path<String>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        let status = if browser == "gone" { StatusCode::GONE } else { StatusCode::CREATED };
        heard.lock().unwrap().push((browser, headers, body));
        status
    }
    let heard = Heard::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/send/{browser}", post(take)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, heard)
}

struct Browser {
    secret: SecretKey,
    auth: [u8; 16],
}

impl Browser {
    fn new() -> Self {
        Self { secret: SecretKey::random(&mut OsRng), auth: [9; 16] }
    }

    /// What `PushSubscription.toJSON()` gives.
    fn subscription(&self, endpoint: &str) -> Value {
        let key = self.secret.public_key().to_encoded_point(false);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"endpoint": endpoint, "expirationTime": null, "user_agent": "Chromium on Linux",
            "keys": {"p256dh": text(key.as_bytes()), "auth": text(&self.auth)}})
    }

    fn opens(&self, body: &Bytes) -> Value {
        let plain = decrypt(body.to_vec(), &self.secret, Auth::from_slice(&self.auth)).unwrap();
        serde_json::from_slice(&plain).unwrap()
    }
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), waiting).await.expect("it happens in time")
}

async fn browsers(session: &Session<'_>) -> usize {
    session.get("/api/v1/me/push").await.1["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_browser_is_told_in_words_that_it_alone_reads() {
    let (maker, heard) = maker().await;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), new_key().as_bytes()).unwrap();
    let file = key.path().display().to_string();
    let world = World::start_with(move |config| {
        config.notify.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.notify.push_key_file = file;
        config.notify.push_contact = "mailto:admin@example.org".into();
    })
    .await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let cam = device(&*world.store, "cam").await;
    assert!(guard.get("/api/v1/me/push").await.1["public_key"].is_string());
    let browser = Browser::new();
    for name in ["here", "gone"] {
        let wanted = browser.subscription(&format!("http://{maker}/send/{name}"));
        let (status, made) = guard.post("/api/v1/me/push", wanted).await;
        assert_eq!((status, made["origin"].as_str()), (201, Some(&*format!("http://{maker}"))), "{made}");
        assert!(!made.to_string().contains("/send/"), "{made}");
    }
    let (status, refused) = guard.post("/api/v1/me/push", browser.subscription("https://10.0.0.1/x")).await;
    assert_eq!((status, slug(&refused)), (422, "invalid-value"), "{refused}");
    let rule = json!({"name": "Unknown", "what": ["unknown"], "whom": {"roles": ["operator"]}, "how": {"push": true}});
    let (status, rule) = admin.post("/api/v1/notification-rules", rule).await;
    assert_eq!((status, &rule["how"]["push"]), (201, &json!(true)), "{rule}");

    let event = visit(1, OutcomeKind::Unknown, None, None);
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![event])).await.unwrap();
    world.committed().await;
    let (headers, said) = until(async || {
        let heard = heard.lock().unwrap();
        let (_, headers, body) = heard.iter().find(|(browser, ..)| browser == "here")?;
        Some((headers.clone(), browser.opens(body)))
    })
    .await;
    assert_eq!(
        (said["title"].as_str(), headers["content-encoding"].as_bytes()),
        (Some("Unknown visitor"), &b"aes128gcm"[..])
    );
    assert!(said["body"].as_str().unwrap().contains("door of cam"), "{said}");
    assert!(headers["authorization"].to_str().unwrap().starts_with("vapid t="));
    until(async || (browsers(&guard).await == 1).then_some(())).await;
    let sent = until(async || {
        let (_, list) = admin.get("/api/v1/deliveries?state=sent").await;
        list["items"].get(0).cloned()
    })
    .await;
    assert_eq!((sent["channel"].as_str(), sent["account"].is_string()), (Some("push"), true), "{sent}");
    world.stop().await;
}

#[tokio::test]
async fn without_a_key_nobody_is_pushed_to_and_what_one_did_is_ones_own() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    assert!(guard.get("/api/v1/me/push").await.1["public_key"].is_null());
    let (status, refused) = guard.post("/api/v1/me/push", Browser::new().subscription("https://push.example/x")).await;
    assert_eq!((status, slug(&refused)), (409, "wrong-state"), "{refused}");

    let cam = device(&*world.store, "cam").await;
    let event = visit(1, OutcomeKind::Unknown, None, None);
    let id = event.id;
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![event])).await.unwrap();
    assert_eq!(guard.post(&format!("/api/v1/events/{id}/verdict"), json!({"verdict": "right"})).await.0, 201);
    let (_, mine) = guard.get("/api/v1/me/verdicts").await;
    assert_eq!(
        (&mine["items"][0]["event"], mine["items"][0]["verdict"].as_str()),
        (&json!(id), Some("right")),
        "{mine}"
    );
    assert_eq!(admin.get("/api/v1/me/verdicts").await.1["items"], json!([]));
    guard.get("/api/v1/threads/search?q=parcel").await;
    let (_, mine) = guard.get("/api/v1/me/searches").await;
    assert_eq!(
        (mine["items"][0]["words"].as_str(), mine["items"][0]["found"].as_u64()),
        (Some("parcel"), Some(0)),
        "{mine}"
    );
    assert_eq!(admin.get("/api/v1/me/searches").await.1["items"], json!([]));
    assert_eq!(guard.delete("/api/v1/me/searches").await.0, 204);
    assert_eq!(guard.get("/api/v1/me/searches").await.1["items"], json!([]));
    world.stop().await;
}
