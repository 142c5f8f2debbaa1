//! Refusals that belong in the audit log, held back where they come as a flood.
//!
//! A client that is refused a thousand times a second must leave a trace, but must not fill the disk with it:
//! per actor and action a few lines a minute are written, the rest is counted, and the count stands in the next
//! line.

mod tally;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::tally::Tally;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::ports::{AuditStore, Clock};

/// Lines waiting for the writer. When it is full, lines are counted as lost: an audit of refusals must not hold
/// up the broker.
const QUEUE_LINES: usize = 1024;
/// Lines per actor and action.
const PER_KEY: Quota = per_minute(10);
/// Lines of everybody together.
const ALL: Quota = per_minute(1200);
/// Actors and actions remembered; beyond that the quiet ones are forgotten.
const MAX_KEYS: usize = 4096;
/// Longest text taken from a client, in characters.
const MAX_TEXT_CHARS: usize = 200;
/// How often counts of held back lines are written when nothing else comes.
const FLUSH_EVERY: Duration = Duration::from_secs(60);

const fn per_minute(lines: u32) -> Quota {
    match NonZeroU32::new(lines) {
        Some(lines) => Quota::per_minute(lines),
        None => panic!("a quota is above zero"),
    }
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who, for example `device:<id>` or `anonymous`.
    pub actor: String,
    /// What, for example `mqtt.publish`.
    pub action: &'static str,
    /// On what, for example a topic.
    pub target: String,
    /// From where: an address, or empty.
    pub source: String,
    /// Why, in words.
    pub detail: String,
}

type Key = (String, &'static str, String);

/// Takes refusals from anywhere without blocking.
pub struct RefusalLog {
    lines: mpsc::Sender<AuditEntry>,
    per_key: DefaultKeyedRateLimiter<Key>,
    all: DefaultDirectRateLimiter,
    held_back: Mutex<HashMap<Key, u64>>,
    tally: Tally,
    clock: Arc<dyn Clock>,
}

/// Writes what [`RefusalLog`] lets through.
pub struct RefusalWriter {
    lines: mpsc::Receiver<AuditEntry>,
    log: Arc<RefusalLog>,
    store: Arc<dyn AuditStore>,
}

/// A log and the writer that must run for its lines to reach `store`.
pub fn refusal_log(store: Arc<dyn AuditStore>, clock: Arc<dyn Clock>) -> (Arc<RefusalLog>, RefusalWriter) {
    let (sender, lines) = mpsc::channel(QUEUE_LINES);
    let log = Arc::new(RefusalLog {
        lines: sender,
        per_key: RateLimiter::keyed(PER_KEY),
        all: RateLimiter::direct(ALL),
        held_back: Mutex::new(HashMap::new()),
        tally: Tally::default(),
        clock,
    });
    (log.clone(), RefusalWriter { lines, log, store })
}

impl RefusalLog {
    /// Notes a refusal: written soon, or counted if there are too many.
    pub fn refuse(&self, refusal: Refusal) {
        metrics::counter!("ostiary_server_refusals_total", "action" => refusal.action).increment(1);
        self.tally.count(self.clock.elapsed());
        let refusal = Refusal { target: printable(&refusal.target), detail: printable(&refusal.detail), ..refusal };
        // An unknown client chooses its own id, so strangers are told apart by where they come from.
        let key = (refusal.actor.clone(), refusal.action, host(&refusal.source).to_owned());
        if self.per_key.check_key(&key).is_err() || self.all.check().is_err() {
            self.hold_back(key);
            return;
        }
        let more = self.take_held_back(&key);
        self.write(refusal, more);
    }

    /// How many refusals there were within the last minute, written or not.
    pub fn within_a_minute(&self) -> u64 {
        self.tally.within_a_minute(self.clock.elapsed())
    }

    fn hold_back(&self, key: Key) {
        let mut held_back = self.held_back.lock().unwrap_or_else(PoisonError::into_inner);
        if held_back.len() < MAX_KEYS || held_back.contains_key(&key) {
            *held_back.entry(key).or_default() += 1;
        }
    }

    fn take_held_back(&self, key: &Key) -> u64 {
        self.held_back.lock().unwrap_or_else(PoisonError::into_inner).remove(key).unwrap_or(0)
    }

    fn write(&self, refusal: Refusal, more: u64) {
        let detail = if more > 0 { format!("{} (and {more} more like it)", refusal.detail) } else { refusal.detail };
        let entry = AuditEntry {
            at: self.clock.now(),
            actor: refusal.actor,
            action: refusal.action.to_owned(),
            target: refusal.target,
            source: refusal.source,
            result: AuditResult::Refused,
            detail,
        };
        if self.lines.try_send(entry).is_err() {
            metrics::counter!("ostiary_server_audit_lines_lost_total").increment(1);
        }
    }

    /// Writes the counts of floods that ended, and forgets who has been quiet.
    fn flush(&self) {
        let ended: Vec<(Key, u64)> = self.held_back.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        for ((actor, action, source), more) in ended {
            let detail = format!("{more} more refusals, not written one by one");
            self.write(Refusal { actor, action, target: String::new(), source, detail }, 0);
        }
        self.per_key.retain_recent();
    }
}

impl RefusalWriter {
    /// Writes lines until `shutdown`, then what is still queued.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        loop {
            tokio::select! {
                Some(entry) = self.lines.recv() => self.write(&entry).await,
                _ = flush.tick() => self.log.flush(),
                () = shutdown.cancelled() => break,
            }
        }
        self.log.flush();
        while let Ok(entry) = self.lines.try_recv() {
            self.write(&entry).await;
        }
    }

    async fn write(&self, entry: &AuditEntry) {
        tracing::warn!(actor = %entry.actor, action = %entry.action, target = %entry.target, source = %entry.source,
            "refused {}: {}", entry.action, entry.detail);
        if let Err(error) = self.store.audit(entry).await {
            metrics::counter!("ostiary_server_audit_lines_lost_total").increment(1);
            tracing::error!(%error, action = %entry.action, "an audit line could not be written");
        }
    }
}

/// What a client sent, cut and cleaned so that it cannot forge a line.
fn printable(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// An address without its port, which changes with every connection.
fn host(source: &str) -> &str {
    source.rsplit_once(':').map_or(source, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use ostiary_common::time::UnixMillis;

    use super::*;
    use crate::ports::StoreError;

    #[derive(Default)]
    struct Lines(Mutex<Vec<AuditEntry>>);

    #[async_trait::async_trait]
    impl AuditStore for Lines {
        async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(entry.clone());
            Ok(())
        }
    }

    struct Zero;
    impl Clock for Zero {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }
    }

    fn refusal(actor: &str, source: &str) -> Refusal {
        Refusal {
            actor: actor.into(),
            action: "mqtt.publish",
            target: "a\nb".into(),
            source: source.into(),
            detail: "no".into(),
        }
    }

    async fn written(refusals: Vec<Refusal>) -> Vec<AuditEntry> {
        let lines = Arc::new(Lines::default());
        let (log, writer) = refusal_log(lines.clone(), Arc::new(Zero));
        refusals.into_iter().for_each(|refusal| log.refuse(refusal));
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        writer.run(shutdown).await;
        lines.0.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn a_flood_leaves_a_few_lines_and_the_count() {
        let lines = written((0..500).map(|port| refusal("anonymous", &format!("10.0.0.1:{port}"))).collect()).await;
        assert_eq!(lines.len(), 11, "ten lines and one with the rest");
        assert_eq!(lines[10].detail, "490 more refusals, not written one by one");
        assert_eq!(lines[0].target, "a\u{FFFD}b");
    }

    #[tokio::test]
    async fn a_flood_of_one_does_not_hide_another() {
        let mut refusals = vec![refusal("device:a", "10.0.0.1:1"); 100];
        refusals.push(refusal("device:b", "10.0.0.2:1"));
        let lines = written(refusals).await;
        assert!(lines.iter().any(|line| line.actor == "device:b"));
    }
}
