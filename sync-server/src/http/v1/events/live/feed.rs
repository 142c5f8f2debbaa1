//! What a watcher is told next, whatever it is sent over.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::End;
use super::recent::Told;
use crate::domain::access::may::EventsRead;
use crate::domain::event::{EventFilter, Page};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::problem::ApiError;

/// Events read from the store at once.
const PAGE: u32 = 100;
/// How often is looked whether somebody may still watch, beside whenever accounts change.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// Commits that follow each other closer than this are told together.
const TOGETHER: Duration = Duration::from_millis(50);

/// Events above a cursor, for one who may see some of them.
pub(super) struct Feed {
    pub(super) api: Api,
    pub(super) may: May<EventsRead>,
    /// Everything up to here was told.
    pub(super) cursor: i64,
    newest: watch::Receiver<i64>,
    /// Rises when somebody's standing may have ended.
    accounts: watch::Receiver<u64>,
    renewed: Option<Instant>,
    told: Instant,
}

impl Feed {
    /// A feed from a cursor on, or from now on.
    pub(super) async fn open(api: Api, may: May<EventsRead>, after: Option<i64>) -> Result<Self, ApiError> {
        // Subscribed before the cursor is read, so that a commit between the two is seen.
        let newest = api.live.watch();
        let cursor = match after {
            Some(after) => after,
            None => api.store.newest_cursor().await?,
        };
        let accounts = api.accounts.changes.subscribe();
        Ok(Self { api, may, cursor, newest, accounts, renewed: None, told: Instant::now() })
    }

    /// The next events, none if there are no more by now. With them the cursor has risen.
    pub(super) async fn next(&mut self) -> Result<Vec<Told>, End> {
        self.renew().await?;
        let upto = *self.newest.borrow_and_update();
        self.told = Instant::now();
        if upto <= self.cursor {
            return Ok(Vec::new());
        }
        let within = &*self.api.within;
        let kept = self.api.recent.between(within, &self.may.reach, self.cursor, upto).await.map_err(failed)?;
        if let Some(events) = kept {
            self.cursor = upto;
            return Ok(events);
        }
        let page = Page::After(self.cursor);
        let events = within.events_within(&self.may.reach, &EventFilter::default(), page, PAGE).await;
        let events: Vec<Told> = events.map_err(failed)?.into_iter().map(Told::from).collect();
        let is_last = events.len() < PAGE as usize;
        let reached = events.last().map_or(self.cursor, |event| event.cursor);
        // What lies between is not within reach, and need not be looked through again.
        self.cursor = if is_last { reached.max(upto) } else { reached };
        Ok(events)
    }

    /// Whether everything known to be committed was told.
    pub(super) fn is_up_to_date(&self) -> bool {
        *self.newest.borrow() <= self.cursor
    }

    /// Waits until there may be something to tell, or to forbid. May be dropped at any time.
    pub(super) async fn changed(&mut self) -> Result<(), End> {
        if self.is_up_to_date() {
            tokio::select! {
                changed = self.newest.changed() => changed.map_err(|_| End::STOPPING)?,
                changed = self.accounts.changed() => {
                    self.renewed = None;
                    return changed.map_err(|_| End::STOPPING);
                }
            }
        }
        tokio::time::sleep_until(self.told + TOGETHER).await;
        Ok(())
    }

    /// Resolves when the token, session or key ends, or the server stops.
    pub(super) fn over(&self) -> impl Future<Output = End> + use<> {
        let left_ms = u64::try_from(self.may.caller.until.since_ms(self.api.now())).unwrap_or(0);
        let shutdown = self.api.shutdown.clone();
        async move {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left_ms)) => End::TOKEN_ENDED,
                () = shutdown.cancelled() => End::STOPPING,
            }
        }
    }

    /// Grants may have changed meanwhile, and the session may have ended.
    async fn renew(&mut self) -> Result<(), End> {
        let changed = self.accounts.has_changed().unwrap_or(true);
        if !changed && self.renewed.is_some_and(|at| at.elapsed() < RENEW_EVERY) {
            return Ok(());
        }
        self.accounts.mark_unchanged();
        self.may.renew().await.map_err(|error| match error {
            ApiError::Internal(error) => failed(error),
            _ => End::NOT_ALLOWED,
        })?;
        self.renewed = Some(Instant::now());
        Ok(())
    }
}

fn failed(error: impl std::fmt::Display) -> End {
    tracing::error!(%error, "the live feed cannot read events: {error}");
    End::FAILED
}
