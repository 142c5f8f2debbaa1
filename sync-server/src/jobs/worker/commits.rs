//! Ends of items that come while another commit waits for the disk are committed together, after it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::domain::job::{Lease, Settlement};
use crate::jobs::Jobs;
use crate::ports::StoreError;
use crate::ports::jobs::SettledOrNot;

/// Items ended in one commit at most (a group that came together is not taken apart), so that other writers wait no
/// longer than for some events.
const TOGETHER: usize = 64;

/// What a group of items comes to, and who waits for the answer.
struct Waiting {
    ends: Vec<(Lease, Settlement)>,
    answer: oneshot::Sender<Vec<SettledOrNot>>,
}

/// Ends that wait for their commit.
pub(super) struct Commits {
    jobs: Arc<Jobs>,
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

impl Commits {
    pub(super) fn new(jobs: Arc<Jobs>) -> Self {
        Self { jobs, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Ends items, with whatever else waits by then; answers in their order, once it is committed.
    pub(super) async fn end(&self, ends: Vec<(Lease, Settlement)>) -> Vec<SettledOrNot> {
        let count = ends.len();
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { ends, answer });
        loop {
            let _turn = self.turn.lock().await;
            match answered.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Empty) => self.commit_waiting().await,
                // Whoever had them was dropped in the middle: nothing was committed, or nobody can tell.
                Err(oneshot::error::TryRecvError::Closed) => return (0..count).map(|_| Err(cut_short())).collect(),
            }
        }
    }

    async fn commit_waiting(&self) {
        let (mut ends, mut owners) = (Vec::new(), Vec::new());
        for group in self.next_groups() {
            owners.push((group.ends.len(), group.answer));
            ends.extend(group.ends);
        }
        let mut settled = self.jobs.store.settle_items(&ends, self.jobs.keep, self.jobs.clock.now()).await.into_iter();
        for (count, answer) in owners {
            let _ = answer.send(settled.by_ref().take(count).collect());
        }
    }

    fn next_groups(&self) -> Vec<Waiting> {
        let (mut waiting, mut items) = (self.waiting(), 0);
        let fits = |group: &&Waiting| {
            let is_first = items == 0;
            items += group.ends.len();
            is_first || items <= TOGETHER
        };
        let groups = waiting.iter().take_while(fits).count();
        waiting.drain(..groups).collect()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut_short() -> StoreError {
    StoreError::Database("the commit was cut short".into())
}
