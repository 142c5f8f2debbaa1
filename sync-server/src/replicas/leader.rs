//! Whether this server is the one that does what one must do for all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::replica::{Fence, ReplicaId, Term};
use crate::ports::Clock;

/// Asked before each piece of work that one server does for all.
#[derive(Clone)]
pub struct Leader(Arc<Post>);

struct Post {
    kind: Kind,
    /// The term begun last; work that waits for it begins at once.
    begun: watch::Sender<Option<Term>>,
}

enum Kind {
    /// There is no other server: the store is a file of this machine, and its folder is locked.
    Alone(Term),
    Elected {
        clock: Arc<dyn Clock>,
        lease: Mutex<Option<Lease>>,
    },
}

/// A lease as this server may believe in it.
#[derive(Clone, Copy)]
struct Lease {
    fence: Fence,
    /// By the monotonic clock, from before the store was asked: earlier than the lease ends by the store's clock.
    until: Duration,
}

impl Leader {
    /// Of a server that is alone.
    #[must_use]
    pub fn alone() -> Self {
        let term = Term::alone(ReplicaId::generate());
        Self(Arc::new(Post { kind: Kind::Alone(term), begun: watch::Sender::new(Some(term)) }))
    }

    /// Of one among others; it does not lead until it has the lease.
    pub fn elected(clock: Arc<dyn Clock>) -> Self {
        let kind = Kind::Elected { clock, lease: Mutex::default() };
        Self(Arc::new(Post { kind, begun: watch::Sender::new(None) }))
    }

    /// Whether this server leads now.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.term().is_some()
    }

    /// The term that goes on now, if this server leads. What was taken up under another one is nobody's any more.
    #[must_use]
    pub fn term(&self) -> Option<Term> {
        match &self.0.kind {
            Kind::Alone(term) => Some(*term),
            Kind::Elected { .. } => self.fence().map(Term::elected),
        }
    }

    /// The fence of this server's lease; `None` if it has none, as a server that is alone.
    #[must_use]
    pub fn fence(&self) -> Option<Fence> {
        let Kind::Elected { clock, lease } = &self.0.kind else { return None };
        let lease = *lease.lock().unwrap_or_else(PoisonError::into_inner);
        lease.filter(|lease| clock.elapsed() < lease.until).map(|lease| lease.fence)
    }

    /// Changes when a term of this server begins or ends.
    #[must_use]
    pub fn terms(&self) -> watch::Receiver<Option<Term>> {
        self.0.begun.subscribe()
    }

    /// Takes what the store answered: a lease that may be believed in until then, or none.
    pub(super) fn learn(&self, answer: Option<(Fence, Duration)>) {
        let Kind::Elected { lease, .. } = &self.0.kind else { return };
        let new = answer.map(|(fence, until)| Lease { fence, until });
        let before = std::mem::replace(&mut *lease.lock().unwrap_or_else(PoisonError::into_inner), new);
        let (before, new) = (before.map(|lease| lease.fence), new.map(|lease| lease.fence));
        if before != new {
            self.0.begun.send_replace(new.map(Term::elected));
        }
        match (before, new) {
            (before, Some(fence)) if before != Some(fence) => {
                tracing::info!(fence = fence.0, "this server leads from now on, term {}", fence.0);
            }
            (Some(_), None) => tracing::info!("this server does not lead any more"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use ostiary_common::time::UnixMillis;

    use super::*;

    #[derive(Default)]
    struct Seconds(AtomicU64);

    impl Clock for Seconds {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn leads_no_longer_than_its_lease_whether_the_store_answers_or_not() {
        let clock = Arc::new(Seconds::default());
        let leader = Leader::elected(clock.clone());
        assert!(!leader.leads());
        leader.learn(Some((Fence(7), Duration::from_secs(5))));
        assert_eq!(leader.term(), Some(Term::elected(Fence(7))));
        clock.0.store(5, Ordering::SeqCst);
        assert!(!leader.leads(), "nobody answered since");
        leader.learn(Some((Fence(8), Duration::from_secs(9))));
        assert_eq!(leader.fence(), Some(Fence(8)));
        leader.learn(None);
        assert!(!leader.leads());
    }

    #[test]
    fn who_is_alone_leads() {
        assert!(Leader::alone().leads());
        assert_eq!(Leader::alone().fence(), None);
        assert_ne!(Leader::alone().term(), Leader::alone().term(), "another run, another term");
    }

    #[test]
    fn whoever_waits_hears_of_a_new_term_once() {
        let leader = Leader::elected(Arc::new(Seconds::default()));
        let mut terms = leader.terms();
        let mut check = |answer: Option<i64>, heard: bool| {
            leader.learn(answer.map(|fence| (Fence(fence), Duration::from_secs(5))));
            assert_eq!(terms.has_changed().unwrap(), heard, "{answer:?}");
            let _ = terms.borrow_and_update();
        };
        check(None, false);
        check(Some(3), true);
        check(Some(3), false);
        check(None, true);
        check(Some(4), true);
    }
}
