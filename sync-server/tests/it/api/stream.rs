//! Events as server-sent events, and cursors over the WebSocket.

use std::time::Duration;

use ostiary_common::ids::{DeviceId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::ports::EventStore;
use reqwest::{Method, Response};

use super::events::{next_json, watch};
use super::world::{PASSWORD, Session, World, add_account};
use crate::store::sample::{batch, device, visit};

/// What one event of a stream says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    event: String,
    id: Option<i64>,
    data: String,
}

/// A stream that is read.
struct Stream {
    answer: Response,
    read: String,
}

impl Stream {
    async fn open(session: &Session<'_>, query: &str, last: Option<i64>) -> Self {
        let mut request = session.request(Method::GET, &format!("/api/v1/events/stream{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Self { answer, read: String::new() }
    }

    async fn next(&mut self) -> Option<Said> {
        loop {
            while let Some((one, rest)) = self.read.split_once("\n\n") {
                let said = read(one);
                self.read = rest.to_owned();
                if let Some(said) = said {
                    return Some(said);
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.answer.chunk()).await;
            self.read += std::str::from_utf8(&chunk.expect("more in time").unwrap()?).unwrap();
        }
    }

    async fn seqs(&mut self, count: usize) -> Vec<u64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let said = self.next().await.expect("an open stream");
            if said.event == "seen" {
                let event: serde_json::Value = serde_json::from_str(&said.data).unwrap();
                assert_eq!(said.id, event["cursor"].as_i64());
                seqs.push(event["seq"].as_u64().unwrap());
            }
        }
        seqs
    }
}

/// An event as it came; a comment is none.
fn read(text: &str) -> Option<Said> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
    let id = field("id:").map(|id| id.parse().unwrap());
    field("event:").map(|event| Said { event, id, data: field("data:").unwrap_or_default() })
}

async fn stored(world: &World, cam: DeviceId, stream: StreamId, seq: u64) {
    let seen = visit(seq, OutcomeKind::Unknown, None, None);
    world.store.ingest(&batch(cam, stream, vec![seen])).await.unwrap();
    world.committed().await;
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_cut() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await.id;
    let ids = StreamId::generate();
    stored(&world, cam, ids, 1).await;
    let mut stream = Stream::open(&admin, "", None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.event.as_str(), first.id), ("cursor", first.data.parse().ok()), "from now on, and where that is");
    stored(&world, cam, ids, 2).await;
    assert_eq!(stream.seqs(1).await, [2]);
    drop(stream);
    for seq in 3..6 {
        stored(&world, cam, ids, seq).await;
    }
    let mut again = Stream::open(&admin, "", first.id).await;
    assert_eq!(again.seqs(4).await, [2, 3, 4, 5], "by the header");
    let mut whole = Stream::open(&admin, "?after=0", None).await;
    assert_eq!(whole.seqs(5).await, [1, 2, 3, 4, 5], "by the parameter");
    let wrong = admin.request(Method::GET, "/api/v1/events/stream").header("last-event-id", "x").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    world
        .stop_while(async {
            while let Some(said) = whole.next().await {
                assert!(said.event != "end" || said.data.contains("stopping"), "{said:?}");
            }
        })
        .await;
}

#[tokio::test]
async fn who_may_not_see_an_event_hears_how_far_the_feed_is() {
    let world = World::start().await;
    let cam = device(&*world.store, "cam").await.id;
    let elsewhere = device(&*world.store, "elsewhere").await.door;
    add_account(&world.store, "there", vec![Grant { role: Role::Viewer, scope: Scope::Door(elsewhere) }]).await;
    let there = world.signed_in("there").await;
    assert_eq!(world.login("there", PASSWORD).await.status(), 200);
    let mut stream = Stream::open(&there, "", None).await;
    let begin = stream.next().await.unwrap().id.unwrap();
    let mut socket = watch(&there, "?cursors=true").await;
    assert_eq!(next_json(&mut socket).await["cursor"], begin);
    stored(&world, cam, StreamId::generate(), 1).await;
    let newest = world.store.newest_cursor().await.unwrap();
    let said = stream.next().await.unwrap();
    assert_eq!((said.event.as_str(), said.id), ("cursor", Some(newest)));
    assert_eq!(next_json(&mut socket).await, serde_json::json!({ "cursor": newest }));
    drop((stream, socket));
    world.stop().await;
}

#[tokio::test]
async fn many_who_watch_all_hear_everything_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await.id;
    let ids = StreamId::generate();
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = Stream::open(&admin, "", None).await;
        stream.next().await.unwrap();
        streams.push(stream);
    }
    for seq in 1..=30 {
        stored(&world, cam, ids, seq).await;
    }
    let expected: Vec<u64> = (1..=30).collect();
    for stream in &mut streams {
        assert_eq!(stream.seqs(30).await, expected);
    }
    drop(streams);
    world.stop().await;
}
