//! Delivery: what comes twice counts once, what is missing is asked for, and nobody speaks for another.

use anyhow::{Result, ensure};
use ostiary_common::ids::StreamId;
use ostiary_common::topics::Channel;
use ostiary_common::wire::EventBatch;
use ostiary_e2e::device::{RawDevice, batch, envelope, event_ids};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, wait};
use rumqttc::v5::mqttbytes::v5::{PubAckReason, SubscribeReasonCode};

use crate::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn delivered_twice_counts_once() {
    scenario("duplicate delivery", twice).await;
}

async fn twice(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&Channel::EventsAck)).await?;
    let events = batch(StreamId::generate(), 1, 20);
    for _ in 0..3 {
        session.send_events(device.root(), &events).await?;
        session.acked(20, SOON).await?;
    }
    // Some of it again, with something new: only the new is stored.
    let mut overlap = batch(events.stream, 21, 2);
    overlap.events.splice(0..0, events.events[15..].iter().cloned());
    session.send_events(device.root(), &overlap).await?;
    session.acked(22, SOON).await?;
    let mut sent: Vec<String> = event_ids(&events).iter().map(ToString::to_string).collect();
    sent.extend(event_ids(&overlap).iter().skip(5).map(ToString::to_string));
    let id = device.identity.device.to_string();
    ledger::exactly_once(&server.api, &id, &sent, SOON).await?;
    ensure!(ledger::counts(&server.api, &id).await?.len() == 22, "something else was stored");
    ledger::no_holes(&server.api, &id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_is_asked_for_again() {
    scenario("a hole", hole).await;
}

async fn hole(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&Channel::EventsAck)).await?;
    let all = batch(StreamId::generate(), 1, 9);
    let part = |range: std::ops::Range<usize>| EventBatch { stream: all.stream, events: all.events[range].to_vec() };
    session.send_events(device.root(), &part(0..3)).await?;
    session.acked(3, SOON).await?;
    session.send_events(device.root(), &part(6..9)).await?;
    let asked = session.acked(3, SOON).await?;
    ensure!(asked.upto_seq == 3 && asked.resend_from == Some(4), "the hole was not asked for: {asked:?}");
    session.send_events(device.root(), &part(3..6)).await?;
    session.acked(9, SOON).await?;
    let sent: Vec<String> = event_ids(&all).iter().map(ToString::to_string).collect();
    ledger::exactly_once(&server.api, &device.identity.device.to_string(), &sent, SOON).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_another() {
    scenario("another's topic", another).await;
}

async fn another(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let victim = RawDevice::claim(&server, "entrance").await?;
    let other = RawDevice::claim(&server, "back-door").await?;
    let mut session = other.connect().await?;
    let events = batch(StreamId::generate(), 1, 1);
    let forged = envelope(victim.identity.device, events.clone()).encode()?;

    let refused = session.publish(&victim.topic(&Channel::Events), forged.clone()).await?;
    ensure!(refused == PubAckReason::NotAuthorized, "publishing for another gave {refused:?}");
    for filter in [victim.topic(&Channel::EventsAck), "#".into(), format!("{}/#", victim.root())] {
        let mut session = other.connect().await?;
        let code = session.subscribe(&filter).await?;
        ensure!(code == SubscribeReasonCode::NotAuthorized, "subscribing to {filter} gave {code:?}");
    }
    // On its own topic, but in another's name.
    let mut session = other.connect().await?;
    session.publish(&other.topic(&Channel::Events), forged).await?;
    for (action, least) in [("mqtt.publish", 1), ("mqtt.subscribe", 3), ("ingest.refused", 1)] {
        wait::until_true(&format!("{action} in the audit log"), SOON, async || {
            Ok(server.api.audited(action).await?.iter().filter(|line| line["result"] == "refused").count() >= least)
        })
        .await?;
    }
    ensure!(server.api.events().await?.is_empty(), "a forged event was stored");
    Ok(())
}
