//! Who somebody is by what he shows, remembered for seconds, so that a request costs the store nothing.
//!
//! What is remembered holds as long as nothing changed that could change anybody's standing: every such change, made
//! here or heard of from another server, makes all of it worthless at once ([`Accounts::changed`](super::Accounts)).
//! Changes are rare, and reading again is cheap. What was read while something changed is not kept either.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use ostiary_common::time::UnixMillis;
use tokio::sync::watch;

use super::sessions::Via;
use crate::domain::account::{ApiKeyId, SessionId, Standing};
use crate::ports::accounts::Hash;

/// A session that is used is noted in the store now and then; what is remembered must not hide it for long.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// The least used go beyond it. Each takes some hundred bytes.
const KEPT_AT_MOST: u64 = 50_000;

/// What somebody shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shown {
    Session(SessionId),
    Cookie(Hash),
    Key(Hash),
    KeyById(ApiKeyId),
}

/// The state of all accounts that something was read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Generation {
    changes: u64,
    doubts: u64,
}

#[derive(Clone)]
struct Kept {
    standing: Standing,
    via: Via,
    read_in: Generation,
}

/// What is remembered.
pub struct Standings {
    kept: Cache<Shown, Kept>,
    changes: watch::Receiver<u64>,
    doubts: AtomicU64,
}

impl Standings {
    /// Nothing yet; `changes` rises with everything that may change somebody's standing.
    pub fn new(changes: watch::Receiver<u64>) -> Self {
        let kept = Cache::builder().max_capacity(KEPT_AT_MOST).time_to_live(KEPT_FOR).build();
        Self { kept, changes, doubts: AtomicU64::new(0) }
    }

    /// Forgets everything, because nobody knows what other servers changed.
    pub fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::SeqCst);
    }

    fn generation(&self) -> Generation {
        Generation { changes: *self.changes.borrow(), doubts: self.doubts.load(Ordering::SeqCst) }
    }

    /// Who shows this, as remembered or else as `read`.
    pub(super) async fn of<E>(
        &self,
        shown: Shown,
        now: UnixMillis,
        read: impl Future<Output = Result<Option<(Via, Standing)>, E>>,
    ) -> Result<Option<(Via, Standing)>, E> {
        let generation = self.generation();
        let kept = self.kept.get(&shown).await;
        if let Some(kept) = kept.filter(|kept| kept.read_in == generation && now < kept.standing.until) {
            return Ok(Some((kept.via, kept.standing)));
        }
        let found = read.await?;
        if let Some((via, standing)) = &found {
            let kept = Kept { standing: standing.clone(), via: via.clone(), read_in: generation };
            self.kept.insert(shown, kept).await;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use ostiary_common::ids::UserId;

    use super::*;
    use crate::domain::access::Access;
    use crate::domain::account::Kind;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn standing() -> Standing {
        Standing {
            account: UserId(uuid::Uuid::nil()),
            kind: Kind::Person,
            access: Access::new(Vec::new()),
            until: NOW.plus(Duration::from_secs(60)),
        }
    }

    #[tokio::test]
    async fn nothing_outlives_a_change_a_doubt_or_its_end() {
        let (changes, seen) = watch::channel(0);
        let standings = Standings::new(seen);
        let session = SessionId::generate();
        let reads = AtomicU64::new(0);
        let ask = async |now: UnixMillis| {
            let read = async {
                reads.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Infallible>(Some((Via::Bearer(session), standing())))
            };
            standings.of(Shown::Session(session), now, read).await.unwrap().unwrap();
            reads.load(Ordering::SeqCst)
        };
        assert_eq!([ask(NOW).await, ask(NOW).await], [1, 1]);
        changes.send_modify(|count| *count += 1);
        assert_eq!([ask(NOW).await, ask(NOW).await], [2, 2]);
        standings.doubt();
        assert_eq!(ask(NOW).await, 3);
        assert_eq!(ask(NOW.plus(Duration::from_secs(60))).await, 4, "it has ended");
    }

    #[tokio::test]
    async fn what_was_read_while_something_changed_is_not_kept() {
        let (changes, seen) = watch::channel(0);
        let standings = Standings::new(seen);
        let shown = Shown::Session(SessionId::generate());
        let via = Via::Bearer(SessionId::generate());
        let read = async {
            changes.send_modify(|count| *count += 1);
            Ok::<_, Infallible>(Some((via.clone(), standing())))
        };
        standings.of(shown.clone(), NOW, read).await.unwrap();
        let again = standings.of(shown, NOW, async { Ok::<_, Infallible>(None) }).await.unwrap();
        assert!(again.is_none(), "asked anew");
    }
}
