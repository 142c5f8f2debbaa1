//! Conversations through the API: who sees them, who is told, what is kept of what was said, and when it ends.

use std::time::Duration;

use ostiary_common::ids::{StreamId, UserId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::ports::talk::TalkStore;
use ostiary_server::ports::{EventStore, PersonStore};
use ostiary_server::talk::settings::{ConversationSettings, sweep};
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{Session, World, add_account, answer, slug};
use crate::store::sample::{NOW, batch, device, visit};

async fn patch(session: &Session<'_>, path: &str, body: Value) -> (u16, Value) {
    answer(session.request(Method::PATCH, path).json(&body)).await
}

struct Scene {
    world: World,
    event: String,
    vera: UserId,
}

async fn scene() -> Scene {
    let world = World::start_with(|config| config.limits.logins_per_minute = 1000).await;
    let (cam, other) = (device(&*world.store, "cam").await, device(&*world.store, "other").await);
    let at = |role, door| vec![Grant { role, scope: Scope::Door(door) }];
    add_account(&world.store, "otto", at(Role::Operator, cam.door)).await;
    let vera = add_account(&world.store, "vera", at(Role::Viewer, cam.door)).await;
    add_account(&world.store, "stranger", at(Role::Operator, other.door)).await;
    let seen = visit(1, OutcomeKind::Unknown, None, None);
    let event = seen.id.to_string();
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![seen])).await.unwrap();
    Scene { world, event, vera }
}

#[tokio::test]
async fn what_is_said_is_for_those_who_see_the_door() {
    let Scene { world, event, vera } = scene().await;
    let (otto, reader, stranger) =
        (world.signed_in("otto").await, world.signed_in("vera").await, world.signed_in("stranger").await);
    let (status, thread) = otto.post("/api/v1/threads", json!({"event": event})).await;
    assert_eq!((status, thread["about"].as_str()), (201, Some("event")), "{thread}");
    assert_eq!(otto.post("/api/v1/threads", json!({"event": event})).await.1["id"], thread["id"], "one about each");
    let path = format!("/api/v1/threads/{}", thread["id"].as_str().unwrap());

    let saying = json!({"text": "Left a parcel, <b>see</b> the Crème", "mentions": [vera], "events": [event]});
    let (status, said) = otto.post(&format!("{path}/messages"), saying).await;
    assert_eq!((status, &said["events"]), (201, &json!([event])), "{said}");
    let (_, told) = reader.get("/api/v1/notifications").await;
    assert_eq!((&told["unread"], &told["items"][0]["what"]), (&json!(1), &json!("mention")), "{told}");
    assert_eq!(told["items"][0]["thread"], thread["id"]);
    let (_, list) = reader.get("/api/v1/threads?mine=true").await;
    assert_eq!(list["items"][0]["unread"], 1, "{list}");
    let read = json!({"message": said["id"]});
    assert_eq!(reader.post(&format!("{path}/read"), read).await.0, 204);
    assert_eq!(reader.get(&path).await.1["unread"], 0);

    let outside = [
        stranger.get(&path).await,
        stranger.get(&format!("{path}/messages")).await,
        stranger.post("/api/v1/threads", json!({"event": event})).await,
        stranger.post(&format!("{path}/messages"), json!({"text": "x"})).await,
        stranger.get(&format!("/api/v1/messages/{}/history", said["id"].as_str().unwrap())).await,
    ];
    for (status, body) in outside {
        assert_eq!(status, 404, "{body}");
    }
    assert_eq!(stranger.get("/api/v1/threads").await.1["items"], json!([]));
    assert_eq!(stranger.get("/api/v1/threads/search?q=parcel").await.1["items"], json!([]));
    let (_, found) = reader.get("/api/v1/threads/search?q=PARCEL%20creme").await;
    assert_eq!(found["items"][0]["id"], said["id"], "{found}");
    assert_eq!(reader.post(&format!("{path}/messages"), json!({"text": "x"})).await.0, 403, "viewers read");

    let nobody = json!({"text": "x", "mentions": [UserId::generate()]});
    let (status, refused) = otto.post(&format!("{path}/messages"), nobody).await;
    assert_eq!((status, slug(&refused)), (422, "invalid-value"));
    let (status, refused) = patch(&otto, &path, json!({"held": true})).await;
    assert_eq!((status, slug(&refused)), (403, "not-allowed"), "holding is for those who set settings");
    world.stop().await;
}

#[tokio::test]
async fn what_is_said_can_be_mended_taken_back_and_found_no_more() {
    let Scene { world, event, .. } = scene().await;
    let (otto, admin) = (world.signed_in("otto").await, world.admin().await);
    let thread = otto.post("/api/v1/threads", json!({"event": event})).await.1;
    let path = format!("/api/v1/threads/{}", thread["id"].as_str().unwrap());
    let said = otto.post(&format!("{path}/messages"), json!({"text": "Zebra crossed"})).await.1;
    let message = format!("/api/v1/messages/{}", said["id"].as_str().unwrap());
    let (status, mended) = patch(&otto, &message, json!({"text": "Giraffe crossed"})).await;
    assert_eq!((status, mended["text"].as_str()), (200, Some("Giraffe crossed")), "{mended}");
    assert_eq!(patch(&admin, &message, json!({"text": "x"})).await.0, 403, "it is another's");
    assert_eq!(otto.get(&format!("{message}/history")).await.1["items"][0]["text"], "Zebra crossed");
    let search = async |word: &str| {
        let (_, found) = otto.get(&format!("/api/v1/threads/search?q={word}")).await;
        found["items"].as_array().unwrap().len()
    };
    assert_eq!((search("giraffe").await, search("zebra").await), (1, 0));

    let (status, closed) = patch(&otto, &path, json!({"state": "resolved"})).await;
    assert_eq!((status, closed["state"].as_str()), (200, Some("resolved")));
    otto.post(&format!("{path}/messages"), json!({"text": "One more thing"})).await;
    assert_eq!(otto.get(&path).await.1["state"], "open", "who speaks opens it again");

    assert_eq!(otto.delete(&message).await.0, 204);
    let (_, all) = otto.get(&format!("{path}/messages")).await;
    assert_eq!(all["items"][1]["text"], Value::Null, "{all}");
    assert_eq!(otto.get(&format!("{message}/history")).await.1["items"], json!([]));
    assert_eq!(search("giraffe").await, 0);
    world.stop().await;
}

#[tokio::test]
async fn conversations_end_with_time_and_with_whom_they_are_about() {
    let Scene { world, event, .. } = scene().await;
    let (otto, admin) = (world.signed_in("otto").await, world.admin().await);
    let ada = admin.person("Ada").await;
    let about = admin.post("/api/v1/threads", json!({"person": ada})).await.1;
    let of_ada = format!("/api/v1/threads/{}", about["id"].as_str().unwrap());
    assert_eq!(admin.post(&format!("{of_ada}/messages"), json!({"text": "Ada is a twin"})).await.0, 201);
    world.store.remove_person(ada.parse().unwrap(), NOW).await.unwrap();
    assert_eq!(admin.get(&of_ada).await.0, 404);
    assert_eq!(admin.get("/api/v1/threads/search?q=twin").await.1["items"], json!([]));

    let thread = otto.post("/api/v1/threads", json!({"event": event})).await.1;
    let path = format!("/api/v1/threads/{}", thread["id"].as_str().unwrap());
    otto.post(&format!("{path}/messages"), json!({"text": "x"})).await;
    assert_eq!(patch(&admin, &path, json!({"held": true})).await.0, 200);
    let settings = ConversationSettings { keep_days: 1, sites: Vec::new() };
    let newest = world.store.newest_edit().await.unwrap();
    let later = ostiary_common::time::UnixMillis::from_system_time(std::time::SystemTime::now())
        .plus(Duration::from_secs(2 * 24 * 3600));
    assert_eq!(sweep(&*world.store, &settings, later).await.unwrap(), 0, "what is held stays");
    assert_eq!(patch(&admin, &path, json!({"held": false})).await.0, 200);
    let later = later.plus(Duration::from_secs(24 * 3600));
    assert_eq!(sweep(&*world.store, &settings, later).await.unwrap(), 1);
    assert_eq!(otto.get(&path).await.0, 404);
    assert!(newest > 0);
    world.stop().await;
}

#[tokio::test]
async fn a_conversation_says_what_it_is_about_and_who_may_be_named() {
    let Scene { world, event, vera } = scene().await;
    let (otto, admin) = (world.signed_in("otto").await, world.admin().await);
    let (_, thread) = otto.post("/api/v1/threads", json!({"event": event})).await;
    assert_eq!((thread["kind"].as_str(), thread["name"].is_null()), (Some("unknown"), true), "{thread}");
    assert!(thread["happened_at"].is_string(), "{thread}");
    let path = format!("/api/v1/threads/{}", thread["id"].as_str().unwrap());
    let (_, people) = otto.get(&format!("{path}/people")).await;
    let ids: Vec<&Value> = people["items"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    // The world has an admin and a guard of everything.
    assert!(ids.contains(&&json!(vera)) && ids.len() == 4, "they, otto and vera, and no stranger: {people}");
    let (_, said) = otto.post(&format!("{path}/messages"), json!({"text": "x"})).await;
    assert_eq!(said["author_name"], "otto", "{said}");
    let ada = admin.person("Ada").await;
    assert_eq!(admin.post("/api/v1/threads", json!({"person": ada})).await.1["name"], "Ada");
    world.stop().await;
}
