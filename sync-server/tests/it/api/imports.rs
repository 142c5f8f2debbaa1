//! Imports that go well: taken in, taken in again, dry, changed, and exported back.

use reqwest::Method;
use serde_json::json;

use super::bad_inputs::reasons;
use super::jobs::over;
use super::pictures::archive;
use super::reader::picture;
use super::world::{Session, World, answer};

async fn imported(session: &Session<'_>, query: &str, bytes: &[u8]) -> Vec<String> {
    let path = format!("/api/v1/imports{query}");
    let (status, taken) = answer(session.request(Method::POST, &path).body(bytes.to_vec())).await;
    assert_eq!(status, 202, "{taken}");
    let job = taken["job"].as_str().unwrap();
    let done = over(session, job).await;
    assert_eq!((&done["state"], &done["dead"]), (&json!("done"), &json!(0)), "{done}");
    reasons(session, job).await
}

async fn exported(session: &Session<'_>, query: &str) -> String {
    let path = format!("/api/v1/exports/persons{query}");
    session.request(Method::GET, &path).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn persons_come_from_an_archive_and_go_back() {
    let world = World::start().await;
    let admin = world.admin().await;
    let table = "No.;Full name;consent;notes\nE1;Ada;yes;\"first; and best\"\nE2;'=Bob;yes;\n";
    let (red, green) = (picture([200, 10, 10]), picture([10, 200, 10]));
    let files: &[(&str, &[u8])] =
        &[("persons.csv", table.as_bytes()), ("photos/E1.png", &red), ("photos/E2/front.png", &green)];
    let bytes = archive(files);
    let columns = "columns=external_id%3DNo.%3Bname%3DFull+name";
    let dry = imported(&admin, &format!("?dry_run=true&{columns}"), &bytes).await;
    assert_eq!(dry, ["would-add", "would-add", "would-add", "would-add"]);
    assert!(admin.get("/api/v1/persons").await.1["items"].as_array().unwrap().is_empty(), "nothing was changed");
    let first = imported(&admin, &format!("?{columns}"), &bytes).await;
    assert_eq!(first, ["added", "added", "added", "added"]);
    let again = imported(&admin, &format!("?{columns}"), &bytes).await;
    assert_eq!(again, ["unchanged", "unchanged", "duplicate", "duplicate"]);

    let csv = exported(&admin, "").await;
    assert!(csv.starts_with("external_id,name,consent,") && csv.contains("E1,Ada,yes,"), "{csv}");
    assert!(csv.contains("'=Bob"), "a spreadsheet takes no name for a formula: {csv}");
    assert_eq!(imported(&admin, "", csv.as_bytes()).await, ["unchanged", "unchanged"]);
    let changed = csv.replace("Ada", "Ada Lovelace");
    // Both were added at once, so either may stand first in the export.
    let sorted = |mut outcomes: Vec<String>| {
        outcomes.sort();
        outcomes
    };
    let dry = sorted(imported(&admin, "?dry_run=true", changed.as_bytes()).await);
    assert_eq!(dry, ["unchanged", "would-change"]);
    assert_eq!(sorted(imported(&admin, "", changed.as_bytes()).await), ["changed", "unchanged"]);
    let lines = exported(&admin, "?format=jsonl").await;
    assert!(lines.contains(r#""name":"Ada Lovelace""#) && lines.contains(r#""name":"=Bob""#), "{lines}");
    assert_eq!(imported(&admin, "", lines.as_bytes()).await, ["unchanged", "unchanged"]);

    // Somebody whom no other system has named goes out and comes back under an id of our own.
    admin.person("Carol").await;
    let lines = exported(&admin, "?format=jsonl").await;
    assert_eq!(imported(&admin, "", lines.as_bytes()).await, ["unchanged"; 3]);
    let guard = world.signed_in("guard").await;
    assert_eq!(guard.get("/api/v1/exports/persons").await.0, 403);
    assert_eq!(guard.get("/api/v1/jobs").await.0, 403);
    world.stop().await;
}

#[tokio::test]
async fn photos_are_looked_at_while_rows_are_left() {
    let world = World::start().await;
    let admin = world.admin().await;
    let rows: String = (0..450).map(|n| format!("E{n},Person {n},yes\n")).collect();
    let (table, red) = (format!("external_id,name,consent\n{rows}"), picture([200, 10, 10]));
    let bytes = archive(&[("persons.csv", table.as_bytes()), ("photos/E0.png", &red)]);
    let (status, taken) = answer(admin.request(Method::POST, "/api/v1/imports").body(bytes)).await;
    assert_eq!(status, 202, "{taken}");
    let job = taken["job"].as_str().unwrap();
    over(&admin, job).await;
    let (_, page) = admin.get(&format!("/api/v1/jobs/{job}/items?limit=500")).await;
    let (photos, rows): (Vec<_>, Vec<_>) =
        page["items"].as_array().unwrap().iter().partition(|item| item["outcome"]["label"].is_string());
    assert_eq!((photos.len(), rows.len()), (1, 450), "{page}");
    assert_eq!(photos[0]["reason"], "added");
    let ended = |item: &serde_json::Value| item["ended_at"].as_str().unwrap().to_owned();
    let last_row = rows.into_iter().map(ended).max().unwrap();
    assert!(ended(photos[0]) < last_row, "the photo waited for all rows: {} and {last_row}", photos[0]);
    world.stop().await;
}
