//! What an admin chooses waits for the device, also for one that is claimed later, and what the device makes of it
//! is shown.

use anyhow::{Result, ensure};
use ostiary_common::envelope::Envelope;
use ostiary_common::topics::Channel;
use ostiary_common::wire::{ConfigDesired, ConfigReported, DeviceSettings, LivenessPolicy};
use ostiary_e2e::api::text;
use ostiary_e2e::device::{Heard, RawDevice, Session, envelope};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::json;

use crate::SOON;

const SETTINGS: &str = "/api/v1/settings/recognition";

#[tokio::test(flavor = "multi_thread")]
async fn a_target_and_a_policy_reach_the_device() {
    scenario("recognition settings", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let api = &server.api;
    // Chosen before there is a device: it begins with it.
    let chosen = api.put(SETTINGS, &json!({"target_fpir": 0.02, "liveness": "report"})).await?.ok()?;
    ensure!(chosen["outlook"]["basis"] == "target", "nothing follows from the target: {chosen}");
    let device = RawDevice::claim(&server, "entrance").await?;
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&Channel::ConfigDesired)).await?;
    let first = desired(&mut session, 1).await?;
    ensure!((first.target_fpir, first.liveness) == (Some(0.02), Some(LivenessPolicy::Report)), "{first:?}");

    let path = format!("/api/v1/devices/{}", device.identity.device);
    let at_door = format!("/api/v1/doors/{}/recognition", text(&api.get(&path).await?, "door")?);
    let strict = api.put(&at_door, &json!({"target_fpir": 0.001, "liveness": "block"})).await?.ok()?;
    let (lax, strict) = (chosen["outlook"]["threshold"].as_f64(), strict["outlook"]["threshold"].as_f64());
    ensure!(strict > lax, "a stricter target without a stricter threshold: {lax:?}, {strict:?}");
    let second = desired(&mut session, 2).await?;
    ensure!((second.target_fpir, second.liveness) == (Some(0.001), Some(LivenessPolicy::Block)), "{second:?}");
    api.put(&at_door, &json!({"target_fpir": 0})).await?.refused(422, "invalid-value")?;

    let settings = DeviceSettings { match_threshold: Some(0.95), ..second };
    let reported = ConfigReported { version: 2, error: None, settings };
    let bytes = envelope(device.identity.device, reported).encode()?;
    session.publish(&device.topic(&Channel::ConfigReported), bytes).await?;
    wait::until_true("what the device reports to be shown", SOON, async || {
        let config = api.get(&path).await?["config"].clone();
        let threshold = config["reported"]["settings"]["match_threshold"].as_f64();
        Ok(config["reported"]["version"] == config["version"] && threshold.is_some_and(|t| (t - 0.95).abs() < 1e-6))
    })
    .await?;

    api.delete(&at_door).await?.ok()?;
    let third = desired(&mut session, 3).await?;
    ensure!(third == first, "not as the installation says again: {third:?}");
    Ok(())
}

/// What the server wants, at this version.
async fn desired(session: &mut Session, version: u64) -> Result<DeviceSettings> {
    let wanted = |heard: &Heard| match heard {
        Heard::Message(topic, payload) if topic.ends_with("/config/desired") => {
            let desired = Envelope::<ConfigDesired>::decode(payload).ok()?.body;
            (desired.version == version).then_some(desired.settings)
        }
        _ => None,
    };
    session.find(&format!("version {version} of the settings"), SOON, wanted).await
}
