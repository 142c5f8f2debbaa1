//! Who was here just now: the same face that comes back within a few seconds belongs to the visit before.

use std::time::Duration;

use ostiary_common::wire::OutcomeKind;
use ostiary_models::embed::Embedding;

use super::visit::Verdict;

/// Visits kept, at most.
const REMEMBERED: usize = 16;

struct Past {
    verdict: Verdict,
    last_seen: Duration,
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

    /// A decided track was last seen at `last_seen`.
    pub fn left(&mut self, verdict: Verdict, last_seen: Duration) {
        if self.window.is_zero() || verdict.outcome == OutcomeKind::Unusable {
            return;
        }
        if self.past.len() == REMEMBERED {
            self.past.remove(0);
        }
        self.past.push(Past { verdict, last_seen });
    }

    /// Whether `verdict`, of a track that began at its `began`, only says what the visit before said.
    pub fn is_repeat(&mut self, verdict: &Verdict) -> bool {
        let window = self.window;
        self.past.retain(|past| verdict.began.saturating_sub(past.last_seen) <= window);
        self.past.iter().any(|past| same(&past.verdict, verdict))
    }
}

/// The same person; or twice unknown with faces that would match each other.
fn same(before: &Verdict, now: &Verdict) -> bool {
    match (before.outcome, now.outcome) {
        (OutcomeKind::Match, OutcomeKind::Match) => {
            before.matched.map(|candidate| candidate.person) == now.matched.map(|candidate| candidate.person)
        }
        (OutcomeKind::Unknown, OutcomeKind::Unknown) => match (&before.fused, &now.fused) {
            (Some(a), Some(b)) => Embedding::similarity(a, b) >= now.rule.threshold,
            _ => false,
        },
        _ => false,
    }
}
