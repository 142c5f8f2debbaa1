//! Messages that are no messages: refused, on record, and the next good one is taken all the same.

use anyhow::{Result, ensure};
use ostiary_common::envelope::{Body, Envelope};
use ostiary_common::ids::StreamId;
use ostiary_common::topics::Channel;
use ostiary_common::wire::EventBatch;
use ostiary_e2e::device::{RawDevice, batch, envelope, event_ids, visit_with_crop};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, wait};

use crate::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn oversized_truncated_and_foreign_versions_are_refused() {
    scenario("bad messages", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let device = RawDevice::claim(&server, "entrance").await?;
    let stream = StreamId::generate();
    let good = batch(stream, 1, 2);
    let whole = envelope(device.identity.device, good.clone());
    for (number, (what, bytes)) in (1..).zip(bad(&whole, stream)?) {
        let mut session = device.connect().await?;
        // The broker may take it or end the session; what counts is that it is refused and on record.
        let _ = session.publish(&device.topic(&Channel::Events), bytes).await;
        wait::until_true(&format!("{what} on record"), SOON, async || {
            Ok(server.api.audited("ingest.refused").await?.len() >= number)
        })
        .await?;
        server.ensure_running()?;
        ensure!(server.api.events().await?.is_empty(), "{what} was stored");
    }
    let mut session = device.connect().await?;
    session.subscribe(&device.topic(&Channel::EventsAck)).await?;
    session.send_events(device.root(), &good).await?;
    session.acked(2, SOON).await?;
    let sent: Vec<String> = event_ids(&good).iter().map(ToString::to_string).collect();
    ledger::exactly_once(&server.api, &device.identity.device.to_string(), &sent, SOON).await
}

/// Each with what is wrong with it.
fn bad(whole: &Envelope<EventBatch>, stream: StreamId) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let bytes = whole.encode()?;
    let mut skipping = whole.body.clone();
    skipping.events[1].seq += 1;
    let mut repeated = whole.body.clone();
    repeated.events[1].id = repeated.events[0].id;
    let large = EventBatch { stream, events: vec![visit_with_crop(1, EventBatch::MAX_BYTES + 64 * 1024)] };
    Ok(vec![
        ("an oversized message", uncapped(&Envelope { body: large, ..whole.clone() })?),
        ("a truncated message", bytes[..bytes.len() / 2].to_vec()),
        ("a message of another version", Envelope { v: 99, ..whole.clone() }.encode()?),
        ("a message that is no CBOR", b"{\"v\": 1}".to_vec()),
        ("a batch without events", Envelope { body: batch(stream, 1, 0), ..whole.clone() }.encode()?),
        ("a batch of too many events", Envelope { body: batch(stream, 1, 65), ..whole.clone() }.encode()?),
        ("a batch with a hole", Envelope { body: skipping, ..whole.clone() }.encode()?),
        ("a batch with an id twice", Envelope { body: repeated, ..whole.clone() }.encode()?),
    ])
}

/// Encodes without the cap that our own codec has.
fn uncapped(envelope: &Envelope<EventBatch>) -> Result<Vec<u8>> {
    Ok(ostiary_common::codec::to_vec("a test's message", usize::MAX, envelope)?)
}
