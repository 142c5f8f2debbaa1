//! What an account is told without a rule, because it is about itself: it was mentioned, or somebody wants to see
//! whether its messages arrive.

use std::sync::Arc;

use ostiary_common::ids::UserId;

use super::{Bells, NotifyStore};
use crate::domain::notify::{Notice, Signal};
use crate::ports::notify::{Delivery, Reason, Recipient};
use crate::ports::{Clock, StoreError};

/// Tells single accounts.
pub struct Direct {
    /// Where it is written.
    pub store: Arc<dyn NotifyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Told when something is to be sent.
    pub bells: Bells,
}

impl Direct {
    /// Tells an account of something.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell(&self, account: UserId, signal: &Signal, reason: Reason) -> Result<(), StoreError> {
        let notice = Notice::direct(signal);
        let has_email = self.store.account(account).await?.is_some_and(|account| account.email.is_some());
        let has_push = !self.store.pushes_of(account).await?.is_empty();
        let ways = [(has_email, Recipient::Account(account)), (has_push, Recipient::Push(account))];
        let ways = ways.into_iter().filter(|(has, _)| *has);
        let deliveries: Vec<Delivery> =
            ways.map(|(_, to)| Delivery::new(Some(notice.id), to, reason, self.clock.now())).collect();
        self.store.tell_directly(&notice, account, &deliveries).await?;
        self.bells.ring();
        Ok(())
    }
}
