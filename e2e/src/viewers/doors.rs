//! Doors that visits come from: devices that send what they see ten times a second, and wait for each word of the server.

use std::time::Duration;

use anyhow::Result;
use ostiary_common::ids::StreamId;
use ostiary_common::topics::Channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::device::{RawDevice, Session, batch};
use crate::server::Server;

/// Batches a second of a device.
const BATCHES: u32 = 10;
/// How long the server may take to store one.
const STORED: Duration = Duration::from_secs(30);

/// Devices, connected.
pub struct Doors(Vec<Door>);

struct Door {
    device: RawDevice,
    session: Session,
    stream: StreamId,
    next: u64,
}

impl Doors {
    /// Claims so many devices, each at a door of its own.
    ///
    /// # Errors
    /// If one is refused.
    pub async fn open(server: &Server, count: u32) -> Result<Self> {
        let mut doors = Vec::new();
        for number in 0..count {
            let invited = server.add_device("Station", &format!("Door {number}"), &format!("Camera {number}"))?;
            let device = RawDevice::claim_by_code(&server.api, server.endpoints.mqtts.clone(), invited.code).await?;
            let mut session = device.connect().await?;
            session.subscribe(&device.topic(&Channel::EventsAck)).await?;
            doors.push(Door { device, session, stream: StreamId::generate(), next: 1 });
        }
        Ok(Self(doors))
    }

    /// Has visits pass at `rate` a second over all doors for a while; how many were stored.
    ///
    /// # Errors
    /// If one is not.
    pub async fn let_pass(&mut self, rate: u32, time: Duration) -> Result<u64> {
        let doors = std::mem::take(&mut self.0);
        let each = u64::from(rate / (BATCHES * doors.len().max(1) as u32)).max(1);
        let mut passing = JoinSet::new();
        for door in doors {
            passing.spawn(door.let_pass(each, time));
        }
        let mut stored = 0;
        while let Some(passed) = passing.join_next().await {
            let (door, events) = passed??;
            stored += events;
            self.0.push(door);
        }
        Ok(stored)
    }
}

impl Door {
    async fn let_pass(mut self, each: u64, time: Duration) -> Result<(Self, u64)> {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / BATCHES);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (end, begun) = (Instant::now() + time, self.next);
        while Instant::now() < end {
            tick.tick().await;
            let visits = batch(self.stream, self.next, each);
            self.session.send_events(self.device.root(), &visits).await?;
            self.next += each;
            self.session.acked(self.next - 1, STORED).await?;
        }
        let passed = self.next - begun;
        Ok((self, passed))
    }
}
