//! Items of jobs that are being done here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostiary_common::ids::PersonId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::job::{ClaimedItem, Lease};

/// What this server has leased and not ended yet.
#[derive(Default)]
pub struct UnderWay {
    items: Mutex<HashMap<Lease, Item>>,
    ended: Notify,
}

struct Item {
    person: Option<PersonId>,
    /// The lease is valid no more.
    lost: CancellationToken,
}

impl UnderWay {
    /// Notes what was leased, before any of it is begun.
    pub(super) fn leased(&self, items: &[ClaimedItem]) {
        let item = |item: &ClaimedItem| (item.lease, Item { person: item.person, lost: CancellationToken::new() });
        self.items().extend(items.iter().map(item));
    }

    /// Ends when an item's lease is lost.
    pub(super) fn lost(&self, lease: &Lease) -> CancellationToken {
        self.items().get(lease).map(|item| item.lost.clone()).unwrap_or_default()
    }

    /// Strikes what has ended, however it did.
    pub(super) fn over(&self, leases: &[Lease]) {
        let mut items = self.items();
        leases.iter().for_each(|lease| drop(items.remove(lease)));
        drop(items);
        self.ended.notify_waiters();
    }

    /// All leases.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.items().keys().copied().collect()
    }

    /// Ends what is being done with leases that are not valid any more.
    pub(super) fn let_go(&self, looked_at: &[Lease], valid: &[Lease]) {
        let items = self.items();
        for lease in looked_at.iter().filter(|lease| !valid.contains(lease)) {
            if let Some(item) = items.get(lease) {
                item.lost.cancel();
            }
        }
    }

    /// Waits until the items before this one in its job that are about the same person are over: what becomes of a photo
    /// depends on those that were given before it, and not on which of them was looked at faster. One that failed and is
    /// to be tried again is not waited for, and what is about nobody yet, as in a dry run, waits for nothing.
    pub async fn those_before(&self, item: &ClaimedItem) {
        loop {
            // Before looking, so that none ends unnoticed between.
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if !self.is_any_before(item) {
                return;
            }
            ended.await;
        }
    }

    fn is_any_before(&self, item: &ClaimedItem) -> bool {
        let (job, n) = (item.lease.job, item.lease.n);
        let is_before = |lease: &Lease| lease.job == job && lease.n < n;
        let is_person = item.person.is_some();
        is_person && self.items().iter().any(|(lease, other)| is_before(lease) && other.person == item.person)
    }

    fn items(&self) -> MutexGuard<'_, HashMap<Lease, Item>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::{JobId, JobKind};

    fn item(job: JobId, n: u64, person: PersonId) -> ClaimedItem {
        ClaimedItem {
            lease: Lease { job, n, fence: 1 },
            kind: JobKind::Photos,
            phase: 0,
            account: None,
            person: Some(person),
            parent: None,
            plan: Vec::new(),
            task: Vec::new(),
            failures: 0,
        }
    }

    #[tokio::test]
    async fn those_before_are_waited_for_and_nobody_else() {
        let (job, ada, bob) = (JobId::generate(), PersonId::generate(), PersonId::generate());
        let items = [item(job, 0, ada), item(job, 1, bob), item(job, 2, ada), item(JobId::generate(), 0, ada)];
        let under_way = UnderWay::default();
        under_way.leased(&items);
        for free in [&items[0], &items[1], &items[3]] {
            under_way.those_before(free).await;
        }
        let mut waits = Box::pin(under_way.those_before(&items[2]));
        assert!(futures_util::poll!(&mut waits).is_pending());
        under_way.over(&[items[1].lease, items[3].lease]);
        assert!(futures_util::poll!(&mut waits).is_pending());
        under_way.over(&[items[0].lease]);
        waits.await;
        let nobody = [4, 5].map(|n| ClaimedItem { person: None, ..item(job, n, ada) });
        under_way.leased(&nobody);
        under_way.those_before(&nobody[1]).await;
    }

    #[test]
    fn leases_that_are_lost_are_told() {
        let (job, ada) = (JobId::generate(), PersonId::generate());
        let items = [item(job, 0, ada), item(job, 1, ada), item(job, 2, ada)];
        let under_way = UnderWay::default();
        under_way.leased(&items[..2]);
        let looked_at = under_way.leases();
        // Leased after that: nothing is known of it.
        under_way.leased(&items[2..]);
        under_way.let_go(&looked_at, &[items[1].lease]);
        assert_eq!(items.map(|item| under_way.lost(&item.lease).is_cancelled()), [true, false, false]);
    }
}
