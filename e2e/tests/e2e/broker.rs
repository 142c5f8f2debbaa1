//! A broker of the user's own: killed and started again while a camera works, and passing on junk.

use anyhow::{Result, ensure};
use ostiary_common::envelope::Envelope;
use ostiary_common::ids::{DeviceId, StreamId};
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::EventAck;
use ostiary_e2e::api::text;
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::device::{Session, envelope};
use ostiary_e2e::mosquitto::{self, Mosquitto};
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::{LOOPBACK, Server};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, wait};

use crate::{LATER, SOON, media};

#[tokio::test(flavor = "multi_thread")]
async fn broker_killed_and_restarted() {
    if mosquitto::is_there() {
        scenario("broker killed and restarted", killed).await;
    }
}

async fn killed(stage: &Stage) -> Result<()> {
    let port = mosquitto::free_port()?;
    let server = Server::start_external(stage, &mosquitto::url(LOOPBACK, port)).await?;
    let mut broker = Mosquitto::start(stage, &server, port)?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    daemon.run(&View::Loop { path: media::short_visits()?, true_speed: false })?;
    for round in 1..=2 {
        let stored = ledger::counts(&server.api, &daemon.device).await?.len();
        wait::until_true("events to be stored", LATER, async || {
            daemon.ensure_running()?;
            Ok(ledger::counts(&server.api, &daemon.device).await?.len() >= stored + 2)
        })
        .await?;
        broker.kill()?;
        let person = server.api.add_person(&format!("Person {round}")).await?;
        let sitter = if round == 1 { Sitter::Obama2012 } else { Sitter::Astronaut };
        server.api.enroll(&person, portrait(sitter)?).await?;
        let durable = daemon.durable_events().len();
        wait::until_true("events to pile up", LATER, async || Ok(daemon.durable_events().len() >= durable + 2)).await?;
        broker = Mosquitto::start(stage, &server, port)?;
    }
    ledger::same_gallery(&server.api, &daemon.device, LATER).await?;
    daemon.stop().await?;
    daemon.run(&View::Once(media::two_visits()?))?;
    ledger::same_gallery(&server.api, &daemon.device, SOON).await?;
    let expected = daemon.durable_events();
    ensure!(expected.len() > 6, "only {} events were made", expected.len());
    ledger::exactly_once(&server.api, &daemon.device, &expected, LATER).await?;
    ledger::no_holes(&server.api, &daemon.device).await
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_for_a_device_is_refused_and_reported() {
    if mosquitto::is_there() {
        scenario("junk for a device", junk).await;
    }
}

async fn junk(stage: &Stage) -> Result<()> {
    let port = mosquitto::free_port()?;
    let server = Server::start_external(stage, &mosquitto::url(LOOPBACK, port)).await?;
    let _broker = Mosquitto::start(stage, &server, port)?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    daemon.run(&View::Loop { path: media::two_visits()?, true_speed: false })?;
    let device = format!("/api/v1/devices/{}", daemon.device);
    let online = async || Ok(server.api.get(&device).await?["presence"]["state"] == "online");
    wait::until_true("the device to be online", SOON, online).await?;

    let (site, id) = (text(&server.api.get(&device).await?, "site")?.parse()?, daemon.device.parse()?);
    let root = DeviceRoot { site, device: id };
    let at = format!("127.0.0.1:{port}");
    let mut session = Session::open(&at, &server.ca_pem, "somebody", "somebody", "else").await?;
    for channel in [Channel::EventsAck, Channel::GalleryChunk, Channel::GalleryNotice, Channel::ConfigDesired] {
        for payload in [b"no CBOR at all".to_vec(), vec![0xA1; 300 * 1024], foreign_version(id)?] {
            session.publish(&root.topic(&channel), payload).await?;
        }
    }
    wait::until_true("the device to report refused messages", LATER, async || {
        daemon.ensure_running()?;
        Ok(server.api.events().await?.iter().any(|event| event["report"]["kind"] == "message_refused"))
    })
    .await?;
    let person = server.api.add_person("Person A").await?;
    server.api.enroll(&person, portrait(Sitter::Obama2012)?).await?;
    ledger::same_gallery(&server.api, &daemon.device, LATER).await?;
    daemon.ensure_running()?;
    daemon.stop().await?;
    ledger::no_holes(&server.api, &daemon.device).await
}

/// An acknowledgement of everything, if its version were spoken here.
fn foreign_version(device: DeviceId) -> Result<Vec<u8>> {
    let ack = EventAck {
        stream: StreamId::generate(),
        upto_seq: u64::MAX,
        resend_from: None,
        rejected: Vec::new(),
        batch: None,
    };
    Ok(Envelope { v: 99, ..envelope(device, ack) }.encode()?)
}
