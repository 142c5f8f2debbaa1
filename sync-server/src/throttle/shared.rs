//! Counters of several servers together, and in this process while those cannot be reached.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;

use super::LocalThrottle;
use crate::domain::throttle::{Budget, Standing, Subject};
use crate::ports::hub::SharedCounters;
use crate::ports::throttle::Throttle;

/// Counts together where it can.
pub struct SharedThrottle {
    counters: Arc<dyn SharedCounters>,
    /// Begins with full budgets each time the others are lost: a flood gets one burst more for each server.
    alone: LocalThrottle,
}

impl SharedThrottle {
    /// Over these counters.
    pub fn new(counters: Arc<dyn SharedCounters>) -> Self {
        Self { counters, alone: LocalThrottle::default() }
    }
}

#[async_trait]
impl Throttle for SharedThrottle {
    async fn take(&self, budget: &Budget, subject: &Subject, count: NonZeroU32) -> Standing {
        if count > budget.burst {
            // More at once than a full budget holds: never possible, so the time to fill it is as good as any.
            return Standing { budget: *budget, left: 0, wait: Some(budget.refill) };
        }
        let key = format!("{}:{subject}", budget.name);
        match self.counters.draw(&key, budget.step(), budget.refill, count.get()).await {
            Some(drawn) => Standing { budget: *budget, left: drawn.left, wait: drawn.wait },
            None => self.alone.draw(budget, subject, count),
        }
    }

    fn forget_quiet(&self) {
        self.alone.forget_quiet();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::ports::hub::Drawn;

    const TWO: Budget = Budget { name: "two", burst: NonZeroU32::new(2).unwrap(), refill: Duration::from_secs(60) };

    #[derive(Default)]
    struct Counters {
        answer: Mutex<Option<Drawn>>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl SharedCounters for Counters {
        async fn draw(&self, key: &str, step: Duration, refill: Duration, count: u32) -> Option<Drawn> {
            self.asked.lock().unwrap().push(format!("{key} {} {} {count}", step.as_secs(), refill.as_secs()));
            *self.answer.lock().unwrap()
        }
    }

    #[tokio::test]
    async fn counts_alone_while_the_others_cannot_be_reached() {
        let counters = Arc::new(Counters::default());
        let throttle = SharedThrottle::new(counters.clone());
        let subject = Subject::Network(Ipv4Addr::LOCALHOST.into());
        let take = async |count: u32| {
            let standing = throttle.take(&TWO, &subject, NonZeroU32::new(count).unwrap()).await;
            (standing.left, standing.wait.is_some())
        };
        *counters.answer.lock().unwrap() = Some(Drawn { left: 0, wait: Some(Duration::from_secs(9)) });
        assert_eq!(take(1).await, (0, true), "what the others say");
        *counters.answer.lock().unwrap() = None;
        assert_eq!([take(1).await, take(1).await, take(1).await], [(1, false), (0, false), (0, true)]);
        assert_eq!(take(3).await, (0, true), "never possible");
        assert_eq!(counters.asked.lock().unwrap()[0], "two:net:127.0.0.1 30 60 1");
        assert_eq!(counters.asked.lock().unwrap().len(), 4, "what is never possible is not asked");
    }
}
