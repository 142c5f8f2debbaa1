//! Whether the good looks of a recording show one face.
//!
//! From look to look alone cannot tell: turned far enough, two persons can resemble each other more than either their own
//! front, and one look after the other would lead over from the one to the other. So each look must also resemble the
//! centre, the best look from the front, as much as a turned head of the same person does. What that comes to on labelled
//! photos and on drawn heads stands in `docs/performance.md`.

use super::super::{Glance, GuideRules, fit};
use super::Unpicked;
use crate::embed::Embedding;
use ostiary_common::wire::Angle;

/// Nothing can be picked while so much of the good looks shows somebody else, 0 to 1: few are borne, for a net may err.
const MOST_STRANGE: f32 = 0.1;
/// Up to so many degrees from the centre a look must resemble it as one that comes again must; from the second on as one of
/// a face that never left the picture; in between, in between.
const TURNS: (f32, f32) = (12.0, 32.0);

/// A good look.
pub(super) type Look<P> = (Glance<P>, Embedding);

/// Those that show the face of the best look from the front, or of the best one if none is from there.
///
/// # Errors
/// [`Unpicked::SeveralFaces`].
pub(super) fn of_one_face<P>(good: Vec<Look<P>>, rules: &GuideRules) -> Result<Vec<Look<P>>, Unpicked> {
    let all = good.len();
    let Some(centre) = centre(&good) else { return Ok(good) };
    let resembles: Vec<bool> =
        good.iter().map(|look| look.1.similarity(&good[centre].1) >= least(&good[centre], look, rules)).collect();
    // From look to look: a side resembles its neighbour more than the front. Each one admitted admits others.
    let mut admitted = vec![false; all];
    let mut fresh = vec![centre];
    admitted[centre] = true;
    while let Some(from) = fresh.pop() {
        for other in 0..all {
            let links = !admitted[other] && good[from].1.similarity(&good[other].1) >= rules.same_face_again;
            if links && resembles[other] {
                admitted[other] = true;
                fresh.push(other);
            }
        }
    }
    let one: Vec<_> = good.into_iter().zip(admitted).filter(|(_, is_same)| *is_same).map(|(look, _)| look).collect();
    let strange = (all - one.len()) as f32 / all as f32;
    if strange > MOST_STRANGE { Err(Unpicked::SeveralFaces) } else { Ok(one) }
}

/// The best look from the front; of all, if none is.
fn centre<P>(good: &[Look<P>]) -> Option<usize> {
    let best = |of: &dyn Fn(&Glance<P>) -> bool| {
        let looks = (0..good.len()).filter(|n| of(&good[*n].0));
        looks.max_by(|a, b| good[*a].0.quality.overall.total_cmp(&good[*b].0.quality.overall))
    };
    best(&|glance| fit::shown(&glance.quality.head) == Some(Angle::Frontal)).or_else(|| best(&|_| true))
}

/// How alike a look must be to the centre, for how far it is turned from it.
fn least<P>(centre: &Look<P>, look: &Look<P>, rules: &GuideRules) -> f32 {
    let (a, b) = (&centre.0.quality.head, &look.0.quality.head);
    let turn = (a.yaw - b.yaw).hypot(a.pitch - b.pitch);
    let share = ((turn - TURNS.0) / (TURNS.1 - TURNS.0)).clamp(0.0, 1.0);
    (rules.same_face - rules.same_face_again).mul_add(share, rules.same_face_again)
}
