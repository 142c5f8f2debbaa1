//! Who was here just now: the same face that comes back within a few seconds belongs to the visit before.

use std::time::Duration;

use ostiary_common::wire::OutcomeKind;
use ostiary_models::embed::Embedding;
use ostiary_models::geometry::Rect;

use super::visit::Verdict;

/// Visits kept, at most.
const REMEMBERED: usize = 16;
/// A face that appears where one has just been, and is gone before it can be judged, is the same one turning
/// away: it is not reported a second time.
const CONTINUES_WITHIN: Duration = Duration::from_millis(1500);
/// How near that is, in widths of the larger face.
const CONTINUES_NEAR: f32 = 2.5;

struct Past {
    verdict: Verdict,
    last_seen: Duration,
    place: Rect,
}

/// The visits of the last seconds.
pub struct Reentry {
    window: Duration,
    past: Vec<Past>,
}

impl Reentry {
    /// Remembers visits for `window` after their track was last seen; zero switches this off.
    pub const fn new(window: Duration) -> Self {
        Self { window, past: Vec::new() }
    }

    /// A decided track was last seen at `last_seen` in `place`.
    pub fn left(&mut self, verdict: Verdict, last_seen: Duration, place: Rect) {
        if self.past.len() == REMEMBERED {
            self.past.remove(0);
        }
        self.past.push(Past { verdict, last_seen, place });
    }

    /// Whether `verdict`, of a track that began in `place` at its `began`, only says what the visit before said.
    pub fn is_repeat(&mut self, verdict: &Verdict, place: &Rect) -> bool {
        let kept = self.window.max(CONTINUES_WITHIN);
        self.past.retain(|past| verdict.began.saturating_sub(past.last_seen) <= kept);
        self.past.iter().any(|past| {
            let away = verdict.began.saturating_sub(past.last_seen);
            if verdict.outcome == OutcomeKind::Unusable {
                // Another flaw than the one before is worth an event of its own.
                let is_news = past.verdict.outcome == OutcomeKind::Unusable && past.verdict.reason != verdict.reason;
                away <= CONTINUES_WITHIN && is_near(&past.place, place) && !is_news
            } else {
                !self.window.is_zero() && away <= self.window && is_same(&past.verdict, verdict)
            }
        })
    }
}

/// Whether two verdicts name the same person; or are twice of strangers whose faces would match each other.
pub fn is_same(before: &Verdict, now: &Verdict) -> bool {
    let alike = || match (&before.fused, &now.fused) {
        (Some(a), Some(b)) => Embedding::similarity(a, b) >= now.rule.threshold,
        _ => false,
    };
    match (before.outcome, now.outcome) {
        (OutcomeKind::Match, OutcomeKind::Match) => {
            before.matched.map(|candidate| candidate.person) == now.matched.map(|candidate| candidate.person)
        }
        (OutcomeKind::Unknown, OutcomeKind::Unknown) | (OutcomeKind::SpoofSuspected, OutcomeKind::SpoofSuspected) => {
            alike()
        }
        _ => false,
    }
}

fn is_near(before: &Rect, now: &Rect) -> bool {
    before.centre().distance(now.centre()) <= CONTINUES_NEAR * before.width.max(now.width)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ostiary_models::decide::Rule;
    use ostiary_models::quality::FaceQuality;

    /// A stranger whose track began at `began_s`, with a face at this angle in the plane of all faces.
    pub(crate) fn stranger(began_s: u64, angle: f32) -> Verdict {
        Verdict {
            outcome: OutcomeKind::Unknown,
            matched: None,
            nearest: None,
            reason: None,
            rule: Rule { threshold: 0.9, margin: 0.02 },
            best: FaceQuality::default(),
            frames: 5,
            embeddings: 3,
            liveness: None,
            fused: Embedding::from_raw(vec![angle.cos(), angle.sin()]).ok(),
            began: Duration::from_secs(began_s),
        }
    }

    fn place(x: f32) -> Rect {
        Rect { left: x, top: 100.0, width: 80.0, height: 80.0 }
    }

    #[test]
    fn a_stranger_who_comes_back_soon_is_the_same_visit() {
        let check = |window_s, began_s, angle, expected| {
            let mut reentry = Reentry::new(Duration::from_secs(window_s));
            reentry.left(stranger(0, 0.0), Duration::from_secs(10), place(0.0));
            let found = reentry.is_repeat(&stranger(began_s, angle), &place(500.0));
            assert_eq!(found, expected, "window {window_s} s, back at {began_s} s, turned by {angle}");
        };
        check(5, 12, 0.1, true);
        check(5, 15, 0.1, true);
        check(5, 16, 0.1, false);
        check(5, 12, 1.0, false);
        check(0, 10, 0.0, false);
    }
}
