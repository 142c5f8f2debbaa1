//! What is true of a scene: the reference a pipeline's decisions are held against.

use serde::Serialize;

use super::{Cast, Plan, Slot, gait};
use crate::clip::{Camera, Portrait};

/// A face is usable from this width of a detector's box on, in pixels.
const USABLE_PX: f32 = 60.0;
/// A detector's box is wider than the cheekbones by this factor.
const BOX_PER_CHEEK: f32 = 1.2;

/// What is true of a scene.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// How many frames there are.
    pub frames: usize,
    /// Frames per second.
    pub fps: u32,
    /// Everything random followed from it.
    pub seed: u64,
    /// One entry for each person of each visit, in the order of their coming.
    pub visits: Vec<TruthVisit>,
}

/// One person's visit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TruthVisit {
    /// Who: a name of the gallery, or a stranger's.
    pub person: String,
    /// Whether the gallery has them.
    pub mated: bool,
    /// How the visit goes.
    pub kind: &'static str,
    /// The photo shown.
    pub photo: String,
    /// First second.
    pub begins_s: f32,
    /// Last second.
    pub ends_s: f32,
    /// From when on the face is wide enough for a match; `None` if it never is.
    pub usable_s: Option<f32>,
    /// The face at its widest, in pixels of a detector's box.
    pub widest_px: f32,
}

/// What is true of a plan.
pub fn of(cast: &Cast, plan: &Plan, camera: &Camera, frames: usize) -> Truth {
    let visit = |slot: &Slot, place: usize| {
        let (actor, shot) = (cast.actor(&slot.roles[place]), cast.shot(&slot.roles[place]));
        let widths = widths(slot, place, &shot.portrait, camera);
        TruthVisit {
            person: actor.person.clone(),
            mated: slot.roles[place].mated,
            kind: slot.kind.as_str(),
            photo: shot.photo.clone(),
            begins_s: slot.begins,
            ends_s: slot.begins + slot.seconds,
            usable_s: widths.iter().find(|(_, px)| *px >= USABLE_PX).map(|(at, _)| *at),
            widest_px: widths.iter().map(|(_, px)| *px).fold(0.0, f32::max),
        }
    };
    let visits = plan.slots.iter().flat_map(|slot| (0..slot.roles.len()).map(move |place| visit(slot, place)));
    Truth { frames, fps: camera.fps, seed: camera.seed, visits: visits.collect() }
}

/// Time and the box's width, for each frame in which the face's centre is inside.
fn widths(slot: &Slot, place: usize, portrait: &Portrait, camera: &Camera) -> Vec<(f32, f32)> {
    let fps = camera.fps as f32;
    let (first, last) = ((slot.begins * fps).ceil() as usize, ((slot.begins + slot.seconds) * fps) as usize);
    let times = (first..=last).map(|frame| frame as f32 / fps);
    let poses = times.map(|at| (at, gait::pose(slot, place, at, portrait, camera)));
    let inside = |center: [f32; 2], half: f32| (half..camera.width as f32 - half).contains(&center[0]);
    poses
        .filter(|(_, pose)| inside(pose.center, pose.face_px / 2.0))
        .map(|(at, pose)| (at, pose.face_px * BOX_PER_CHEEK))
        .collect()
}
