//! The daemon makes the same threshold and margin of a target as the server reckons and shows.

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::{Value, json};

use crate::{LATER, SOON, media};

const SETTINGS: &str = "/api/v1/settings/recognition";

#[tokio::test(flavor = "multi_thread")]
async fn device_and_server_make_the_same_rule_of_a_target() {
    scenario("derived rule", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let api = &server.api;
    // Chosen before the device is made: it starts with it.
    let chosen = api.put(SETTINGS, &json!({"target_fpir": 0.02, "liveness": "report"})).await?.ok()?;
    ensure!(chosen["outlook"]["basis"] == "target", "nothing follows from the target: {chosen}");
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    let view = View::Loop { path: media::two_visits()?, true_speed: true };
    daemon.run(&view)?;
    in_force(api, &daemon.device, &chosen["outlook"], "report").await?;

    let door = text(&api.get(&format!("/api/v1/devices/{}", daemon.device)).await?, "door")?;
    let at_door = format!("/api/v1/doors/{door}/recognition");
    let strict = api.put(&at_door, &json!({"target_fpir": 0.001, "liveness": "block"})).await?.ok()?;
    let (lax, strict_outlook) = (&chosen["outlook"]["threshold"], &strict["outlook"]);
    ensure!(strict_outlook["threshold"].as_f64() > lax.as_f64(), "a stricter target, no stricter rule: {strict}");
    in_force(api, &daemon.device, strict_outlook, "block").await?;

    // A threshold by hand, and one that is refused on the way in.
    let by_hand = api.put(&at_door, &json!({"match_threshold": 0.97, "match_margin": 0.03})).await?.ok()?;
    in_force(api, &daemon.device, &by_hand["outlook"], "report").await?;
    api.put(&at_door, &json!({"target_fpir": 0})).await?.refused(422, "invalid-value")?;

    let reset = api.delete(&at_door).await?.ok()?;
    let path = format!("/api/v1/devices/{}", daemon.device);
    let session = async || anyhow::Ok(api.get(&path).await?["presence"]["session"].as_u64());
    let before = session().await?;
    daemon.kill()?;
    daemon.run(&view)?;
    wait::until_true("the device to be back", LATER, async || Ok(session().await? > before)).await?;
    in_force(api, &daemon.device, &reset["outlook"], "report").await?;
    let info = &api.get(&path).await?["presence"]["info"];
    ensure!(info["kernels"].as_str().is_some_and(|text| text.contains("detector")), "kernels are not told: {info}");
    daemon.stop().await
}

/// Waits until the device says that the newest version is in force with this rule and this policy.
async fn in_force(api: &Api, device: &str, outlook: &Value, liveness: &str) -> Result<()> {
    let path = format!("/api/v1/devices/{device}");
    let current = async || {
        let config = api.get(&path).await?["config"].clone();
        Ok((config["reported"]["version"] == config["version"]).then_some(config["reported"].clone()))
    };
    let reported = wait::until("the newest settings to be in force", LATER.max(SOON), current).await?;
    ensure!(reported["error"].is_null(), "refused by the device: {reported}");
    let settings = &reported["settings"];
    for (key, of) in [("match_threshold", "threshold"), ("match_margin", "margin")] {
        let (found, expected) = (number(settings, key)?, number(outlook, of)?);
        ensure!((found - expected).abs() < 1e-5, "{key} is {found}, the server reckoned {expected}: {reported}");
    }
    ensure!(settings["liveness"] == liveness, "liveness is {}, not {liveness}", settings["liveness"]);
    Ok(())
}

fn number(object: &Value, key: &str) -> Result<f64> {
    object[key].as_f64().with_context(|| format!("a number `{key}` in {object}"))
}
