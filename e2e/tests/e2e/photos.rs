//! Photos that cannot be enrolled: each is refused with its own clear problem, and events flow on meanwhile.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ostiary_common::ids::StreamId;
use ostiary_common::topics::Channel;
use ostiary_e2e::api::{Answer, check_problem};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::device::{RawDevice, batch, event_ids};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, photos};
use serde_json::json;

use crate::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn bad_photos_are_refused_clearly_and_nothing_is_lost() {
    scenario("bad photos", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&Channel::EventsAck)).await?;
    let person = server.api.add_person("Person A").await?;
    let stream = StreamId::generate();
    let mut sent = Vec::new();
    for (first_seq, (slug, photo)) in (1..).step_by(3).zip(bad_photos()?) {
        let events = batch(stream, first_seq, 3);
        session.send_events(device.root(), &events).await?;
        sent.extend(event_ids(&events).iter().map(ToString::to_string));
        let answer = server.api.send_photo(&person, photo).await?;
        photo_refused(&answer, slug)?;
        session.acked(first_seq + 2, SOON).await?;
    }
    nothing_enrolled(&server, &person).await?;
    without_consent(&server).await?;
    server.api.enroll(&person, photos::portrait(Sitter::Obama2012)?).await.context("a good photo, after bad ones")?;
    ledger::exactly_once(&server.api, &device.identity.device.to_string(), &sent, Duration::from_secs(10)).await
}

fn bad_photos() -> Result<Vec<(&'static str, Vec<u8>)>> {
    Ok(vec![
        ("image-unreadable", photos::corrupt_jpeg()),
        ("image-unreadable", photos::truncated_png()?),
        ("image-unreadable", b"hello, this is no picture".to_vec()),
        ("image-too-large", photos::square_png(10_000)?),
        ("no-face", photos::no_face()?),
        ("several-faces", photos::two_faces()?),
        ("face-too-small", photos::small_face()?),
    ])
}

/// A single photo's refusal is the answer itself or, where several photos may come at once, its one result.
fn photo_refused(answer: &Answer, slug: &str) -> Result<()> {
    let result = &answer.body["results"][0];
    if result.is_null() {
        let status = answer.status;
        ensure!((400..500).contains(&status), "{}: status {status}", answer.asked);
        return check_problem(&answer.body, slug);
    }
    ensure!(result["accepted"] == false, "a bad photo was taken ({slug}): {result}");
    check_problem(&result["problem"], slug)
}

async fn nothing_enrolled(server: &Server, person: &str) -> Result<()> {
    let gallery = server.api.get("/api/v1/gallery").await?;
    ensure!(gallery["templates"] == 0, "a bad photo left a template: {gallery}");
    let templates = server.api.get(&format!("/api/v1/persons/{person}/templates")).await?;
    ensure!(templates["items"].as_array().is_some_and(Vec::is_empty), "templates are left: {templates}");
    Ok(())
}

async fn without_consent(server: &Server) -> Result<()> {
    let person = server.api.post("/api/v1/persons", &json!({"name": "Person B", "consent": false})).await?;
    if person.status != 201 {
        return person.refused(422, "consent-missing");
    }
    let id = ostiary_e2e::api::text(&person.body, "id")?;
    photo_refused(&server.api.send_photo(&id, photos::portrait(Sitter::Biden2010)?).await?, "consent-missing")
}
