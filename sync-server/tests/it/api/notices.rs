//! Telling people, through the API: a rule, a visit, a message at a real mail server, a signed call to another program,
//! the centre, and the link that ends it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::notify::signed;
use ostiary_server::ports::EventStore;
use reqwest::Method;
use serde_json::{Value, json};

use super::accounts::smtp::MailServer;
use super::world::{Session, World, answer, slug};
use crate::store::notify::account;
use crate::store::sample::{batch, device, visit};

type Heard = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Another program: it is busy at first, then takes what comes.
async fn receiver() -> (SocketAddr, Heard) {
    let heard = Heard::default();
    async fn take(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let mut heard = heard.lock().unwrap();
        heard.push((headers, body));
        if heard.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/hook", post(take)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, heard)
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
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it happens in time")
}

async fn see(world: &World, device: ostiary_common::ids::DeviceId) {
    let event = visit(1, OutcomeKind::Unknown, None, None);
    world.store.ingest(&batch(device, StreamId::generate(), vec![event])).await.unwrap();
    world.committed().await;
}

async fn unread(session: &Session<'_>) -> (u64, Value) {
    let (status, list) = session.get("/api/v1/notifications").await;
    assert_eq!(status, 200, "{list}");
    (list["unread"].as_u64().unwrap(), list["items"].clone())
}

#[tokio::test]
async fn an_unknown_visitor_is_told_in_the_centre_and_to_a_program() {
    let (address, heard) = receiver().await;
    let world = World::start_with(|config| {
        config.notify.webhook_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let cam = device(&*world.store, "cam").await;
    let (status, hook) = admin
        .post("/api/v1/webhooks", json!({"name": "Tickets", "url": format!("http://{address}/hook?token=x")}))
        .await;
    assert_eq!((status, hook["origin"].clone()), (201, json!(format!("http://{address}"))), "{hook}");
    let (status, shown) = admin.get(&format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap())).await;
    assert!(status == 200 && shown.get("secret").is_none() && !shown.to_string().contains("token"), "{shown}");
    let rule = json!({"name": "Unknown", "what": ["unknown"], "whom": {"roles": ["operator"]},
        "how": {"webhooks": [hook["id"]]}, "pause_s": 60});
    let (status, rule) = admin.post("/api/v1/notification-rules", rule).await;
    assert_eq!(status, 201, "{rule}");

    see(&world, cam.id).await;
    let item = until(async || unread(&guard).await.1.get(0).cloned()).await;
    assert_eq!((item["what"].as_str(), item["count"].as_u64()), (Some("unknown"), Some(1)), "{item}");
    assert_eq!(item["door"], json!(cam.door));
    assert_eq!(unread(&admin).await.0, 0, "the rule names operators");
    let id = item["id"].as_str().unwrap();
    let (_, events) = guard.get(&format!("/api/v1/notifications/{id}/events")).await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get(&format!("/api/v1/notifications/{id}")).await.0, 404, "it is another's");

    let tries = until(async || Some(heard.lock().unwrap().clone()).filter(|tries| tries.len() >= 2)).await;
    let secret = hook["secret"].as_str().unwrap();
    for (headers, body) in &tries {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let at = ostiary_common::time::UnixMillis(text("webhook-timestamp").parse::<i64>().unwrap() * 1000);
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &secret["whsec_".len()..]);
        let expected = signed::headers(&bytes.unwrap(), &text("webhook-id"), at, body);
        assert_eq!(text("webhook-signature"), expected[2].1);
        let said: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(said["data"]["notice"]["what"], "unknown", "{said}");
    }
    assert_eq!(tries[0].0["webhook-id"], tries[1].0["webhook-id"], "a try is known again");
    let sent = until(async || {
        let (_, list) = admin.get(&format!("/api/v1/deliveries?notification={id}&state=sent")).await;
        list["items"].get(0).cloned()
    })
    .await;
    assert_eq!(sent["attempts"], 2, "{sent}");

    let stream = guard.request(Method::GET, "/api/v1/notifications/live").header("accept", "text/event-stream");
    let mut live = stream.send().await.unwrap();
    assert_eq!(live.chunk().await.unwrap().unwrap(), "data: {\"unread\":1}\n\n");
    let (_, marked) = guard.post(&format!("/api/v1/notifications/{id}/read"), json!({})).await;
    assert_eq!((marked["marked"].as_u64(), unread(&guard).await.0), (Some(1), 0));
    assert_eq!(live.chunk().await.unwrap().unwrap(), "data: {\"unread\":0}\n\n", "told as it changes");
    drop(live);
    world.stop().await;
}

#[tokio::test]
async fn webhooks_do_not_reach_into_the_house() {
    let world = World::start().await;
    let admin = world.admin().await;
    for url in ["http://hooks.example/x", "https://127.0.0.1/x", "https://169.254.169.254/", "https://[fd00::1]/"] {
        let (status, refused) = admin.post("/api/v1/webhooks", json!({"name": "x", "url": url})).await;
        assert_eq!((status, slug(&refused)), (422, "invalid-value"), "{url}: {refused}");
    }
    // A name is judged when it is called.
    let (status, hook) = admin.post("/api/v1/webhooks", json!({"name": "x", "url": "https://localhost/x"})).await;
    assert_eq!(status, 201, "{hook}");
    let (status, _) = admin.post(&format!("/api/v1/webhooks/{}/test", hook["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(status, 202);
    let failed = until(async || {
        let (_, list) = admin.get("/api/v1/deliveries?state=failed").await;
        list["items"].get(0).cloned()
    })
    .await;
    assert!(failed["error"].as_str().unwrap().contains("webhook_networks"), "{failed}");
    let retry = format!("/api/v1/deliveries/{}/retry", failed["id"].as_str().unwrap());
    let (status, again) = admin.post(&retry, json!({})).await;
    assert_eq!(
        (status, again["state"].as_str(), again["attempts"].as_u64()),
        (202, Some("waiting"), Some(0)),
        "{again}"
    );
    until(async || {
        let (_, list) = admin.get("/api/v1/deliveries?state=failed").await;
        list["items"].get(0).cloned()
    })
    .await;
    world.stop().await;
}

#[tokio::test]
async fn a_message_arrives_in_text_and_html_and_its_link_ends_it() {
    let Some(mail) = MailServer::start() else { return };
    let config = mail.config();
    let world = World::start_with(move |all| all.mail = config).await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let door = ostiary_server::domain::access::Scope::Door(cam.door);
    let vera = account(&world.store, "vera", ostiary_server::domain::access::Role::Viewer, door).await;
    let rule = json!({"name": "Unknown", "what": ["unknown"], "whom": {"accounts": [vera]}, "how": {"email": true}});
    let (status, rule) = admin.post("/api/v1/notification-rules", rule).await;
    assert_eq!(status, 201, "{rule}");
    see(&world, cam.id).await;
    let message = mail.next().await.replace("=\r\n", "").replace("=3D", "=");
    assert!(message.contains("To: vera@example.org") && message.contains("multipart/alternative"), "{message}");
    assert!(message.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{message}");
    assert!(message.contains("door of cam"), "{message}");
    let (_, link) = message.split_once("by mail: ").unwrap();
    let path = link.split_whitespace().next().unwrap();
    let path = &path[path.find("/api/").unwrap()..];
    let page = world.request(Method::GET, path).send().await.unwrap();
    assert!(page.status() == 200 && page.text().await.unwrap().contains("<button"), "it asks first");
    assert_eq!(world.request(Method::POST, path).send().await.unwrap().status(), 200);
    let (status, refused) = answer(world.request(Method::POST, &path.replace("signature=", "signature=x"))).await;
    assert_eq!((status, slug(&refused)), (403, "not-allowed"));
    let (_, rules) = admin.get("/api/v1/notification-rules").await;
    let shorter = json!({"name": "Unknown", "what": ["unknown"], "whom": {"accounts": [vera]},
        "how": {"email": true}, "group_by": "rule"});
    let path = format!("/api/v1/notification-rules/{}", rules["items"][0]["id"].as_str().unwrap());
    let (status, _) = answer(admin.request(Method::PUT, &path).json(&shorter)).await;
    assert_eq!(status, 200);
    see(&world, cam.id).await;
    let held = until(async || {
        let (_, list) = admin.get("/api/v1/deliveries?state=held").await;
        list["items"].get(0).cloned()
    })
    .await;
    assert!(held["error"].as_str().unwrap().contains("by this rule"), "{held}");
    assert!(mail.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_rule_is_tried_without_telling_anybody_else() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let cam = device(&*world.store, "cam").await;
    let rule = json!({"name": "Unknown", "what": ["unknown"], "door": cam.door, "whom": {"roles": ["operator"]}});
    let (_, rule) = admin.post("/api/v1/notification-rules", rule).await;
    let path = format!("/api/v1/notification-rules/{}/test", rule["id"].as_str().unwrap());
    let (status, tried) = admin.post(&path, json!({})).await;
    assert_eq!((status, tried["people"].as_u64(), tried["webhooks"].as_u64()), (202, Some(1), Some(0)), "{tried}");
    let (count, items) = unread(&admin).await;
    assert_eq!((count, items[0]["what"].as_str()), (1, Some("unknown")), "{items}");
    assert!(items[0]["words"].as_str().unwrap().contains("nothing happened"), "{items}");
    assert_eq!(unread(&guard).await.0, 0);
    assert_eq!(guard.post(&path, json!({})).await.0, 403);
    world.stop().await;
}

#[tokio::test]
async fn the_end_of_a_job_is_told_once_to_who_asked_for_it() {
    let world = World::start().await;
    let admin = world.admin().await;
    let rule = json!({"name": "Jobs", "what": ["job_done", "job_failed"], "whom": {"roles": ["admin"]}, "how": {}});
    let (status, rule) = admin.post("/api/v1/notification-rules", rule).await;
    assert_eq!(status, 201, "{rule}");
    let ada = admin.person("Ada").await;
    let photo = reqwest::multipart::Part::bytes(super::reader::picture([200, 10, 10])).file_name("a.png");
    let form = reqwest::multipart::Form::new().part("photo", photo);
    let request = admin.request(Method::POST, &format!("/api/v1/persons/{ada}/photos/batch")).multipart(form);
    let (status, taken) = answer(request).await;
    assert_eq!(status, 202, "{taken}");
    let item = until(async || unread(&admin).await.1.get(0).cloned()).await;
    assert_eq!((item["what"].as_str(), item["count"].as_u64()), (Some("job_done"), Some(1)), "{item}");
    assert!(item.to_string().contains("photos: 1 done, 0 refused, 0 given up"), "{item}");
    let (_, lines) = admin.get("/api/v1/audit?action=job.done").await;
    assert_eq!(lines["items"][0]["target"], format!("job:{}", taken["job"].as_str().unwrap()), "{lines}");
    world.stop().await;
}
