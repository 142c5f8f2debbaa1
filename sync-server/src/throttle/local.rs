//! Counters in this process.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::throttle::{Budget, Standing, Subject};
use crate::ports::throttle::Throttle;

type Counters = RateLimiter<Subject, DefaultKeyedStateStore<Subject>, DefaultClock, StateInformationMiddleware>;

/// Counts in memory, by budget and subject; a restart begins with full budgets.
#[derive(Default)]
pub struct LocalThrottle {
    counters: RwLock<HashMap<Budget, Arc<Counters>>>,
    clock: DefaultClock,
}

impl LocalThrottle {
    fn counters(&self, budget: &Budget) -> Arc<Counters> {
        let known = self.counters.read().unwrap_or_else(PoisonError::into_inner).get(budget).cloned();
        known.unwrap_or_else(|| {
            let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
            counters.entry(*budget).or_insert_with(|| Arc::new(self.begin(budget))).clone()
        })
    }

    fn begin(&self, budget: &Budget) -> Counters {
        let quota = Quota::with_period(budget.step()).expect("a step is longer than nothing").allow_burst(budget.burst);
        RateLimiter::new(quota, DefaultKeyedStateStore::default(), self.clock.clone())
    }

    /// The same as [`Throttle::take`], at once.
    pub fn draw(&self, budget: &Budget, subject: &Subject, count: NonZeroU32) -> Standing {
        let standing = |left: u32, wait: Option<Duration>| Standing { budget: *budget, left, wait };
        match self.counters(budget).check_key_n(subject, count) {
            Ok(Ok(state)) => standing(state.remaining_burst_capacity(), None),
            Ok(Err(until)) => standing(0, Some(until.wait_time_from(self.clock.now()))),
            // More at once than a full budget holds: never possible, so the time to fill it is as good as any.
            Err(_) => standing(0, Some(budget.refill)),
        }
    }
}

#[async_trait]
impl Throttle for LocalThrottle {
    async fn take(&self, budget: &Budget, subject: &Subject, count: NonZeroU32) -> Standing {
        self.draw(budget, subject, count)
    }

    fn forget_quiet(&self) {
        for counters in self.counters.read().unwrap_or_else(PoisonError::into_inner).values() {
            counters.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE_A_MINUTE: Budget =
        Budget { name: "three", burst: NonZeroU32::new(3).unwrap(), refill: Duration::from_secs(60) };

    #[test]
    fn lets_a_burst_through_and_tells_where_it_stands() {
        let throttle = LocalThrottle::default();
        let name = |name: &str| Subject::Network(if name == "a" { "10.0.0.1" } else { "10.0.0.2" }.parse().unwrap());
        let draw = |subject: &Subject, count: u32| {
            let standing = throttle.draw(&THREE_A_MINUTE, subject, NonZeroU32::new(count).unwrap());
            (standing.left, standing.wait.map(|wait| wait.as_secs_f64().ceil() as u64))
        };
        assert_eq!(draw(&name("a"), 1), (2, None));
        assert_eq!(draw(&name("a"), 2), (0, None));
        assert_eq!(draw(&name("a"), 1), (0, Some(20)));
        assert_eq!(draw(&name("b"), 4), (0, Some(60)), "never possible");
        assert_eq!(draw(&name("b"), 1), (2, None), "what was refused cost nothing");
        assert_eq!(THREE_A_MINUTE.full_in(1), Duration::from_secs(40));
    }
}
