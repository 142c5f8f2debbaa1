//! Removes what is older than it may be, kind by kind, in small turns that let others write in between.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::domain::audit::AuditNote;
use crate::domain::recognition::Change;
use crate::domain::retention::{DataKind, Held, Removed, Retention, day_of};
use crate::ledger::{Ledger, VerifyError};
use crate::ports::retention::RetentionStore;
use crate::ports::talk::TalkStore;
use crate::ports::{Clock, Store, StoreError};
use crate::talk;

/// How often old data is looked for.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// The first time after a start: whoever has just taken up a new version can still set how long things are kept.
const FIRST_AFTER: Duration = Duration::from_secs(10 * 60);
/// How often it is looked whether somebody wishes for it now.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// So much is removed in one transaction: a few milliseconds.
const AT_ONCE: u32 = 500;
/// Between two turns others write.
const PAUSE: Duration = Duration::from_millis(20);

/// The settings' name in the store.
pub const SETTING: &str = "retention";
/// The name in the store of the last wish for a round before the next: whichever server leads hears of it there.
const WISH: &str = "retention.wish";

/// Why old data could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RetainError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The audit log could not be cut.
    #[error(transparent)]
    Audit(#[from] VerifyError),
}

/// Removes what is old, and knows what was and what is due.
pub struct Retainer {
    /// What is removed.
    pub kept: Arc<dyn RetentionStore>,
    /// The settings.
    pub store: Arc<dyn Store>,
    /// Conversations, whose time depends on their site.
    pub talk: Arc<dyn TalkStore>,
    /// Cuts the audit log.
    pub ledger: Arc<Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A kind, how long it is kept, and what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindReport {
    /// What.
    pub kind: DataKind,
    /// Days; `None` for good.
    pub days: Option<u32>,
    /// What there is.
    pub held: Held,
    /// What was removed lately, the newest day first.
    pub removed: Vec<Removed>,
}

impl Retainer {
    /// Works until the end; `done` hears of every round.
    pub async fn run(self: Arc<Self>, done: impl Fn(Result<(), String>), shutdown: CancellationToken) {
        let mut due = Instant::now() + FIRST_AFTER;
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was wished for before the start is done with the first round.
        let mut heard = None;
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let wished = self.wished().await.or(heard);
            let now = heard.is_some() && wished != heard;
            heard = wished;
            if !now && Instant::now() < due {
                continue;
            }
            due = Instant::now() + EVERY;
            if !self.ledger.leader.leads() {
                done(Ok(()));
                continue;
            }
            let Some(swept) = shutdown.run_until_cancelled(self.sweep()).await else { return };
            if let Err(error) = &swept {
                tracing::error!(%error, "old data could not be removed: {error}");
            }
            done(swept.map(drop).map_err(|error| error.to_string()));
        }
    }

    /// Has what is due removed within seconds instead of within the hour, by whichever server leads.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn wish(&self, note: &AuditNote) -> Result<(), StoreError> {
        let change = Change { expected: None, now: self.clock.now() };
        self.store.put_setting(WISH, "{}", change, note).await.map(drop)
    }

    /// Which wish is the last; `None` if the store does not say.
    async fn wished(&self) -> Option<u64> {
        let set = self.store.setting(WISH).await.ok()?;
        Some(set.map_or(0, |set| set.version))
    }

    /// How long each kind is kept, and the version of that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settings(&self) -> Result<(Retention, u64), StoreError> {
        let conversations = Some(talk::settings::load(&*self.store).await?.0.keep_days);
        let default = Retention { audit: self.ledger.configured_days(), conversations, ..Retention::default() };
        let Some(set) = self.store.setting(SETTING).await? else { return Ok((default, 0)) };
        let corrupt = |reason: String| StoreError::Corrupt { what: "retention settings", reason };
        let json: serde_json::Value = serde_json::from_str(&set.value).map_err(|e| corrupt(e.to_string()))?;
        let days = |kind: DataKind| {
            let value = json.get(format!("{}_days", kind.as_str()));
            match value {
                None => default.days(kind),
                Some(value) => value.as_u64().and_then(|days| u32::try_from(days).ok()),
            }
        };
        let retention = Retention {
            events: days(DataKind::Events),
            pictures: days(DataKind::Pictures),
            strangers: days(DataKind::Strangers),
            audit: days(DataKind::Audit),
            errors: days(DataKind::Errors),
            consents: days(DataKind::Consents),
            conversations,
        };
        Ok((retention, set.version))
    }

    /// Removes everything that is due now; returns how much of each kind.
    ///
    /// # Errors
    /// [`RetainError`]; what was not removed is the next time.
    pub async fn sweep(&self) -> Result<Vec<(DataKind, u64)>, RetainError> {
        let (retention, _) = self.settings().await?;
        let now = self.clock.now();
        let mut swept = Vec::new();
        for kind in DataKind::ALL {
            let Some(before) = retention.limit(kind, now) else { continue };
            let count = match kind {
                DataKind::Audit => self.cut_audit(before, now).await?,
                DataKind::Conversations => self.end_conversations(now).await?,
                _ => self.remove(kind, before, now).await?,
            };
            if count > 0 {
                tracing::info!("{count} {} were old enough and are removed", kind.as_str());
                metrics::counter!("ostiary_server_retention_removed_total", "kind" => kind.as_str()).increment(count);
            }
            swept.push((kind, count));
        }
        Ok(swept)
    }

    async fn remove(&self, kind: DataKind, before: UnixMillis, now: UnixMillis) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            let removed = self.kept.remove_old(kind, before, AT_ONCE, now).await?;
            all += removed;
            if removed < u64::from(AT_ONCE) {
                return Ok(all);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Site by site, and never what is held.
    async fn end_conversations(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let (set, _) = talk::settings::load(&*self.store).await?;
        let gone = talk::settings::sweep(&*self.talk, &set, now).await?;
        self.kept.note_removed(DataKind::Conversations, gone, now).await?;
        Ok(gone)
    }

    async fn cut_audit(&self, before: UnixMillis, now: UnixMillis) -> Result<u64, RetainError> {
        let gone = self.ledger.cut_before(before).await?;
        self.kept.note_removed(DataKind::Audit, gone, now).await?;
        Ok(gone)
    }

    /// What there is of each kind, what is due, and what was removed in the last `days` days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn report(&self, days: u32) -> Result<Vec<KindReport>, StoreError> {
        let (retention, _) = self.settings().await?;
        let now = self.clock.now();
        let removed = self.kept.removed_since(day_of(now) - i64::from(days) + 1).await?;
        let mut report = Vec::with_capacity(DataKind::ALL.len());
        for kind in DataKind::ALL {
            let mut held = self.kept.held(kind, retention.limit(kind, now)).await?;
            if kind == DataKind::Conversations {
                let (set, _) = talk::settings::load(&*self.store).await?;
                held.due = talk::settings::due(&*self.talk, &set, now).await?;
            }
            let removed = removed.iter().filter(|removed| removed.kind == kind).copied().collect();
            report.push(KindReport { kind, days: retention.days(kind), held, removed });
        }
        Ok(report)
    }
}
