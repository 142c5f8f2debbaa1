//! A device's life: shut out, moved across sites, replaced, its card put back from an old image, reset. Real programs;
//! visits are made up.

mod home_assistant;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ostiary_common::topics::Channel;
use ostiary_e2e::api::text;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::device::RawDevice;
use ostiary_e2e::ledger;
use ostiary_e2e::server::{Invitation, Server};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::json;

use crate::{LATER, SOON};

/// Made-up visits.
const VISITS: View = View::Drill(20.0);
/// Nothing is delivered to a revoked device after this time.
const SHUT_OUT_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_a_revoked_device_after_five_seconds() {
    scenario("revoked: no delivery", revoked).await;
}

async fn revoked(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let path = format!("/api/v1/devices/{}", device.identity.device);
    let mut session = device.connect().await?;
    for channel in [Channel::ConfigDesired, Channel::GalleryNotice] {
        session.subscribe(&device.topic(&channel)).await?;
    }
    server.api.put(&format!("{path}/config"), &json!({"min_face_px": 70})).await?.ok()?;
    let begun = Instant::now();
    server.api.post(&format!("{path}/revoke"), &json!({})).await?.ok()?;
    session.ended(SHUT_OUT_WITHIN).await?;
    println!("revoked: the session ended after {} ms", begun.elapsed().as_millis());
    ensure!(device.connect().await.is_err(), "a revoked device was let in");
    ensure!(device.ask_token().await?.status == 403, "a revoked device was given a token");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_moves_to_another_site_and_loses_nothing() {
    scenario("moved to another site", moved).await;
}

async fn moved(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let mut daemon = Daemon::claim(stage, &server, "camera")?;
    daemon.run(&VISITS)?;
    stored(&server, &daemon, 20).await?;
    let site = server.api.post("/api/v1/sites", &json!({"name": "Elsewhere"})).await?.ok()?;
    let door = json!({"site": site["id"], "name": "Gate"});
    let door = server.api.post("/api/v1/doors", &door).await?.ok()?;
    let path = format!("/api/v1/devices/{}", daemon.device);
    server.api.put(&format!("{path}/door"), &json!({"door": door["id"]})).await?.ok()?;
    let begun = Instant::now();
    wait::until_true("events from the new place", LATER, async || {
        Ok(server.api.events().await?.iter().any(|event| event["site"] == site["id"]))
    })
    .await?;
    println!("moved: the first event from the new site after {} ms", begun.elapsed().as_millis());
    stored(&server, &daemon, daemon.durable_events().len() + 20).await?;
    daemon.stop().await?;
    nothing_lost(&server, &mut daemon).await?;
    let streams = streams(&server, &daemon.device).await?;
    ensure!(streams == 1, "the outbox went on in {streams} streams instead of its own");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_image_of_the_card_is_recognised() {
    scenario("old image put back", restored).await;
}

async fn restored(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let mut daemon = Daemon::claim(stage, &server, "camera")?;
    daemon.run(&VISITS)?;
    stored(&server, &daemon, 20).await?;
    // The image is taken while events wait: they are in both lives of the card.
    daemon.kill()?;
    let image = stage.file("image");
    copy(daemon.state_dir(), &image)?;
    daemon.run(&VISITS)?;
    stored(&server, &daemon, daemon.durable_events().len() + 30).await?;
    daemon.stop().await?;
    // What waited on the card that is taken out goes with it.
    let known = ledger::counts(&server.api, &daemon.device).await?;
    let gone: Vec<_> = daemon.durable_events().into_iter().filter(|id| !known.contains_key(id)).collect();
    fs::remove_dir_all(daemon.state_dir())?;
    copy(&image, daemon.state_dir())?;
    daemon.run(&VISITS)?;
    stored(&server, &daemon, daemon.durable_events().len() + 30).await?;
    let told = server.api.audited("device.restored").await?;
    ensure!(told.len() == 1, "an old image was recognised {} times instead of once: {told:?}", told.len());
    let written: Vec<_> = daemon.durable_events().into_iter().filter(|id| !gone.contains(id)).collect();
    ledger::exactly_once(&server.api, &daemon.device, &written, LATER).await?;
    daemon.stop().await?;
    let streams = streams(&server, &daemon.device).await?;
    ensure!(streams == 2, "the old image went on in {streams} streams, not in one of its own");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_device_is_replaced_and_the_new_one_takes_its_place() {
    scenario("replaced", replaced).await;
}

async fn replaced(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let mut broken = Daemon::claim(stage, &server, "camera")?;
    broken.run(&VISITS)?;
    stored(&server, &broken, 10).await?;
    let added = server.api.post(&format!("/api/v1/devices/{}/replace", broken.device), &json!({})).await?.ok()?;
    let invited = Invitation {
        device: text(&added["device"], "id")?,
        code: text(&added, "claim_code")?,
        ca_sha256: text(&added, "ca_sha256")?,
    };
    let mut new = Daemon::claim_invited(stage, &server, "new-camera", &invited)?;
    new.run(&VISITS)?;
    stored(&server, &new, 10).await?;
    let view = server.api.get(&format!("/api/v1/devices/{}", new.device)).await?;
    ensure!(view["name"] == "camera" && view["replaces"].as_str() == Some(broken.device.as_str()), "{view}");
    // The broken one still has power: it is refused, keeps what it has, and says once why.
    wait::until_true("the old device to be told", LATER, async || {
        Ok(fs::read_to_string(broken.log())?.matches("gives this device no token any more").count() == 1)
    })
    .await?;
    broken.ensure_running()?;
    broken.stop().await?;
    new.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_forgets_everything_on_command_and_is_claimed_again() {
    scenario("reset", reset).await;
}

async fn reset(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let mut daemon = Daemon::claim(stage, &server, "camera")?;
    daemon.run(&VISITS)?;
    stored(&server, &daemon, 10).await?;
    let path = format!("/api/v1/devices/{}/commands", daemon.device);
    server.api.post(&path, &json!({"kind": "reset"})).await?.ok()?;
    wait::until_true("the daemon to end", LATER, async || daemon.has_ended()).await?;
    let left: Vec<_> = fs::read_dir(daemon.state_dir())?.flatten().map(|entry| entry.file_name()).collect();
    // How often the board started, and how that ended, is nobody's secret; it is written by the end of this very run.
    let left: Vec<_> = left.into_iter().filter(|name| name != "runs.json").collect();
    ensure!(left == ["lock"], "left after a reset: {left:?}");
    nothing_lost(&server, &mut daemon).await
}

/// Waits until so many events of the device are stored.
async fn stored(server: &Server, daemon: &Daemon, at_least: usize) -> Result<()> {
    let what = format!("{at_least} events to be stored");
    wait::until_true(&what, LATER, async || Ok(ledger::counts(&server.api, &daemon.device).await?.len() >= at_least))
        .await
}

/// Everything the device wrote down is in the store once, and no stream has a hole.
async fn nothing_lost(server: &Server, daemon: &mut Daemon) -> Result<()> {
    let written = daemon.durable_events();
    let missing = async || -> Result<usize> {
        let stored = ledger::counts(&server.api, &daemon.device).await?;
        Ok(written.iter().filter(|id| !stored.contains_key(*id)).count())
    };
    if missing().await? > 0 && daemon.state_dir().join("identity").exists() {
        // The last ones wait on the device: a short life more sends them.
        daemon.run(&View::Drill(1.0))?;
        ledger::exactly_once(&server.api, &daemon.device, &written, LATER).await?;
        daemon.stop().await?;
    }
    ledger::exactly_once(&server.api, &daemon.device, &written, SOON).await?;
    ledger::no_holes(&server.api, &daemon.device).await
}

async fn streams(server: &Server, device: &str) -> Result<usize> {
    let events = server.api.events().await?;
    let own = events.iter().filter(|event| event["device"] == device);
    let mut streams: Vec<String> = own.map(|event| text(event, "stream")).collect::<Result<_>>()?;
    streams.sort();
    streams.dedup();
    Ok(streams.len())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().context("cp")?;
    ensure!(status.success(), "cp ended with {status}");
    Ok(())
}
