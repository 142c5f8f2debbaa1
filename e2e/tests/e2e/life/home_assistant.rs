//! What Home Assistant keeps of a device, over the device's life: described at the door where it is claimed, described
//! anew where it is moved to, taken back when it is revoked. Real programs; visits are made up.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use ostiary_common::home_assistant::{BIRTH_TOPIC, discovery_topic};
use ostiary_common::ids::DeviceId;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_e2e::api::text;
use ostiary_e2e::daemon::{Daemon, Place, View};
use ostiary_e2e::device::{Heard, Session};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::{Value, json};

use crate::{LATER, SOON};

#[tokio::test(flavor = "multi_thread")]
async fn home_assistant_follows_a_device_that_moves_and_forgets_one_that_is_revoked() {
    scenario("home assistant: moved and revoked", follows).await;
}

async fn follows(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let invited = server.add_device("Head office", "camera", "camera")?;
    let place = Place { within: Vec::new(), env: vec![("OSTIARYD_HOME_ASSISTANT__DISCOVERY".into(), "true".into())] };
    let mut daemon = Daemon::claim_at(stage, &server, "camera", &invited, place)?;
    daemon.run(&View::Drill(1.0))?;
    let device: DeviceId = daemon.device.parse()?;
    let path = format!("/api/v1/devices/{device}");
    let old = DeviceRoot { site: text(&server.api.get(&path).await?, "site")?.parse()?, device };
    described(&server, old).await?;

    let site = server.api.post("/api/v1/sites", &json!({"name": "Elsewhere"})).await?.ok()?;
    let door = server.api.post("/api/v1/doors", &json!({"site": site["id"], "name": "Gate"})).await?.ok()?;
    server.api.put(&format!("{path}/door"), &json!({"door": door["id"]})).await?.ok()?;
    let new = DeviceRoot { site: text(&site, "id")?.parse()?, device };
    described(&server, new).await?;
    wait::until_true("the old place to be empty", LATER, async || Ok(kept_at(&server, old).await?.is_empty())).await?;
    wait::until_true("the device to say how it is at its new place", SOON, async || {
        Ok(kept_at(&server, new).await?.len() == 3)
    })
    .await?;

    server.api.post(&format!("{path}/revoke"), &json!({})).await?.ok()?;
    wait::until_true("Home Assistant to be told to forget the device", LATER, async || {
        Ok(kept(&server, &[discovery_topic(device)]).await?.is_empty() && kept_at(&server, new).await?.is_empty())
    })
    .await?;
    daemon.stop().await
}

/// Waits until the one description there is names the topics of this place and of no other.
async fn described(server: &Server, root: DeviceRoot) -> Result<()> {
    let topic = discovery_topic(root.device);
    let here = format!("{root}/");
    wait::until_true(&format!("a description at {root}"), LATER, async || {
        let found = kept(server, std::slice::from_ref(&topic)).await?;
        let Some(bytes) = found.get(&topic) else { return Ok(false) };
        let whole: Value = serde_json::from_slice(bytes).context("a description is JSON")?;
        let components = whole["components"].as_object().context("it names entities")?;
        let read: Vec<&str> = components.values().flat_map(topics).collect();
        ensure!(read.len() > components.len(), "entities read something: {whole}");
        let at_home = read.iter().filter(|topic| topic.starts_with(&here)).count();
        ensure!(at_home == 0 || at_home == read.len(), "it reads topics of two places: {read:?}");
        Ok(at_home == read.len())
    })
    .await
}

/// Every topic an entity reads.
fn topics(entity: &Value) -> Vec<&str> {
    let own = ["state_topic", "json_attributes_topic"].into_iter().filter_map(|key| entity[key].as_str());
    let availability = entity["availability"].as_array().into_iter().flatten();
    own.chain(availability.filter_map(|each| each["topic"].as_str())).collect()
}

/// What the broker keeps of the device itself at a place.
async fn kept_at(server: &Server, root: DeviceRoot) -> Result<BTreeMap<String, Vec<u8>>> {
    kept(server, &[Channel::Status, Channel::Info, Channel::Health].map(|channel| root.topic(&channel))).await
}

/// What the broker keeps on these topics, as somebody hears it who comes anew and only looks.
async fn kept(server: &Server, topics: &[String]) -> Result<BTreeMap<String, Vec<u8>>> {
    let password = fs::read_to_string(server.monitor_password_file()).context("the monitor's password")?;
    let broker = &server.endpoints.mqtts;
    let mut session = Session::open(broker, &server.ca_pem, "looker", "monitor", password.trim()).await?;
    for topic in topics {
        session.subscribe(topic).await?;
    }
    // What is kept comes with a subscription; a word of one's own comes back behind it.
    session.subscribe(BIRTH_TOPIC).await?;
    session.publish(BIRTH_TOPIC, b"offline".to_vec()).await?;
    let mut found = BTreeMap::new();
    loop {
        let message = |heard: &Heard| match heard {
            Heard::Message(topic, payload) => Some((topic.clone(), payload.clone())),
            _ => None,
        };
        let (topic, payload) = session.find("one's own word", SOON, message).await?;
        if topic == BIRTH_TOPIC {
            return Ok(found);
        }
        // An empty message says that nothing is kept any more.
        if !payload.is_empty() {
            found.insert(topic, payload);
        }
    }
}
