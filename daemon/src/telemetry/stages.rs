//! Where the pipeline's time goes, stage by stage, as wall time of the threads that do the work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A part of the pipeline's work, in the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Sampling the luminance and comparing it with what was there before.
    Motion,
    /// From the camera's format to RGB.
    Convert,
    /// Finding faces in a whole frame.
    Detect,
    /// Telling which face is whose.
    Track,
    /// The second, close look: refine, align, judge the quality.
    Look,
    /// The cues that tell a face from its copy.
    Liveness,
    /// From the aligned chip to the embedding.
    Embed,
    /// Searching the gallery and deciding.
    Decide,
}

/// Every stage, in order.
pub const STAGES: [Stage; 8] = [
    Stage::Motion,
    Stage::Convert,
    Stage::Detect,
    Stage::Track,
    Stage::Look,
    Stage::Liveness,
    Stage::Embed,
    Stage::Decide,
];

impl Stage {
    /// Its name in metrics and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Convert => "convert",
            Self::Detect => "detect",
            Self::Track => "track",
            Self::Look => "look",
            Self::Liveness => "liveness",
            Self::Embed => "embed",
            Self::Decide => "decide",
        }
    }
}

/// What a stage took since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// How often it ran.
    pub count: u64,
    /// How long it took, all together.
    pub total: Duration,
}

#[derive(Debug, Default)]
struct Cell {
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

/// The times of all stages.
#[derive(Debug, Default)]
pub struct StageTimes([Cell; STAGES.len()]);

impl StageTimes {
    /// Does the work and notes how long it took.
    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        let cell = &self.0[stage as usize];
        cell.count.fetch_add(1, Relaxed);
        cell.nanoseconds.fetch_add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX), Relaxed);
        result
    }

    /// What a stage took since the start.
    pub fn spent(&self, stage: Stage) -> Spent {
        let cell = &self.0[stage as usize];
        Spent { count: cell.count.load(Relaxed), total: Duration::from_nanos(cell.nanoseconds.load(Relaxed)) }
    }

    /// Seconds by metric name.
    pub fn snapshot(&self) -> BTreeMap<String, f64> {
        let row = |stage: &Stage| {
            (format!("ostiary_stage_{}_seconds_total", stage.name()), self.spent(*stage).total.as_secs_f64())
        };
        STAGES.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_its_own_place() {
        let times = StageTimes::default();
        for (n, stage) in STAGES.iter().enumerate() {
            assert_eq!(*stage as usize, n);
            (0..=n).for_each(|_| times.time(*stage, || ()));
        }
        let counts: Vec<u64> = STAGES.iter().map(|stage| times.spent(*stage).count).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(times.snapshot().contains_key("ostiary_stage_embed_seconds_total"));
    }
}
