//! The best looks of a recording, where nobody can be told anything: by quality, from as many sides as there are. Whether
//! all of them show one face is asked first ([`one_face`]).

mod one_face;

use ostiary_common::wire::Angle;

use self::one_face::of_one_face;
use super::hold::shot;
use super::{Glance, GuideRules, Seen, Shot, fit};
use crate::embed::Embedding;
use crate::quality::FaceQuality;

/// A look beside one that was picked is worth less the nearer it is in pose, up to this many degrees.
const NEW_POSE_DEG: f32 = 12.0;
/// What a look from a new side is worth, in quality.
const SPREAD_WORTH: f32 = 0.2;

/// What was picked, best first.
#[derive(Clone, Debug)]
pub struct Picked<P> {
    /// The looks.
    pub shots: Vec<Shot<P>>,
    /// How many frames showed one face well enough.
    pub usable: usize,
}

/// Why nothing was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpicked {
    /// No frame shows a face.
    NoFace,
    /// Frames show more than one face that could be meant, or first one and then another.
    SeveralFaces,
    /// No frame is good enough; this is what the best of them lacked.
    NotGoodEnough {
        /// What to tell the person.
        hint: &'static str,
    },
}

/// Picks at most `most` looks of one face, two of a side at most, and at least a frontal one.
///
/// # Errors
/// [`Unpicked`].
pub fn pick<P>(frames: Vec<Seen<P>>, rules: &GuideRules, most: usize) -> Result<Picked<P>, Unpicked> {
    let (mut crowded, mut best_flawed, mut good) = (0_usize, None::<FaceQuality>, Vec::new());
    for seen in frames {
        match seen {
            Seen::Nobody => {}
            Seen::Several(_) => crowded += 1,
            Seen::One(glance) => match (fit::flaw(&glance.quality, &rules.gate), glance.embedding.clone()) {
                (None, Some(embedding)) => good.push((*glance, embedding)),
                _ if best_flawed.is_none_or(|best| best.overall < glance.quality.overall) => {
                    best_flawed = Some(glance.quality);
                }
                _ => {}
            },
        }
    }
    let usable = good.len();
    if crowded > usable {
        return Err(Unpicked::SeveralFaces);
    }
    let one = of_one_face(good, rules)?;
    let shots = spread(one, rules, most);
    if !shots.is_empty() {
        return Ok(Picked { shots, usable });
    }
    Err(match best_flawed {
        Some(quality) => {
            let hint =
                fit::flaw(&quality, &rules.gate).map_or("Look straight at the camera.", |flaw| quality.hint(flaw));
            Unpicked::NotGoodEnough { hint }
        }
        None if usable > 0 => Unpicked::NotGoodEnough { hint: "Look straight at the camera." },
        None => Unpicked::NoFace,
    })
}

/// The best by quality and by how far each is from those picked before; the front first.
fn spread<P>(looks: Vec<(Glance<P>, Embedding)>, rules: &GuideRules, most: usize) -> Vec<Shot<P>> {
    let shown = |(glance, embedding): (Glance<P>, Embedding)| {
        let angle = fit::shown(&glance.quality.head).filter(|angle| rules.angles.contains(angle))?;
        Some(shot(angle, glance, embedding))
    };
    let mut left: Vec<Shot<P>> = looks.into_iter().filter_map(shown).collect();
    let mut picked: Vec<Shot<P>> = Vec::new();
    while picked.len() < most {
        let open = |shot: &Shot<P>| {
            let of_side = picked.iter().filter(|other| other.angle == shot.angle).count();
            if picked.is_empty() { shot.angle == Angle::Frontal } else { of_side < 2 }
        };
        let nearest = |shot: &Shot<P>| picked.iter().map(|o| turn(shot, o)).fold(NEW_POSE_DEG, f32::min);
        // A side not seen yet is worth more than any second look at one that was.
        let is_new = |shot: &Shot<P>| picked.iter().all(|other| other.angle != shot.angle);
        let worth = |shot: &Shot<P>| {
            let spread = SPREAD_WORTH * nearest(shot) / NEW_POSE_DEG;
            quality_facing(&shot.quality) + spread + f32::from(u8::from(is_new(shot)))
        };
        // A second look from nearly the same place adds nothing.
        let candidates = (0..left.len()).filter(|n| open(&left[*n]) && nearest(&left[*n]) >= NEW_POSE_DEG / 3.0);
        let Some(best) = candidates.max_by(|a, b| worth(&left[*a]).total_cmp(&worth(&left[*b]))) else { break };
        let shot = left.swap_remove(best);
        picked.push(shot);
    }
    picked
}

/// Quality without what the pose takes away.
fn quality_facing(quality: &FaceQuality) -> f32 {
    quality.overall / quality.pose.max(1e-3).powf(0.25)
}

fn turn<P>(a: &Shot<P>, b: &Shot<P>) -> f32 {
    (a.quality.head.yaw - b.quality.head.yaw).hypot(a.quality.head.pitch - b.quality.head.pitch)
}
