//! Small changes of many callers in one commit, because each commit waits for the disk once.
//!
//! Whoever comes leaves the change here and waits for a turn at the database. Who gets the turn makes all changes that
//! wait by then, in the order they came, and answers everybody.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use sqlx::AnyConnection;
use tokio::sync::oneshot;

use super::SqlStore;
use super::again::again;
use crate::ports::StoreError;

/// Changes made in one commit at most, so that a commit of events behind them does not wait long.
const TOGETHER: usize = 512;

type Answer = Result<bool, StoreError>;
type Doing<'c> = Pin<Box<dyn Future<Output = Answer> + Send + 'c>>;
/// Can be made again, if the commit was broken off.
type Change = Box<dyn for<'c> Fn(&'c mut AnyConnection) -> Doing<'c> + Send + Sync>;

/// Changes that wait for their commit.
#[derive(Default)]
pub(super) struct SmallChanges {
    waiting: Mutex<Vec<(Change, oneshot::Sender<Answer>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl SqlStore {
    /// Makes a change and returns what it says, once it is committed.
    pub(super) async fn small(
        &self,
        change: impl for<'c> Fn(&'c mut AnyConnection) -> Doing<'c> + Send + Sync + 'static,
    ) -> Answer {
        let (answer, mut answered) = oneshot::channel();
        self.small.lock().push((Box::new(change), answer));
        loop {
            let turn = self.small.turn.lock().await;
            match answered.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Empty) => self.make_waiting().await,
                Err(oneshot::error::TryRecvError::Closed) => return Err(cut_short()),
            }
            drop(turn);
        }
    }

    async fn make_waiting(&self) {
        let together: Vec<_> = {
            let mut waiting = self.small.lock();
            let count = waiting.len().min(TOGETHER);
            waiting.drain(..count).collect()
        };
        let (changes, owners): (Vec<_>, Vec<_>) = together.into_iter().unzip();
        let answers: Vec<Answer> = match again(|| self.commit_together(&changes)).await {
            Ok(made) => made.into_iter().map(Ok).collect(),
            Err(error) => {
                let reason = error.to_string();
                owners.iter().map(|_| Err(StoreError::Database(reason.clone().into()))).collect()
            }
        };
        for (owner, answer) in owners.into_iter().zip(answers) {
            // Nobody waits any more for a change whose caller was cancelled.
            let _ = owner.send(answer);
        }
    }

    async fn commit_together(&self, changes: &[Change]) -> Result<Vec<bool>, StoreError> {
        let mut tx = self.begin().await?;
        let mut made = Vec::with_capacity(changes.len());
        for change in changes {
            made.push(change(&mut tx).await?);
        }
        tx.commit().await?;
        Ok(made)
    }
}

impl SmallChanges {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Change, oneshot::Sender<Answer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who made the changes was cancelled in the middle; nothing was committed.
fn cut_short() -> StoreError {
    StoreError::Database("the commit was cut short".into())
}
