//! One part: asked in a task of its own, never twice at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ostiary_common::time::UnixMillis;
use tokio::sync::watch;

use super::{Check, FRESH, PartReport, Weight};
use crate::domain::health::Finding;
use crate::ports::Clock;

type Ask = Arc<dyn Fn() -> BoxFuture<'static, Finding> + Send + Sync>;

/// A part and what is known of it.
pub(super) struct Part {
    name: &'static str,
    weight: Weight,
    check: Check,
    known: Mutex<Known>,
    /// Rises with every answer.
    answers: watch::Sender<u64>,
}

struct Known {
    /// Nothing before the first answer.
    finding: Option<Finding>,
    since: UnixMillis,
    checked_at: UnixMillis,
    /// When it answered last, by the monotonic clock; nothing before the first answer.
    answered: Option<Duration>,
    /// Since when it is being asked.
    asking: Option<Duration>,
}

impl Part {
    pub(super) fn new(name: &'static str, weight: Weight, check: Check, now: UnixMillis) -> Self {
        let known = Known { finding: None, since: now, checked_at: now, answered: None, asking: None };
        Self { name, weight, check, known: Mutex::new(known), answers: watch::Sender::new(0) }
    }

    /// Has the part say how it is, unless it did lately; waits for its answer, but not for ever, and not at all for
    /// one that hangs already.
    pub(super) async fn ask(self: &Arc<Self>, clock: &Arc<dyn Clock>, patience: Duration) {
        let ask = match &self.check {
            Check::Look(look) => {
                let finding = catch_unwind(AssertUnwindSafe(|| look())).unwrap_or_else(|_| panicked());
                return self.known().learn(finding, clock.now());
            }
            Check::Task(ask) => Arc::clone(ask),
        };
        let mut answers = self.answers.subscribe();
        let now = clock.elapsed();
        let hangs = {
            let mut known = self.known();
            if known.answered.is_some_and(|answered| now.saturating_sub(answered) < FRESH) {
                return;
            }
            if known.asking.is_none() {
                known.asking = Some(now);
                tokio::spawn(Arc::clone(self).answer(ask, Arc::clone(clock)));
            }
            known.asking.is_some_and(|since| now.saturating_sub(since) >= patience)
        };
        if hangs || tokio::time::timeout(patience, answers.changed()).await.is_err() {
            let cause = format!("no answer within {patience:?}");
            let advice = "it hangs; see the log, and restart the server if it stays so";
            self.known().learn(Finding::failed(cause, advice), clock.now());
        }
    }

    async fn answer(self: Arc<Self>, ask: Ask, clock: Arc<dyn Clock>) {
        // It is called within, so that it may panic at any moment.
        let asked = AssertUnwindSafe(async { ask().await }).catch_unwind().await;
        let finding = asked.unwrap_or_else(|_| panicked());
        {
            let mut known = self.known();
            known.learn(finding, clock.now());
            known.answered = Some(clock.elapsed());
            known.asking = None;
        }
        self.answers.send_modify(|count| *count += 1);
    }

    pub(super) fn report(&self) -> PartReport {
        let known = self.known();
        PartReport {
            part: self.name,
            weight: self.weight,
            finding: known.finding.clone().unwrap_or_else(|| Finding::failed("not asked yet", "ask again")),
            since: known.since,
            checked_at: known.checked_at,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn panicked() -> Finding {
    Finding::failed("the check itself panicked", "see the log")
}

impl Known {
    fn learn(&mut self, finding: Finding, now: UnixMillis) {
        if self.finding.as_ref().is_none_or(|before| before.level != finding.level) {
            self.since = now;
        }
        self.finding = Some(finding);
        self.checked_at = now;
    }
}
