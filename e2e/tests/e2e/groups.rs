//! A person of one group is known at that group's door and nowhere else; with the group, the door changes.

use anyhow::{Result, ensure};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::live::Live;
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::{Value, json};

use crate::{LATER, SOON, media};

#[tokio::test(flavor = "multi_thread")]
async fn known_at_the_door_of_ones_group_only() {
    scenario("a door for each group", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let api = &server.api;
    let (mut lab, mut hall) = (Daemon::claim(stage, &server, "lab")?, Daemon::claim(stage, &server, "hall")?);
    let (lab_group, hall_group) = (door_of_group(api, &lab, "Lab").await?, door_of_group(api, &hall, "Hall").await?);
    let person = api.add_person("Person A").await?;
    put_members(api, &lab_group, &json!({"add": [person]})).await?;
    api.enroll(&person, portrait(Sitter::Obama2012)?).await?;
    let view = View::Loop { path: media::two_visits()?, true_speed: true };
    lab.run(&view)?;
    hall.run(&view)?;
    knows(api, &person, [(&lab, 1), (&hall, 0)]).await?;
    seen(&server, &lab, &hall).await?;

    put_members(api, &lab_group, &json!({"remove": [person]})).await?;
    put_members(api, &hall_group, &json!({"add": [person]})).await?;
    knows(api, &person, [(&lab, 0), (&hall, 1)]).await?;
    seen(&server, &hall, &lab).await?;
    lab.stop().await?;
    hall.stop().await
}

/// Has the daemon's door know a group of its own.
async fn door_of_group(api: &Api, daemon: &Daemon, name: &str) -> Result<String> {
    let group = text(&api.post("/api/v1/groups", &json!({"name": name})).await?.ok()?, "id")?;
    let door = text(&api.get(&format!("/api/v1/devices/{}", daemon.device)).await?, "door")?;
    let rule = json!({"know": "groups", "groups": [group]});
    api.put(&format!("/api/v1/doors/{door}/gallery-rule"), &rule).await?.ok()?;
    Ok(group)
}

async fn put_members(api: &Api, group: &str, change: &Value) -> Result<()> {
    api.post(&format!("/api/v1/groups/{group}/members"), change).await?.ok()?;
    Ok(())
}

/// Waits until each device says that it holds so many persons, and that is all it may.
async fn knows(api: &Api, person: &str, expected: [(&Daemon, u64); 2]) -> Result<()> {
    for (daemon, persons) in expected {
        let path = format!("/api/v1/devices/{}/gallery", daemon.device);
        wait::until_true("the device to hold what it may", LATER, async || {
            let gallery = api.get(&path).await?;
            ensure!(gallery["persons"] == persons, "it may hold others: {gallery}");
            Ok(gallery["standing"] == "in_sync" && gallery["held"]["persons"] == persons)
        })
        .await?;
    }
    wait::until_true("the person's doors to be up to date", SOON, async || {
        let doors = api.get(&format!("/api/v1/persons/{person}/doors")).await?;
        let items = doors["items"].as_array().cloned().unwrap_or_default();
        let known = items.iter().filter(|door| door["may_know"] == true).count();
        Ok(known == 1 && items.iter().all(|door| door["up_to_date"] == door["devices"]))
    })
    .await
}

/// One door knows the person who passes both; the other does not, though the same passes.
async fn seen(server: &Server, knowing: &Daemon, other: &Daemon) -> Result<()> {
    let newest = server.api.events().await?.last().and_then(|event| event["cursor"].as_i64()).unwrap_or_default();
    let mut live = Live::connect(&server.api, &server.ca_pem, newest).await?;
    // A visit that was under way may still be decided by what was known before.
    let visit_of = |event: &Value, daemon: &Daemon| event["kind"] != "report" && event["device"] == *daemon.device;
    live.find(LATER, |event| visit_of(event, other)).await?;
    live.find(LATER, |event| visit_of(event, knowing) && event["kind"] == "match").await?;
    for _ in 0..3 {
        let event = live.find(LATER, |event| visit_of(event, other)).await?;
        ensure!(event["kind"] != "match", "known at a door that may not know anybody: {event}");
    }
    Ok(())
}
