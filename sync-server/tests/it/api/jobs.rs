//! Jobs over the API: photos in a batch, watched, paused, cancelled.

use std::time::{Duration, Instant};

use ostiary_server::domain::access::{Grant, Role, Scope};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::events::{next_json, watch};
use super::reader::picture;
use super::world::{Session, World, add_account, answer, slug};

/// Waits until a job is over.
pub async fn over(session: &Session<'_>, job: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let (status, found) = session.get(&format!("/api/v1/jobs/{job}")).await;
        assert_eq!(status, 200, "{found}");
        if matches!(found["state"].as_str(), Some("done" | "cancelled")) {
            return found;
        }
        assert!(Instant::now() < until, "{found}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until there is no job: what was refused as a whole leaves none behind, not even an empty one.
pub async fn none_left(session: &Session<'_>) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let (_, listed) = session.get("/api/v1/jobs").await;
        if listed["items"].as_array().is_some_and(Vec::is_empty) {
            return;
        }
        assert!(Instant::now() < until, "{listed}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn batch(session: &Session<'_>, person: &str, photos: Vec<Vec<u8>>) -> (u16, Value) {
    let add = |form: Form, (n, photo): (usize, Vec<u8>)| {
        form.part("photo", Part::bytes(photo).file_name(format!("photo-{n}.png")))
    };
    let form = photos.into_iter().enumerate().fold(Form::new(), add);
    let path = format!("/api/v1/persons/{person}/photos/batch");
    answer(session.request(Method::POST, &path).multipart(form)).await
}

#[tokio::test]
async fn a_batch_of_photos_is_worked_on_after_the_answer() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let photos = vec![
        picture([200, 10, 10]),
        b"no picture".to_vec(),
        picture([0, 0, 0]),
        picture([200, 10, 11]),
        picture([10, 200, 10]),
    ];
    let (status, taken) = batch(&admin, &ada, photos).await;
    assert_eq!((status, &taken["queued"]), (202, &json!(4)), "{taken}");
    assert_eq!(taken["refused"][0]["index"], 1);
    assert_eq!(slug(&taken["refused"][0]["problem"]), "image-unreadable");
    let job = taken["job"].as_str().unwrap();
    let done = over(&admin, job).await;
    assert_eq!((&done["state"], &done["items"], &done["dead"]), (&json!("done"), &json!(4), &json!(0)), "{done}");
    assert_eq!((&done["progress"], &done["person"]), (&json!(1.0), &json!(ada)));
    let (_, items) = admin.get(&format!("/api/v1/jobs/{job}/items")).await;
    let reasons: Vec<&str> = items["items"].as_array().unwrap().iter().map(|i| i["reason"].as_str().unwrap()).collect();
    // Whose face it is that the first of them says, however many are looked at side by side.
    assert_eq!(reasons, ["added", "no-face", "near-duplicate", "another-face"], "{items}");
    assert_eq!(items["items"][0]["outcome"]["label"], "photo-0.png");
    let (_, templates) = admin.get(&format!("/api/v1/persons/{ada}/templates")).await;
    assert_eq!(templates["items"].as_array().unwrap().len(), 1);
    // It goes right after the last item's commit.
    let until = Instant::now() + Duration::from_secs(10);
    while std::fs::read_dir(world.dir.path().join("spool")).unwrap().next().is_some() {
        assert!(Instant::now() < until, "something of what was uploaded is left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let (status, live) = told(&admin, job).await;
    assert_eq!(status, 200);
    assert!(live.contains("event: job") && live.contains(r#""state":"done""#), "{live}");
    let (_, listed) = admin.get("/api/v1/jobs?kind=photos&state=done").await;
    assert_eq!(listed["items"][0]["id"], *job);
    assert_eq!(slug(&admin.get("/api/v1/jobs?kind=else").await.1), "invalid-value");
    let (status, late) = admin.post(&format!("/api/v1/jobs/{job}/cancel"), json!({})).await;
    assert_eq!((status, slug(&late)), (409, "wrong-state"));
    world.stop().await;
}

async fn told(session: &Session<'_>, job: &str) -> (u16, String) {
    let live = session.request(Method::GET, &format!("/api/v1/jobs/{job}/live")).send().await.unwrap();
    (live.status().as_u16(), live.text().await.unwrap())
}

#[tokio::test]
async fn a_batch_without_photos_makes_no_job() {
    let world = World::start_with(|config| config.limits.photos_per_batch = 2).await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let (status, refused) = batch(&admin, &ada, vec![b"x".to_vec(), Vec::new()]).await;
    assert_eq!((status, slug(&refused)), (422, "no-photo-taken"), "{refused}");
    assert_eq!(refused["refused"].as_array().unwrap().len(), 2);
    assert_eq!(batch(&admin, &ada, Vec::new()).await.0, 400);
    let red = picture([200, 10, 10]);
    assert_eq!(slug(&batch(&admin, &ada, vec![red.clone(), red.clone(), red]).await.1), "invalid-value");
    let (_, nobody) = admin.post("/api/v1/persons", json!({"name": "Bob"})).await;
    let without = batch(&admin, nobody["id"].as_str().unwrap(), vec![picture([9, 9, 9])]).await;
    assert_eq!((without.0, slug(&without.1)), (422, "consent-missing"));
    none_left(&admin).await;
    world.stop().await;
}

#[tokio::test]
async fn jobs_are_told_over_the_websocket_to_who_may_see_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    let ada = admin.person("Ada").await;
    let mut socket = watch(&admin, "?jobs=true").await;
    // Another admin, of a site: jobs of others are none of theirs.
    let site = admin.post("/api/v1/sites", json!({"name": "Elsewhere"})).await.1;
    let site = ostiary_common::ids::SiteId(site["id"].as_str().unwrap().parse().unwrap());
    let grant = Grant { role: Role::Admin, scope: Scope::Site(site) };
    add_account(&world.store, "other", vec![grant]).await;
    let other = world.signed_in("other").await;
    let mut elsewhere = watch(&other, "?jobs=true&cursors=true").await;
    assert!(next_json(&mut elsewhere).await.get("cursor").is_some());

    let (_, taken) = batch(&admin, &ada, vec![picture([200, 10, 10]), picture([0, 0, 0])]).await;
    let mut told = Vec::new();
    loop {
        let job = next_json(&mut socket).await["job"].clone();
        assert_eq!(job["id"], taken["job"], "{job}");
        assert_ne!(told.last(), Some(&job), "each change once");
        told.push(job);
        if told.last().unwrap()["state"] == "done" {
            break;
        }
    }
    assert_eq!((&told.last().unwrap()["done"], &told.last().unwrap()["refused"]), (&json!(1), &json!(1)));
    let quiet = tokio::time::timeout(Duration::from_secs(3), next_json(&mut elsewhere)).await;
    assert!(quiet.is_err(), "told of what is none of theirs: {quiet:?}");

    let guard = world.signed_in("guard").await;
    let refused = guard.get("/api/v1/events/live?jobs=true").await;
    assert_ne!(refused.0, 101);
    drop((socket, elsewhere));
    world.stop().await;
}
