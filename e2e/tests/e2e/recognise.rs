//! What Ostiary exists for: someone is enrolled on the server, and the door knows them.

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::Api;
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::ledger;
use ostiary_e2e::live::Live;
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::Value;

use crate::{LATER, SOON, media};

#[tokio::test(flavor = "multi_thread")]
async fn enrolled_on_the_server_known_at_the_door() {
    scenario("enroll and match", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start_with(stage, "[log]\nlevel = \"debug\"\nformat = \"json\"\n").await?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let mut live = Live::connect(&server.api, &server.ca_pem, 0).await?;
    daemon.run(&View::Loop { path: media::two_visits()?, true_speed: true })?;

    let first = live.find(LATER, is_visit).await?;
    ensure!(first["kind"] == "unknown" && first["nearest"].is_null(), "nobody is enrolled yet: {first}");
    let person = server.api.add_person("Person A").await?;
    server.api.enroll(&person, portrait(Sitter::Obama2012)?).await?;
    ledger::same_gallery(&server.api, &daemon.device, SOON).await?;

    let matched = live.find(LATER, |event| event["kind"] == "match").await?;
    ensure!(matched["person"]["id"] == person.as_str(), "the wrong person: {matched}");
    ensure!(matched["person"]["name"] == "Person A", "the name is missing: {matched}");
    ensure!(matched["similarity"].as_f64() >= matched["threshold"].as_f64(), "below its threshold: {matched}");
    let stranger = live.find(LATER, is_visit).await?;
    ensure!(stranger["kind"] == "unknown", "a stranger was not unknown: {stranger}");
    ensure!(!stranger["nearest"].is_null(), "the nearest person is missing: {stranger}");

    crop_is_a_picture(&server.api, &matched).await?;
    forgotten_when_deleted(&server.api, &person, &daemon, &mut live).await?;
    daemon.stop().await?;
    ledger::no_holes(&server.api, &daemon.device).await?;
    each_event_is_in_both_logs(&server, &daemon)
}

/// One id, from the door's log to the server's.
fn each_event_is_in_both_logs(server: &Server, daemon: &Daemon) -> Result<()> {
    let log = server.log();
    let stored: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let durable = daemon.durable_events();
    ensure!(!durable.is_empty(), "the door's log names no event");
    for id in durable {
        let told = |line: &Value| line["fields"]["event.id"] == id.as_str() && line.to_string().contains("is stored");
        ensure!(stored.iter().any(told), "event {id} of the door's log is not in the server's");
    }
    Ok(())
}

async fn crop_is_a_picture(api: &Api, event: &Value) -> Result<()> {
    ensure!(event["has_crop"] == true, "no crop: {event}");
    let id = event["id"].as_str().context("an event's id")?;
    let crop = api.get_bytes(&format!("/api/v1/events/{id}/crop")).await?;
    let picture = image::load_from_memory(&crop).context("the crop is no picture")?;
    ensure!(picture.width() >= 64 && picture.height() >= 64, "a crop of {} pixels", picture.width());
    Ok(())
}

async fn forgotten_when_deleted(api: &Api, person: &str, daemon: &Daemon, live: &mut Live) -> Result<()> {
    api.delete(&format!("/api/v1/persons/{person}")).await?.ok()?;
    ledger::same_gallery(api, &daemon.device, SOON).await?;
    let gallery = api.get("/api/v1/gallery").await?;
    ensure!(gallery["templates"] == 0, "templates are left: {gallery}");
    let from = api.events().await?.last().and_then(|event| event["cursor"].as_i64()).unwrap_or_default();
    // A visit that was under way may still end as a match; the two after it may not.
    let later = |event: &Value| is_visit(event) && event["cursor"].as_i64() > Some(from);
    live.find(LATER, later).await?;
    for _ in 0..2 {
        let event = live.find(LATER, later).await?;
        ensure!(event["kind"] != "match", "a deleted person was matched: {event}");
    }
    Ok(())
}

fn is_visit(event: &Value) -> bool {
    event["kind"] != "report"
}
