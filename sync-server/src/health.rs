//! How each part of the server is, and since when.
//!
//! [`Monitor`] asks every part, each in a task of its own, and keeps what it said. Who wants to know is answered from
//! that, after a short wait at most: a part that hangs is reported as failed and holds up nobody, and however many ask,
//! a part is asked once every `FRESH`; what is only looked at is looked at anew.

pub mod jobs;
mod part;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;

use self::part::Part;
use crate::domain::health::{Finding, Level};
use crate::ports::Clock;

/// What a part said is good for this long.
const FRESH: Duration = Duration::from_secs(2);
/// A part that says nothing for this long does not work.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer waits for parts that are being asked.
const ANSWER_WITHIN: Duration = Duration::from_millis(3_500);
/// How often parts are asked when nobody wants to know, so that "since when" is true.
const EVERY: Duration = Duration::from_secs(15);

/// How one part is asked.
#[derive(Clone)]
pub enum Check {
    /// By looking, which neither waits nor costs anything: always anew.
    Look(Arc<dyn Fn() -> Finding + Send + Sync>),
    /// By something that may take its time.
    Task(Arc<dyn Fn() -> BoxFuture<'static, Finding> + Send + Sync>),
}

/// Asks the parts, and remembers.
pub struct Monitor {
    parts: Vec<Arc<Part>>,
    clock: Arc<dyn Clock>,
    /// How long a part may take to say how it is.
    patience: Duration,
}

/// What a part is to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Without it the server is of no use: not ready.
    Essential,
    /// Whoever asks whether the server is ready is told, but it is ready all the same.
    Told,
    /// For those who run the server.
    Inner,
}

/// How one part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartReport {
    /// Its name.
    pub part: &'static str,
    /// What it is to the whole.
    pub weight: Weight,
    /// What was found.
    pub finding: Finding,
    /// Since when it is on this level.
    pub since: UnixMillis,
    /// When it was asked last.
    pub checked_at: UnixMillis,
}

impl Monitor {
    /// Without parts.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { parts: Vec::new(), clock, patience: CHECK_TIMEOUT }
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, name: &'static str, weight: Weight, check: Check) -> Self {
        self.parts.push(Arc::new(Part::new(name, weight, check, self.clock.now())));
        self
    }

    /// How every part is, in the order they were added; asks those not asked lately.
    pub async fn report(&self) -> Vec<PartReport> {
        let asked = join_all(self.parts.iter().map(|part| part.ask(&self.clock, self.patience)));
        // Those that have not answered by then are told as they are known.
        let _ = tokio::time::timeout(ANSWER_WITHIN, asked).await;
        self.parts.iter().map(|part| part.report()).collect()
    }

    /// How every part was when it was last asked, without asking.
    pub fn last(&self) -> Vec<PartReport> {
        self.parts.iter().map(|part| part.report()).collect()
    }

    /// Asks now and then, and keeps the metrics, until `shutdown`.
    pub async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            self.report().await.iter().for_each(measure);
        }
    }
}

/// The worst level of all; [`Level::Ok`] of none.
pub fn worst(reports: &[PartReport]) -> Level {
    reports.iter().map(|report| report.finding.level).max().unwrap_or(Level::Ok)
}

fn measure(report: &PartReport) {
    for level in Level::ALL {
        let is = if report.finding.level == level { 1.0 } else { 0.0 };
        metrics::gauge!("ostiary_server_part_state", "part" => report.part, "state" => level.as_str()).set(is);
    }
}

/// A check that needs no waiting.
pub fn at_once(look: impl Fn() -> Finding + Send + Sync + 'static) -> Check {
    Check::Look(Arc::new(look))
}

/// A check that waits for something.
pub fn waiting<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Check
where
    F: Future<Output = Finding> + Send + 'static,
{
    Check::Task(Arc::new(move || Box::pin(ask())))
}

/// A check that may block; it runs on a thread of its own.
pub fn blocking(ask: impl Fn() -> Finding + Send + Sync + 'static) -> Check {
    let ask = Arc::new(ask);
    waiting(move || {
        let ask = Arc::clone(&ask);
        async move {
            let asked = tokio::task::spawn_blocking(move || ask()).await;
            asked.unwrap_or_else(|_| Finding::failed("the check itself failed", "see the log"))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

    use super::*;

    struct Now(AtomicU32);

    impl Clock for Now {
        fn now(&self) -> UnixMillis {
            UnixMillis(i64::from(self.0.load(Ordering::SeqCst)) * 1000)
        }
        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::SeqCst).into())
        }
    }

    fn clock() -> Arc<Now> {
        Arc::new(Now(AtomicU32::new(1_000)))
    }

    fn failing() -> Finding {
        Finding::failed("it broke", "mend it")
    }

    #[tokio::test]
    async fn says_since_when_and_asks_no_more_than_needed() {
        let (clock, broken, asked) = (clock(), Arc::new(AtomicU32::new(0)), Arc::new(AtomicUsize::new(0)));
        let (is_broken, count) = (broken.clone(), asked.clone());
        let check = waiting(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let finding = if is_broken.load(Ordering::SeqCst) == 0 { Finding::ok() } else { failing() };
            async move { finding }
        });
        let monitor = Monitor::new(clock.clone()).part("disk", Weight::Essential, check);
        let look = async |at: u32| {
            clock.0.store(at, Ordering::SeqCst);
            let report = monitor.report().await.remove(0);
            (report.finding.level, report.since.0 / 1000)
        };
        assert_eq!(look(1_000).await, (Level::Ok, 1_000));
        assert_eq!(look(1_001).await, (Level::Ok, 1_000));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "fresh enough");
        broken.store(1, Ordering::SeqCst);
        assert_eq!(look(1_010).await, (Level::Failed, 1_010));
        assert_eq!(look(1_020).await, (Level::Failed, 1_010));
        broken.store(0, Ordering::SeqCst);
        assert_eq!(look(1_030).await, (Level::Ok, 1_030));
        assert_eq!(asked.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_part_that_hangs_holds_up_nobody_and_is_asked_once() {
        let (clock, asked) = (clock(), Arc::new(AtomicUsize::new(0)));
        let count = asked.clone();
        let stuck = waiting(move || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending()
        });
        let mut monitor = Monitor::new(clock.clone());
        monitor.patience = Duration::from_millis(50);
        let monitor = monitor.part("stuck", Weight::Essential, stuck);
        let monitor = monitor.part("fine", Weight::Inner, at_once(Finding::ok));
        let reports = monitor.report().await;
        assert_eq!(worst(&reports), Level::Failed);
        assert!(reports[0].finding.cause.contains("no answer"), "{:?}", reports[0].finding);
        assert_eq!(reports[1].finding.level, Level::Ok);
        clock.0.store(2_000, Ordering::SeqCst);
        assert_eq!(worst(&monitor.report().await), Level::Failed);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_check_that_panics_is_a_part_that_fails() {
        let odd = || -> Finding { panic!("unthought of") };
        for check in [at_once(odd), waiting(move || async move { odd() }), blocking(odd)] {
            let monitor = Monitor::new(clock()).part("odd", Weight::Inner, check);
            assert_eq!(worst(&monitor.report().await), Level::Failed);
        }
    }
}
