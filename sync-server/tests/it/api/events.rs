//! Events in lists and as they come.

use std::time::Duration;

use futures_util::StreamExt;
use ostiary_common::ids::{PersonId, StreamId};
use ostiary_common::wire::{LivenessPolicy, LivenessReport, OutcomeKind, SpoofCue};
use ostiary_server::domain::event::Ingest;
use ostiary_server::ports::EventStore;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::world::{Session, World, redacted};
use crate::store::sample::{NOW, batch, device, report, visit};

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3];

pub async fn watch(session: &Session<'_>, query: &str) -> Socket {
    let url = format!("{}/api/v1/events/live{query}", session.world.base.replacen("https", "wss", 1));
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {}", session.token).parse().unwrap());
    let trust = ostiary_server::link::trusting(session.world.ca_pem.as_bytes(), None).unwrap();
    connect_async_tls_with_config(request, None, false, Some(Connector::Rustls(trust))).await.unwrap().0
}

async fn next(socket: &mut Socket) -> Message {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await;
        match message.expect("a message in time").expect("an open feed").unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            other => return other,
        }
    }
}

/// The next event told.
pub async fn next_json(socket: &mut Socket) -> Value {
    let Message::Text(text) = next(socket).await else { panic!("not an event") };
    serde_json::from_str(&text).unwrap()
}

async fn next_seq(socket: &mut Socket) -> u64 {
    next_json(socket).await["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn events_are_listed_whole() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada: PersonId = admin.person("Ada").await.parse().unwrap();
    let cam = device(&*world.store, "cam").await;
    let seen = visit(1, OutcomeKind::Match, Some(ada), Some(JPEG));
    let stranger = visit(2, OutcomeKind::Unknown, None, Some(b"<script>"));
    let (seen_id, stranger_id) = (seen.id, stranger.id);
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![seen, stranger, report(3)])).await.unwrap();
    let (_, page) = admin.get("/api/v1/events?limit=2").await;
    assert_eq!((&page["items"][0]["kind"], &page["previous"]), (&json!("report"), &Value::Null));
    let next = page["next"].as_str().unwrap();
    let (_, rest) = admin.get(&format!("/api/v1/events?limit=2&cursor={next}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(admin.get("/api/v1/events?limit=2&before=2").await.1["items"], rest["items"]);
    let back = rest["previous"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/api/v1/events?limit=2&cursor={back}")).await.1["items"], page["items"]);
    let (status, refused) = admin.get(&format!("/api/v1/events?kind=match&cursor={next}")).await;
    assert_eq!((status, &refused["errors"][0]["parameter"]), (422, &json!("cursor")), "of other filters: {refused}");
    let ids = ["/id", "/device", "/door", "/site", "/stream", "/person/id"];
    insta::assert_json_snapshot!(redacted(&rest["items"][0], &ids));
    let (_, of_ada) = admin.get(&format!("/api/v1/events?person={ada}&kind=match&device={}", cam.id)).await;
    assert_eq!(of_ada["items"][0]["id"], json!(seen_id.0));
    assert_eq!(admin.get(&format!("/api/v1/events/{seen_id}")).await.1, of_ada["items"][0]);
    let crop = admin.request(Method::GET, &format!("/api/v1/events/{seen_id}/crop")).send().await.unwrap();
    assert_eq!(crop.headers()["content-type"], "image/jpeg");
    assert_eq!(crop.bytes().await.unwrap(), JPEG);
    let (status, _) = admin.get(&format!("/api/v1/events/{stranger_id}/crop")).await;
    assert_eq!(status, 404, "what is not a JPEG is not handed out");
    world.stop().await;
}

#[tokio::test]
async fn a_suspected_attack_is_found_with_all_that_is_known_of_it() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let mut attack = visit(1, OutcomeKind::SpoofSuspected, None, None);
    let seen = attack.visit.as_mut().unwrap();
    let policy = LivenessPolicy::Block;
    seen.liveness = Some(LivenessReport { score: 0.125, threshold: 0.5, policy, cue: Some(SpoofCue::Moire) });
    seen.quality.yaw_deg = Some(-12.5);
    seen.quality.unoccluded = Some(0.5);
    seen.latency.frame_to_decision_ms = 40;
    let during_an_outage = Ingest {
        sent_at: NOW.plus(Duration::from_secs(3600)),
        received_at: NOW.plus(Duration::from_secs(3601)),
        ..batch(cam.id, StreamId::generate(), vec![attack, visit(2, OutcomeKind::Unknown, None, None)])
    };
    world.store.ingest(&during_an_outage).await.unwrap();
    let (_, page) = admin.get("/api/v1/events?kind=spoof_suspected").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let event = &page["items"][0];
    assert_eq!(event["liveness"], json!({"score": 0.125, "threshold": 0.5, "policy": "block", "cue": "moire"}));
    assert_eq!((&event["quality"]["yaw_deg"], &event["quality"]["unoccluded"]), (&json!(-12.5), &json!(0.5)));
    assert_eq!((&event["held_back"], &event["latency"]["decision_to_published_ms"]), (&json!(true), &json!(3_599_999)));
    let times = ["captured_at", "decided_at", "published_at", "stored_at"].map(|key| event[key].as_str().unwrap());
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(times[0], "2026-09-21T14:13:19.961Z", "40 ms before the decision");
    world.stop().await;
}

#[tokio::test]
async fn the_live_feed_loses_nothing_and_repeats_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let stream = StreamId::generate();
    let commit = async |seqs: std::ops::RangeInclusive<u64>| {
        let events = seqs.map(report).collect();
        world.store.ingest(&batch(cam.id, stream, events)).await.unwrap();
        world.committed().await;
    };
    commit(1..=150).await;
    let mut all = watch(&admin, "?after=0").await;
    let mut new = watch(&admin, "").await;
    for seq in 1..=150 {
        assert_eq!(next_seq(&mut all).await, seq, "what was there before, over more than one page");
    }
    commit(151..=153).await;
    commit(154..=154).await;
    for seq in 151..=154 {
        assert_eq!((next_seq(&mut all).await, next_seq(&mut new).await), (seq, seq));
    }
    let mut resumed = watch(&admin, "?after=152").await;
    assert_eq!((next_seq(&mut resumed).await, next_seq(&mut resumed).await), (153, 154));
    world
        .stop_while(async {
            let Message::Close(Some(frame)) = next(&mut all).await else { panic!("no close frame") };
            assert_eq!(u16::from(frame.code), 1001, "the server is stopping");
        })
        .await;
}

#[tokio::test]
async fn a_feed_ends_with_its_token_and_seats_are_bounded() {
    let world = World::start_with(|config| config.limits.live_connections = 1).await;
    let guard = world.signed_in("guard").await;
    let socket = watch(&guard, "").await;
    let refused = guard
        .request(Method::GET, "/api/v1/events/live")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let (status, problem) = super::world::answer(refused).await;
    assert_eq!((status, super::world::slug(&problem)), (503, "unavailable"));
    drop(socket);
    world.stop().await;
}
