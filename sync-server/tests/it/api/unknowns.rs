//! Unknown visitors and the search for faces, over the whole server.

use std::time::{Duration, Instant};

use ostiary_common::ids::{DeviceId, EventId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::ports::EventStore;
use reqwest::Method;
use serde_json::{Value, json};

use super::reader::picture;
use super::world::{Session, World, answer, slug};
use crate::store::sample::{batch, device, face, visit};

const RED: [u8; 3] = [200, 10, 10];
const GREEN: [u8; 3] = [10, 200, 10];

async fn seen(world: &World, at: DeviceId, [r, g, b]: [u8; 3]) -> EventId {
    let mut seen = visit(1, OutcomeKind::Unknown, None, Some(b"\xFF\xD8\xFF picture"));
    seen.visit.as_mut().unwrap().embedding = Some(face([r.into(), g.into(), b.into(), 1.0]));
    let id = seen.id;
    // As of now: what is old would be forgotten at once.
    let now = ostiary_common::time::UnixMillis::from_system_time(std::time::SystemTime::now());
    seen.time.wall = now;
    let mut ingest = batch(at, StreamId::generate(), vec![seen]);
    (ingest.sent_at, ingest.received_at) = (now, now);
    world.store.ingest(&ingest).await.unwrap();
    world.committed().await;
    id
}

async fn unknowns(session: &Session<'_>, visits: u64) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (status, page) = session.get("/api/v1/unknowns").await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap().clone();
        if items.iter().map(|item| item["visits"].as_u64().unwrap()).sum::<u64>() == visits {
            return items;
        }
        assert!(Instant::now() < deadline, "not put together: {page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn search(session: &Session<'_>, query: &str, body: Value) -> (u16, Value) {
    session.post(&format!("/api/v1/search/faces{query}"), body).await
}

#[tokio::test]
async fn a_face_is_found_again() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let ada = admin.person("Ada").await;
    admin.photo(&ada, picture(RED)).await;
    let camera = device(&*world.store, "cam").await;
    let red = seen(&world, camera.id, [199, 11, 10]).await;
    let green = seen(&world, camera.id, GREEN).await;
    unknowns(&guard, 2).await;

    let path = "/api/v1/search/faces";
    let (status, found) = answer(guard.request(Method::POST, path).body(picture(RED))).await;
    assert_eq!((status, &found["persons"][0]["name"]), (200, &json!("Ada")), "{found}");
    assert_eq!((found["visits"].as_array().unwrap().len(), &found["visits"][0]["event"]), (1, &json!(red.0)));
    let (_, of_event) = search(&guard, "", json!({"event": red})).await;
    assert_eq!((&of_event["persons"][0]["person"], &of_event["visits"]), (&json!(ada), &json!([])), "not itself");
    let (_, of_person) = search(&guard, "?among=unknowns&limit=1", json!({"person": ada})).await;
    assert_eq!((&of_person["persons"], &of_person["visits"][0]["event"]), (&json!([]), &json!(red.0)));
    let (_, all) = search(&guard, "?threshold=0", json!({"event": green})).await;
    assert_eq!((all["persons"].as_array().unwrap().len(), all["visits"].as_array().unwrap().len()), (1, 1), "{all}");
    for (query, body, expected) in [
        ("", json!({}), 422),
        ("", json!({"event": red, "person": ada}), 422),
        ("?among=everybody", json!({"person": ada}), 422),
        ("", json!({"event": EventId::generate()}), 404),
    ] {
        assert_eq!(search(&guard, query, body.clone()).await.0, expected, "{query} {body}");
    }
    let bob = admin.person("Bob").await;
    assert_eq!(slug(&search(&guard, "", json!({"person": bob})).await.1), "no-face-kept");
    let (_, audit) = admin.get("/api/v1/audit?action=search.faces").await;
    let line = &audit["items"][0];
    assert!(line["detail"].as_str().unwrap().contains(&ada) && !audit.to_string().contains("similarity"), "{audit}");
    world.stop().await;
}

#[tokio::test]
async fn an_unknown_visitor_becomes_a_person() {
    let world = World::start().await;
    let (admin, guard) = (world.admin().await, world.signed_in("guard").await);
    let camera = device(&*world.store, "cam").await;
    let first = seen(&world, camera.id, RED).await;
    seen(&world, camera.id, [199, 11, 10]).await;
    let green = seen(&world, camera.id, GREEN).await;
    let items = unknowns(&guard, 3).await;
    assert_eq!(items.len(), 2);
    let red = items.iter().find(|item| item["visits"] == 2).unwrap();
    let (id, path) = (red["id"].as_str().unwrap(), format!("/api/v1/unknowns/{}", red["id"].as_str().unwrap()));
    assert_eq!((&red["state"], red["doors"][0]["visits"].as_u64()), (&json!("open"), Some(2)));
    let (_, page) = guard.get("/api/v1/unknowns?limit=1&visits=1").await;
    let next = format!("/api/v1/unknowns?limit=1&visits=1&cursor={}", page["next"].as_str().unwrap());
    let (_, last) = guard.get(&next).await;
    assert_eq!((last["items"].as_array().unwrap().len(), &last["next"]), (1, &Value::Null));
    assert_eq!(guard.get("/api/v1/unknowns?visits=2").await.1["items"].as_array().unwrap().len(), 1);
    let (_, visits) = guard.get(&format!("/api/v1/events?unknown={id}")).await;
    assert_eq!(visits["items"].as_array().unwrap().len(), 2, "{visits}");

    let promote = format!("{path}/promote");
    assert_eq!(guard.post(&promote, json!({"name": "Ada", "consent": true})).await.0, 403, "operators do not enroll");
    let (status, refused) = admin.post(&promote, json!({"name": "Ada"})).await;
    assert_eq!((status, slug(&refused)), (422, "consent-missing"));
    let (status, made) = admin.post(&promote, json!({"name": "Ada", "consent": true})).await;
    assert_eq!((status, &made["visits"], &made["templates"]), (201, &json!(2), &json!(1)), "{made}");
    let ada = made["person"]["id"].as_str().unwrap();
    let (_, theirs) = admin.get(&format!("/api/v1/events?person={ada}")).await;
    let event = theirs["items"].as_array().unwrap().iter().find(|item| item["id"] == json!(first.0)).unwrap();
    assert_eq!((&event["kind"], &event["person"]["name"]), (&json!("unknown"), &json!("Ada")));
    assert_eq!((&event["attributed"], &event["unknown"]), (&json!(true), &Value::Null));
    assert_eq!(guard.get(&path).await.0, 404);
    assert_eq!(admin.get(&format!("/api/v1/events/{}/crop", first.0)).await.0, 200);
    let (_, known) = answer(admin.request(Method::POST, "/api/v1/recognize").body(picture(RED))).await;
    assert_eq!(known["person"], json!(ada), "doors know them from now on");

    let green = guard.get(&format!("/api/v1/events/{}", green.0)).await.1["unknown"].as_str().unwrap().to_owned();
    let (status, dismissed) = guard.post(&format!("/api/v1/unknowns/{green}/dismiss"), json!({})).await;
    assert_eq!((status, &dismissed["state"]), (200, &json!("dismissed")), "{dismissed}");
    assert_eq!(guard.get("/api/v1/unknowns").await.1["items"], json!([]));
    world.stop().await;
}
