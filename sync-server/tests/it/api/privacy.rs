//! What is kept for how long, and everything about a person for that person.

use std::io::{Cursor, Read};

use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::ports::EventStore;
use reqwest::Method;
use serde_json::{Value, json};

use super::reader::picture;
use super::world::{Session, World, answer, slug};
use crate::store::sample::{batch, device, visit};

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture";

async fn put(session: &Session<'_>, path: &str, body: &Value) -> (u16, Value) {
    answer(session.request(Method::PUT, path).header("If-Match", "*").json(body)).await
}

#[tokio::test]
async fn how_long_things_are_kept_is_set_and_reported() {
    let world = World::start().await;
    let admin = world.admin().await;
    let path = "/api/v1/settings/retention";
    let (_, first) = admin.get(path).await;
    assert_eq!(
        (&first["events_days"], &first["strangers_days"], &first["audit_days"]),
        (&json!(365), &json!(3), &Value::Null)
    );
    let wanted = json!({"events_days": 30, "pictures_days": 7, "strangers_days": 0, "audit_days": 400,
        "errors_days": 30, "consents_days": null});
    assert_eq!(put(&admin, path, &wanted).await, (200, wanted.clone()));
    for wrong in [json!({"events_days": 0}), json!({"audit_days": 29}), json!({"evens_days": 3})] {
        assert!([400, 422].contains(&put(&admin, path, &wrong).await.0), "{wrong}");
    }
    let (status, report) = admin.get("/api/v1/retention/report?days=7").await;
    assert_eq!(status, 200, "{report}");
    let kinds: Vec<(&str, &Value)> = report["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| (kind["kind"].as_str().unwrap(), &kind["days"]))
        .collect();
    assert_eq!(kinds[0], ("events", &json!(30)));
    assert_eq!((kinds.len(), kinds[5]), (8, ("consents", &Value::Null)));
    assert_eq!(kinds[6..], [("conversations", &json!(90)), ("commands", &json!(30))]);
    world.stop().await;
}

#[tokio::test]
async fn what_is_due_goes_at_once_if_somebody_wants_that() {
    let world = World::start().await;
    let admin = world.admin().await;
    let cam = device(&*world.store, "cam").await;
    let old = batch(cam.id, StreamId::generate(), vec![visit(1, OutcomeKind::Unknown, None, None)]);
    world.store.ingest(&old).await.unwrap();
    let wanted = json!({"events_days": 30, "pictures_days": 7, "strangers_days": 0, "audit_days": null,
        "errors_days": 30, "consents_days": null});
    assert_eq!(put(&admin, "/api/v1/settings/retention", &wanted).await.0, 200);
    let due = async || admin.get("/api/v1/retention/report").await.1["kinds"][0]["due"].as_u64().unwrap();
    assert_eq!(due().await, 1, "the next round is in the hour");
    let guard = world.signed_in("guard").await;
    assert_eq!(guard.post("/api/v1/retention/sweep", json!({})).await.0, 403);
    assert_eq!(admin.post("/api/v1/retention/sweep", json!({})).await.0, 202);
    let gone = async {
        while due().await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.expect("it is removed in time");
    let (_, report) = admin.get("/api/v1/retention/report").await;
    assert_eq!(report["kinds"][0]["removed"], 1, "{report}");
    world.stop().await;
}

#[tokio::test]
async fn everything_about_a_person_is_handed_out() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada Quillfeather").await;
    admin.photo(&ada, picture([200, 10, 10])).await;
    let (status, _) = answer(
        admin.request(Method::PATCH, &format!("/api/v1/persons/{ada}")).json(&json!({"notes": "likes marzipan"})),
    )
    .await;
    assert_eq!(status, 200);
    let cam = device(&*world.store, "cam").await;
    let seen: Vec<_> =
        (1..=3).map(|seq| visit(seq, OutcomeKind::Match, Some(ada.parse().unwrap()), Some(JPEG))).collect();
    let stranger = visit(4, OutcomeKind::Unknown, None, Some(JPEG));
    let all = seen.iter().cloned().chain([stranger.clone()]).collect();
    world.store.ingest(&batch(cam.id, StreamId::generate(), all)).await.unwrap();

    let path = format!("/api/v1/persons/{ada}/export");
    let response = admin.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["content-type"].to_str().unwrap(), "application/zip");
    assert!(!format!("{:?}", response.headers()).contains("Quillfeather"), "no name in a header");
    let mut zip = zip::ZipArchive::new(Cursor::new(response.bytes().await.unwrap())).unwrap();
    let mut text = |name: &str| {
        let mut text = String::new();
        zip.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}")).read_to_string(&mut text).unwrap();
        text
    };
    assert!(text("README.txt").contains("kept here about you"));
    let person: Value = serde_json::from_str(&text("person.json")).unwrap();
    assert_eq!((&person["name"], &person["notes"]), (&json!("Ada Quillfeather"), &json!("likes marzipan")));
    let consents: Value = serde_json::from_str(&text("consents.json")).unwrap();
    assert_eq!((&consents["may_enroll"], &consents["items"][0]["text_version"]), (&json!(true), &json!(1)));
    assert!(consents["texts"]["1"]["en"].as_str().unwrap().contains("recognised"), "the words agreed to");
    let templates = text("templates.json");
    assert!(templates.contains("quality") && !templates.contains("embedding"), "{templates}");
    let events = text("events.ndjson");
    assert_eq!(events.lines().count(), 3, "{events}");
    assert!(!events.contains(&stranger.id.to_string()));
    assert!(text("audit.ndjson").contains("person.enroll"));
    let mut jpeg = Vec::new();
    zip.by_name(&format!("pictures/{}.jpg", seen[0].id)).unwrap().read_to_end(&mut jpeg).unwrap();
    assert_eq!(jpeg, JPEG);
    let (_, audit) = admin.get("/api/v1/audit?action=person.export").await;
    assert_eq!(audit["items"][0]["target"], format!("person:{ada}"));
    let nobody = "/api/v1/persons/0197f2a0-1c3b-7d2e-9f00-1234567890ab/export";
    assert_eq!(slug(&admin.get(nobody).await.1), "not-found");
    world.stop().await;
}
