//! Work that recurs, and whether it still does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::health::Finding;
use crate::ports::Clock;

/// A job may be late by this, whatever its pace.
const LATE: Duration = Duration::from_secs(60);

/// What recurring jobs say of themselves.
pub struct Jobs {
    clock: Arc<dyn Clock>,
    known: Mutex<Vec<Job>>,
}

struct Job {
    name: &'static str,
    every: Duration,
    succeeded: Duration,
    fault: Option<String>,
}

impl Jobs {
    /// None yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: Mutex::default() }
    }

    /// Notes how a run of a job ended that is done `every` so often.
    pub fn ran(&self, name: &'static str, every: Duration, result: Result<(), String>) {
        let now = self.clock.elapsed();
        let mut known = self.known();
        let index = known.iter().position(|job| job.name == name).unwrap_or_else(|| {
            known.push(Job { name, every, succeeded: now, fault: None });
            known.len() - 1
        });
        if result.is_ok() {
            known[index].succeeded = now;
        }
        known[index].fault = result.err();
    }

    /// Whether all of them do what they are there for.
    pub fn finding(&self) -> Finding {
        let now = self.clock.elapsed();
        let advice = "see the log; restart the server if it stays so";
        self.known().iter().fold(Finding::ok(), |worst, job| {
            let late = now.saturating_sub(job.succeeded);
            let overdue = late > job.every * 3 + LATE;
            let found = match (&job.fault, overdue) {
                (None, false) => Finding::ok(),
                (Some(fault), false) => Finding::degraded(format!("{} failed: {fault}", job.name), advice),
                (fault, true) => {
                    let why = fault.as_deref().unwrap_or("it hangs");
                    Finding::failed(format!("{} was not done for {} s: {why}", job.name, late.as_secs()), advice)
                }
            };
            worst.or_worse(found)
        })
    }

    fn known(&self) -> MutexGuard<'_, Vec<Job>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use ostiary_common::time::UnixMillis;

    use super::*;
    use crate::domain::health::Level;

    #[derive(Default)]
    struct Now(AtomicU64);

    impl Clock for Now {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn a_job_that_fails_is_told_and_one_that_hangs_too() {
        let clock = Arc::new(Now::default());
        let jobs = Jobs::new(clock.clone());
        let check = |at: u64, expected: Level| {
            clock.0.store(at, Ordering::SeqCst);
            assert_eq!(jobs.finding().level, expected, "at {at}");
        };
        let minute = Duration::from_secs(60);
        check(0, Level::Ok);
        jobs.ran("sweep", minute, Ok(()));
        check(240, Level::Ok);
        check(241, Level::Failed);
        jobs.ran("sweep", minute, Err("disk full".into()));
        check(242, Level::Failed);
        jobs.ran("sweep", minute, Ok(()));
        check(243, Level::Ok);
        jobs.ran("sweep", minute, Err("disk full".into()));
        check(244, Level::Degraded);
    }
}
