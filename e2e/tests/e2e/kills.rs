//! Power cuts: whatever a device had written down reaches the store, once, and galleries agree at the end.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ostiary_common::ids::StreamId;
use ostiary_common::topics::Channel;
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::device::{RawDevice, batch, event_ids};
use ostiary_e2e::ledger;
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;

use crate::{LATER, SOON, media};

/// Visits that pile up while the server is away.
const PILE: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn server_killed_between_commit_and_ack() {
    scenario("killed between commit and ack", between_commit_and_ack).await;
}

async fn between_commit_and_ack(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "by-hand").await?;
    let id = device.identity.device.to_string();
    let stream = StreamId::generate();
    let mut sent = Vec::new();
    for round in 0..3 {
        server.stop().await?;
        server.restart_with_fault(Some("abort-after-commit:1")).await?;
        let events = batch(stream, round * 5 + 1, 5);
        let mut session = device.connect().await?;
        session.subscribe(&device.topic(&Channel::EventsAck)).await?;
        // The broker may still confirm that it has the message; the word that it is stored never comes.
        let _ = session.send_events(device.root(), &events).await;
        ensure!(session.acked(round * 5 + 5, SOON).await.is_err(), "the server acknowledged before it died");
        server.wait_ended(SOON).await?;
        server.restart().await?;
        let mut session = device.connect().await?;
        session.subscribe(&device.topic(&Channel::EventsAck)).await?;
        sent.extend(event_ids(&events).iter().map(ToString::to_string));
        ensure!(ledger::counts(&server.api, &id).await?.len() == sent.len(), "it was not killed after the commit");
        session.send_events(device.root(), &events).await?;
        session.acked(round * 5 + 5, SOON).await?;
    }
    ledger::exactly_once(&server.api, &id, &sent, SOON).await?;
    ledger::no_holes(&server.api, &id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn server_dies_again_and_again_under_a_camera() {
    scenario("server dies under a camera", under_a_camera).await;
}

async fn under_a_camera(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    enroll(&server).await?;
    daemon.run(&View::Loop { path: media::short_visits()?, true_speed: false })?;
    for commits in 1..=3 {
        server.stop().await?;
        server.restart_with_fault(Some(&format!("abort-after-commit:{commits}"))).await?;
        server.wait_ended(LATER).await?;
        daemon.ensure_running()?;
        server.restart().await?;
    }
    daemon.stop().await?;
    let view = View::Once(media::two_visits()?);
    daemon.run(&view)?;
    all_arrived(&server, &daemon).await
}

#[tokio::test(flavor = "multi_thread")]
async fn daemon_killed_with_a_full_outbox() {
    scenario("daemon killed with a full outbox", full_outbox).await;
}

async fn full_outbox(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let view = View::Loop { path: media::short_visits()?, true_speed: false };
    daemon.run(&view)?;
    wait::until_true("the device to be online", SOON, async || {
        let device = server.api.get(&format!("/api/v1/devices/{}", daemon.device)).await?;
        Ok(device["presence"]["state"] == "online")
    })
    .await?;
    server.kill()?;
    let before = daemon.durable_events().len();
    wait::until_true("events to pile up", LATER, async || {
        daemon.ensure_running()?;
        Ok(daemon.durable_events().len() >= before + PILE)
    })
    .await?;
    daemon.kill()?;
    // Somebody is enrolled while the device is dark.
    server.restart().await?;
    enroll(&server).await?;
    ensure!(ledger::counts(&server.api, &daemon.device).await?.len() < before + PILE, "nothing had piled up");
    daemon.run(&View::Once(media::two_visits()?))?;
    all_arrived(&server, &daemon).await
}

async fn enroll(server: &Server) -> Result<()> {
    let person = server.api.add_person("Person A").await?;
    server.api.enroll(&person, portrait(Sitter::Obama2012)?).await?;
    Ok(())
}

/// Everything the device ever wrote down is in the store once; nothing else is; the galleries agree.
async fn all_arrived(server: &Server, daemon: &Daemon) -> Result<()> {
    ledger::same_gallery(&server.api, &daemon.device, LATER).await?;
    wait::until_true("the clip to be over and its events stored", LATER, async || {
        let stored: BTreeSet<String> = ledger::counts(&server.api, &daemon.device).await?.into_keys().collect();
        Ok(daemon.durable_events().into_iter().collect::<BTreeSet<_>>().is_subset(&stored))
    })
    .await?;
    ledger::exactly_once(&server.api, &daemon.device, &daemon.durable_events(), LATER).await?;
    ledger::no_holes(&server.api, &daemon.device).await?;
    quarantined_nothing(daemon.state_dir())
}

/// A cache that had to be given up would have been moved aside.
fn quarantined_nothing(state_dir: &Path) -> Result<()> {
    let entries = std::fs::read_dir(state_dir).context("the state directory")?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let aside: Vec<String> = names.filter(|name| name.contains("quarantined")).collect();
    ensure!(aside.is_empty(), "the cache was damaged by a kill: {aside:?}");
    Ok(())
}
