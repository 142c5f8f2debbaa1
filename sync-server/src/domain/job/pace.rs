//! How long a job will take.

use std::time::Duration;

use ostiary_common::time::UnixMillis;

use super::{Job, JobState};

/// Fewer items say nothing of the pace.
const FEWEST: u64 = 3;

/// How long it will go on, by the pace since it began or went on; `None` while that is not known.
#[must_use]
pub fn left(job: &Job, now: UnixMillis) -> Option<Duration> {
    let (since, from) = job.paced.filter(|_| job.state == JobState::Ready)?;
    let (ended, left) = (job.counts.ended().saturating_sub(from), job.counts.left());
    let passed_ms = u64::try_from(now.since_ms(since)).ok()?;
    if ended < FEWEST {
        return None;
    }
    let left_ms = u128::from(passed_ms) * u128::from(left) / u128::from(ended);
    Some(Duration::from_millis(u64::try_from(left_ms).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::super::{Counts, JobId, JobKind};
    use super::*;

    fn check(state: JobState, done: u64, paced: Option<(i64, u64)>, now: i64, expected: Option<u64>) {
        let job = Job {
            id: JobId::generate(),
            kind: JobKind::Import,
            state,
            account: None,
            person: None,
            node: String::new(),
            plan: Vec::new(),
            counts: Counts { items: 100, done, refused: 0, dead: 0 },
            phase: None,
            created_at: UnixMillis(0),
            began_at: None,
            ended_at: None,
            keep_until: None,
            paced: paced.map(|(at, from)| (UnixMillis(at), from)),
        };
        assert_eq!(left(&job, UnixMillis(now)), expected.map(Duration::from_millis), "{done} at {now}");
    }

    #[test]
    fn follows_the_pace_since_it_went_on() {
        check(JobState::Ready, 0, None, 1_000, None);
        check(JobState::Ready, 2, Some((0, 0)), 1_000, None);
        check(JobState::Ready, 10, Some((0, 0)), 1_000, Some(9_000));
        check(JobState::Ready, 60, Some((5_000, 50)), 6_000, Some(4_000));
        check(JobState::Paused, 60, Some((5_000, 50)), 6_000, None);
        check(JobState::Ready, 60, Some((5_000, 50)), 4_000, None);
    }
}
