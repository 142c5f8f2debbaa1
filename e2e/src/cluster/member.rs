//! A device that sends made-up visits as fast as they are acknowledged, and goes on whatever happens around it.

use std::time::Duration;

use anyhow::{Context, Result};
use ostiary_common::ids::{EventId, StreamId};
use ostiary_common::topics::Channel;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::device::{RawDevice, Session, batch, event_ids};

/// An acknowledgement that does not come within this time is not waited for: the same events are sent again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// Visits of one batch.
const TOGETHER: u64 = 3;

/// What a device did.
#[derive(Debug, Default)]
pub struct Diary {
    /// Every event it made; all of them were acknowledged.
    pub events: Vec<EventId>,
    /// How often it sent the same again.
    pub again: u32,
    /// The longest time between two acknowledgements.
    pub longest: Duration,
}

/// Sends until `end`, and until everything sent is acknowledged.
///
/// # Errors
/// If the broker does not let it in any more, or acknowledgements stay away for `patience`.
pub async fn work(device: RawDevice, end: watch::Receiver<bool>, patience: Duration) -> Result<Diary> {
    let stream = StreamId::generate();
    let (mut diary, mut next) = (Diary::default(), 1);
    let mut session = connect(&device).await?;
    let mut acked = Instant::now();
    while !*end.borrow() {
        let events = batch(stream, next, TOGETHER);
        next += TOGETHER;
        diary.events.extend(event_ids(&events));
        loop {
            let sent = async {
                session.send_events(device.root(), &events).await?;
                session.acked(next - 1, AGAIN_AFTER).await
            };
            if sent.await.is_ok() {
                break;
            }
            anyhow::ensure!(acked.elapsed() < patience, "no acknowledgement for {:?}", acked.elapsed());
            diary.again += 1;
            if session.is_over() {
                tokio::time::sleep(RECONNECT_AFTER).await;
                session = connect(&device).await?;
            }
        }
        diary.longest = diary.longest.max(acked.elapsed());
        acked = Instant::now();
    }
    Ok(diary)
}

async fn connect(device: &RawDevice) -> Result<Session> {
    let mut session = device.connect_by_certificate().await.context("connecting by certificate")?;
    session.subscribe(&device.topic(&Channel::EventsAck)).await?;
    Ok(session)
}
