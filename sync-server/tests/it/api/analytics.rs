//! Figures through the API: counted once, within reach, as table and drawing; persons ranked only where that is wanted.

use ostiary_common::ids::StreamId;
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::access::{Grant, Role, Scope};
use ostiary_server::ports::EventStore;
use ostiary_server::ports::figures::FigureStore;
use reqwest::Method;
use serde_json::json;

use super::world::{World, add_account, answer, slug};
use crate::store::sample::{NOW, batch, device, visit};

const SPAN: &str = "from=2026-09-01T00:00:00Z&until=2026-10-01T00:00:00Z";

#[tokio::test]
async fn visits_are_counted_once_and_within_reach() {
    let world = World::start().await;
    let (here, there) = (device(&*world.store, "here").await, device(&*world.store, "there").await);
    for (cam, kinds) in [(&here, [OutcomeKind::Unknown; 3]), (&there, [OutcomeKind::SpoofSuspected; 3])] {
        let seen = kinds.into_iter().zip(1..).map(|(kind, seq)| visit(seq, kind, None, None)).collect();
        world.store.ingest(&batch(cam.id, StreamId::generate(), seen)).await.unwrap();
    }
    // The server counts too, by the same position: nothing counts twice.
    while world.store.count_visits(2).await.unwrap() {}
    while world.store.count_visits(2).await.unwrap() {}
    add_account(&world.store, "vera", vec![Grant { role: Role::Viewer, scope: Scope::Door(here.door) }]).await;
    let (admin, vera) = (world.admin().await, world.signed_in("vera").await);
    let (status, all) = admin.get(&format!("/api/v1/analytics/visits?by=door&{SPAN}")).await;
    assert_eq!(status, 200, "{all}");
    let rows: Vec<_> = all["rows"].as_array().unwrap().iter().map(|row| row["values"].clone()).collect();
    assert_eq!(rows, [json!([0.0, 3.0, 0.0, 0.0]), json!([0.0, 0.0, 3.0, 0.0])], "{all}");
    let (_, hers) = vera.get(&format!("/api/v1/analytics/visits?by=door&{SPAN}")).await;
    assert_eq!(hers["rows"].as_array().unwrap().len(), 1, "{hers}");
    assert_eq!(hers["rows"][0]["label"], "door of here");
    assert_eq!(hers["facts"]["known_share"], 0.0);
    let (_, times) = vera.get(&format!("/api/v1/analytics/decisions?{SPAN}")).await;
    assert_eq!(times["facts"]["count"], 3, "{times}");
    assert_eq!(vera.get("/api/v1/analytics/storage").await.0, 403);
    world.store.sample_storage(NOW.0 / 86_400_000).await.unwrap();
    let (_, sizes) = admin.get(&format!("/api/v1/analytics/storage?{SPAN}")).await;
    assert!(sizes["columns"].as_array().unwrap().contains(&json!("bytes")), "{sizes}");

    let text = async |format: &str| {
        let path = format!("/api/v1/analytics/visits?by=weekday&{SPAN}&format={format}");
        let answer = vera.request(Method::GET, &path).send().await.unwrap();
        (answer.headers()["content-type"].to_str().unwrap().to_owned(), answer.text().await.unwrap())
    };
    let (kind, csv) = text("csv").await;
    assert!(kind.starts_with("text/csv") && csv.starts_with("weekday,match,unknown"), "{csv}");
    let (kind, svg) = text("svg").await;
    assert!(kind == "image/svg+xml" && svg.starts_with("<svg") && svg.contains("role=\"img\""), "{svg}");
    world.stop().await;
}

#[tokio::test]
async fn persons_are_ranked_only_where_that_is_switched_on() {
    let world = World::start().await;
    let (admin, cam) = (world.admin().await, device(&*world.store, "cam").await);
    let ada = admin.person("Ada").await;
    let seen = visit(1, OutcomeKind::Match, Some(ada.parse().unwrap()), None);
    world.store.ingest(&batch(cam.id, StreamId::generate(), vec![seen])).await.unwrap();
    let path = format!("/api/v1/analytics/presence?{SPAN}");
    let (status, refused) = admin.get(&path).await;
    assert_eq!((status, slug(&refused)), (409, "wrong-state"));
    let switch = admin.request(Method::PUT, "/api/v1/settings/analytics").header("if-match", "*");
    assert_eq!(answer(switch.json(&json!({"rank_persons": true}))).await.0, 200);
    let (_, ranked) = admin.get(&path).await;
    assert_eq!(ranked["rows"], json!([{"label": "Ada", "values": [1.0]}]), "{ranked}");
    let (_, lines) = admin.get("/api/v1/audit?action=analytics.presence").await;
    assert_eq!(lines["items"].as_array().map(Vec::len), Some(1), "{lines}");
    world.stop().await;
}
