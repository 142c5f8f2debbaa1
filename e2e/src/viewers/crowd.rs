//! People before the wall: each counts what they are told, and looks at nothing but its place in the order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use ostiary_common::time::UnixMillis;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::fleet::histogram::{Histogram, Quantiles};
use crate::live::{Live, Socket};
use crate::server::Server;

/// Connections opened side by side.
const AT_ONCE: u32 = 25;
/// Every so many visits a viewer looks at the clock: reading the time of each would cost more than the visit.
const LOOKS_EVERY: u64 = 16;

/// What everybody together was told.
#[derive(Debug, Default)]
struct Tally {
    told: AtomicU64,
    doubled: AtomicU64,
    soon: Histogram,
}

/// Everybody who watches.
pub struct Crowd {
    tally: Arc<Tally>,
    viewers: JoinSet<()>,
    size: u32,
}

/// What came of it.
pub struct Told {
    /// Visits told, over all viewers.
    pub told: u64,
    /// Of these, told to somebody who knew them.
    pub doubled: u64,
    /// From the visit's time to a viewer, of some of them.
    pub soon: Quantiles,
}

impl Crowd {
    /// Connects so many.
    ///
    /// # Errors
    /// If the server refuses one.
    pub async fn gather(server: &Server, size: u32) -> Result<Self> {
        let tally = Arc::new(Tally::default());
        let mut viewers = JoinSet::new();
        let mut left = size;
        while left > 0 {
            let some = left.min(AT_ONCE);
            let opened = (0..some).map(|_| Live::connect_with(&server.api, &server.ca_pem, "cursors=true&unread=true"));
            for live in futures_util::future::join_all(opened).await {
                viewers.spawn(watch(live.context("a viewer")?.into_socket(), Arc::clone(&tally)));
            }
            left -= some;
        }
        Ok(Self { tally, viewers, size })
    }

    /// Waits until everybody was told so many visits, or it takes too long.
    pub async fn until_told(&self, events: u64, at_most: Duration) {
        let (wanted, end) = (events * u64::from(self.size), Instant::now() + at_most);
        while self.tally.told.load(Ordering::Relaxed) < wanted && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends everybody home.
    pub fn end(mut self) -> Told {
        self.viewers.abort_all();
        Told {
            told: self.tally.told.load(Ordering::Relaxed),
            doubled: self.tally.doubled.load(Ordering::Relaxed),
            soon: self.tally.soon.take(),
        }
    }
}

async fn watch(mut socket: Socket, tally: Arc<Tally>) {
    let (mut last, mut count) = (0, 0_u64);
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        // An event begins with its cursor and has an id; what else is told has neither.
        let Some(cursor) = cursor(&text).filter(|_| text.contains("\"id\":")) else { continue };
        if cursor <= last {
            tally.doubled.fetch_add(1, Ordering::Relaxed);
        }
        last = cursor;
        count += 1;
        tally.told.fetch_add(1, Ordering::Relaxed);
        if count % LOOKS_EVERY == 0
            && let Some(took) = age(&text)
        {
            tally.soon.add(took);
        }
    }
}

/// The number behind `{"cursor":`.
fn cursor(text: &str) -> Option<i64> {
    let digits = text.strip_prefix("{\"cursor\":")?;
    digits[..digits.find(|c: char| !c.is_ascii_digit())?].parse().ok()
}

/// How long ago an event happened; devices, viewers and the server have one clock here.
fn age(text: &str) -> Option<Duration> {
    let event: serde_json::Value = serde_json::from_str(text).ok()?;
    let at = UnixMillis::parse_rfc3339(event["at"].as_str()?)?;
    let ago_ms = UnixMillis::from_system_time(SystemTime::now()).0 - at.0;
    u64::try_from(ago_ms).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_begins_with_its_cursor() {
        assert_eq!(cursor("{\"cursor\":42,\"id\":\"x\"}"), Some(42));
        assert_eq!(cursor("{\"unread\":1}"), None);
        assert_eq!(cursor("{\"cursor\":}"), None);
    }
}
