//! Whether this server is the one that does what one must do for all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::domain::replica::Fence;
use crate::ports::Clock;

/// Asked before each piece of work that one server does for all.
#[derive(Clone)]
pub struct Leader(Arc<Kind>);

enum Kind {
    /// There is no other server: the store is a file of this machine, and its folder is locked.
    Alone,
    Elected {
        clock: Arc<dyn Clock>,
        term: Mutex<Option<Term>>,
    },
}

/// A lease as this server may believe in it.
#[derive(Clone, Copy)]
struct Term {
    fence: Fence,
    /// By the monotonic clock, from before the store was asked: earlier than the lease ends by the store's clock.
    until: Duration,
}

impl Leader {
    /// Of a server that is alone.
    #[must_use]
    pub fn alone() -> Self {
        Self(Arc::new(Kind::Alone))
    }

    /// Of one among others; it does not lead until it has the lease.
    pub fn elected(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Kind::Elected { clock, term: Mutex::default() }))
    }

    /// Whether this server leads now.
    #[must_use]
    pub fn leads(&self) -> bool {
        match &*self.0 {
            Kind::Alone => true,
            Kind::Elected { .. } => self.fence().is_some(),
        }
    }

    /// The fence of this server's lease; `None` if it has none, as a server that is alone.
    #[must_use]
    pub fn fence(&self) -> Option<Fence> {
        let Kind::Elected { clock, term } = &*self.0 else { return None };
        let term = *term.lock().unwrap_or_else(PoisonError::into_inner);
        term.filter(|term| clock.elapsed() < term.until).map(|term| term.fence)
    }

    /// Takes what the store answered: a lease that may be believed in until then, or none.
    pub(super) fn learn(&self, answer: Option<(Fence, Duration)>) {
        let Kind::Elected { term, .. } = &*self.0 else { return };
        let new = answer.map(|(fence, until)| Term { fence, until });
        let before = std::mem::replace(&mut *term.lock().unwrap_or_else(PoisonError::into_inner), new);
        match (before.map(|term| term.fence), new.map(|term| term.fence)) {
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
        assert_eq!(leader.fence(), Some(Fence(7)));
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
    }
}
