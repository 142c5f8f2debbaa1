//! From what was seen to one score: each cue takes its share away.

use ostiary_common::wire::SpoofCue;

/// A cue weaker than this is not named.
const WORTH_NAMING: f32 = 0.25;

/// How strongly each cue speaks against a live face, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    pub(super) model: f32,
    pub(super) moire: f32,
    pub(super) frame: f32,
    pub(super) rigid: f32,
    pub(super) still: f32,
}

impl Evidence {
    /// The share that no cue takes away, and the cue that takes most. Cues that say the same in other ways do
    /// not add up to more than certainty.
    pub(super) fn score(&self) -> (f32, Option<SpoofCue>) {
        let rows = self.rows();
        let score = rows.iter().map(|(strength, _)| 1.0 - strength.clamp(0.0, 1.0)).product();
        let strongest = rows.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
        (score, strongest.filter(|(strength, _)| *strength >= WORTH_NAMING).map(|(_, cue)| cue))
    }

    pub(super) const fn rows(&self) -> [(f32, SpoofCue); 5] {
        [
            (self.model, SpoofCue::Model),
            (self.moire, SpoofCue::Moire),
            (self.frame, SpoofCue::Frame),
            (self.rigid, SpoofCue::Rigid),
            (self.still, SpoofCue::Still),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_take_away_and_the_strongest_is_named() {
        let check = |evidence: Evidence, score: f32, cue: Option<SpoofCue>| {
            let found = evidence.score();
            assert!((found.0 - score).abs() < 1e-6 && found.1 == cue, "{evidence:?}: {found:?}");
        };
        check(Evidence::default(), 1.0, None);
        check(Evidence { moire: 0.2, ..Evidence::default() }, 0.8, None);
        check(Evidence { moire: 0.5, rigid: 0.6, ..Evidence::default() }, 0.2, Some(SpoofCue::Rigid));
        check(Evidence { still: 1.0, model: 0.9, ..Evidence::default() }, 0.0, Some(SpoofCue::Still));
        check(Evidence { frame: 2.0, rigid: -1.0, ..Evidence::default() }, 0.0, Some(SpoofCue::Frame));
    }
}
