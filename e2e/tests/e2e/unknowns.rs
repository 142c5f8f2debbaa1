//! Somebody nobody knows comes twice, is put together, becomes a person, and is known the next time.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::Api;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::ledger;
use ostiary_e2e::live::Live;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::{Value, json};

use crate::{LATER, SOON, media};

#[tokio::test(flavor = "multi_thread")]
async fn seen_twice_promoted_known() {
    scenario("unknown visitors", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let api = &server.api;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let mut live = Live::connect(api, &server.ca_pem, 0).await?;
    daemon.run(&View::Loop { path: media::two_visits()?, true_speed: true })?;

    let visitor = seen_twice(api).await?;
    let id = visitor["id"].as_str().context("a visitor's id")?;
    let best = visitor["best_shot"].as_str().context("a best shot")?;
    let picture = api.get_bytes(&format!("/api/v1/events/{best}/crop")).await?;
    ensure!(image::load_from_memory(&picture).is_ok(), "the best shot is no picture");
    let path = format!("/api/v1/unknowns/{id}/promote");
    api.post(&path, &json!({"name": "Person A"})).await?.refused(422, "consent-missing")?;
    let made = api.post(&path, &json!({"name": "Person A", "consent": true})).await?.ok()?;
    let person = made["person"]["id"].as_str().context("a person's id")?;
    ensure!(made["templates"].as_u64() >= Some(1) && made["visits"].as_u64() >= Some(2), "nothing came along: {made}");
    ledger::same_gallery(api, &daemon.device, SOON).await?;

    let matched = live.find(LATER, |event| event["kind"] == "match").await?;
    ensure!(matched["person"]["id"] == person, "somebody else: {matched}");
    let visits = api.get(&format!("/api/v1/events?person={person}")).await?;
    let of_kind = |kind: &str| {
        let items = visits["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter(|item| item["kind"] == kind).count()
    };
    ensure!(of_kind("unknown") >= 2 && of_kind("match") >= 1, "past visits did not follow: {visits}");
    daemon.stop().await
}

/// The first visitor seen twice, with more visits than anybody else's first.
async fn seen_twice(api: &Api) -> Result<Value> {
    let deadline = Instant::now() + LATER;
    loop {
        let page = api.get("/api/v1/unknowns?visits=2").await?;
        if let Some(first) = page["items"].as_array().and_then(|items| items.first()) {
            return Ok(first.clone());
        }
        ensure!(Instant::now() < deadline, "nobody was put together: {}", api.get("/api/v1/unknowns").await?);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
