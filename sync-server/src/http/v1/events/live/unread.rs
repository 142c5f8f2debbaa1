//! How many notifications are new, told beside events to who wants to know.

use std::time::Duration;

use ostiary_common::ids::UserId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::access::Access;
use crate::http::api::Api;
use crate::http::notices::sight;
use crate::ports::StoreError;

/// How often is looked, whatever this process heard: another one may have told somebody something.
const EVERY: Duration = Duration::from_secs(10);

/// The count as one account knows it.
pub(super) struct Unread {
    bell: watch::Receiver<u64>,
    told: Option<u64>,
    look_at: Instant,
}

impl Unread {
    pub(super) fn new(api: &Api) -> Self {
        Self { bell: api.notices.bells.centre.subscribe(), told: None, look_at: Instant::now() }
    }

    /// Waits until the count may have changed. May be dropped at any time.
    pub(super) async fn rung(&mut self) {
        let due = tokio::time::sleep_until(self.look_at);
        tokio::select! {
            changed = self.bell.changed() => if changed.is_err() {
                std::future::pending::<()>().await;
            },
            () = due => {}
        }
    }

    /// The count, if it is another than was told last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn news(&mut self, api: &Api, who: (UserId, &Access)) -> Result<Option<u64>, StoreError> {
        self.look_at = Instant::now() + EVERY;
        let count = api.notices.store.count_unread(who.0, &sight(who.1)).await?;
        Ok((self.told.replace(count) != Some(count)).then_some(count))
    }
}
