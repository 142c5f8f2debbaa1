//! What came of commands: listed, read, and what devices sent along behind a link that ends.

use ostiary_common::ids::MsgId;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::ports::CommandStore;
use reqwest::Method;
use serde_json::json;

use super::world::{World, add_account, answer, slug};
use crate::store::commands::{answer as answered, asked};
use crate::store::consent::note;
use crate::store::sample::{NOW, device};

const PICTURE: &[u8] = b"\xFF\xD8\xFF the picture of a door";

#[tokio::test]
async fn what_came_of_a_command_is_kept_and_handed_out_by_a_link() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let (id, waits) = (MsgId::generate(), MsgId::generate());
    for (id, kind) in [(id, "snapshot"), (waits, "identify")] {
        world.store.add_command(&asked(cam.id, id, kind, NOW), &note()).await.unwrap();
    }
    world.store.answer_command(cam.id, &answered(id, Some(("image/jpeg", PICTURE))), NOW).await.unwrap();

    let commands = format!("/api/v1/devices/{}/commands", cam.id);
    let (status, list) = admin.get(&commands).await;
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 2), "{list}");
    assert_eq!((&list["items"][0]["kind"], &list["items"][0]["status"]), (&json!("identify"), &json!("lost")));
    let (_, page) = admin.get(&format!("{commands}?limit=1")).await;
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!(waits), &json!(waits)));
    let (_, page) = admin.get(&format!("{commands}?limit=1&before={waits}")).await;
    assert_eq!(page["items"][0]["id"], json!(id));
    assert_eq!(admin.get(&format!("{commands}?limit=0")).await.0, 422);
    let (_, one) = admin.get(&format!("{commands}/{id}")).await;
    assert_eq!((&one["status"], &one["detail"]), (&json!("done"), &json!("taken")));
    let size = PICTURE.len();
    assert_eq!(one["attachment"], json!({"media_type": "image/jpeg", "size_bytes": size, "gone": false}));
    assert_eq!(admin.get(&format!("{commands}/{}", MsgId::generate())).await.0, 404);

    assert_eq!(admin.post(&format!("{commands}/{waits}/attachment/link"), json!({})).await.0, 404, "nothing came");
    let (status, link) = admin.post(&format!("{commands}/{id}/attachment/link"), json!({})).await;
    assert_eq!(status, 201, "{link}");
    let url = link["url"].as_str().unwrap();
    let opened = world.request(Method::GET, url).send().await.unwrap();
    assert_eq!((opened.status().as_u16(), opened.headers()["content-type"].to_str().unwrap()), (200, "image/jpeg"));
    assert_eq!(opened.headers()["cache-control"], "private, no-store");
    assert_eq!(opened.bytes().await.unwrap(), PICTURE);
    let altered = url.replace(&id.to_string(), &waits.to_string());
    let (status, refused) = answer(world.request(Method::GET, &altered)).await;
    assert_eq!((status, slug(&refused)), (403, "not-allowed"));

    // Who may look at devices and not command them sees what was done, and no picture.
    let guard = world.signed_in("guard").await;
    assert_eq!(guard.get(&format!("{commands}/{id}")).await.0, 200);
    assert_eq!(guard.post(&format!("{commands}/{id}/attachment/link"), json!({})).await.0, 403);
    // Who commands another door finds nothing.
    let elsewhere = device(&*world.store, "elsewhere").await;
    add_account(&world.store, "other", vec![Grant { role: Role::Admin, scope: Scope::Door(elsewhere.door) }]).await;
    let other = world.signed_in("other").await;
    assert_eq!(other.get(&commands).await.0, 404);
    assert_eq!(other.post(&format!("{commands}/{id}/attachment/link"), json!({})).await.0, 404);
    let (_, audit) = admin.get("/api/v1/audit").await;
    let handed_out = |line: &serde_json::Value| line["action"] == "device.command_attachment";
    assert!(audit["items"].as_array().unwrap().iter().any(handed_out), "{audit}");

    let (status, refused) = admin.post(&commands, json!({"kind": "identify", "valid_minutes": 61})).await;
    assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/valid_minutes")), "{refused}");
    world.stop().await;
}
