//! The one table of what is measured on a face: name, unit, range, limit and what a person can do about it.
//! The same table, in words, is `docs/quality.md`.

use std::fmt;

use super::{FaceQuality, QualityGate, SIZE_PX, pose};

/// Entropy that a usefully lit face has, in bits: below, tones run together.
const LEAST_DYNAMIC_RANGE: f32 = 4.5;
/// Overlap of the two sides' histograms: below, the light comes from one side.
const LEAST_UNIFORMITY: f32 = 0.25;
/// The distance between the eyes is at least this share of the width of a face's box.
const EYES_PER_FACE: f32 = 0.3;

/// What a component must keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Not less.
    AtLeast(f32),
    /// Not further from 0.
    Within(f32),
    /// Not more.
    AtMost(f32),
    /// Exactly.
    Exactly(f32),
}

/// One thing measured on a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// Stable, as in ISO/IEC 29794-5 where it has the component.
    pub name: &'static str,
    /// What was measured.
    pub value: f32,
    /// `1` for a score or share from 0 to 1, else `px`, `deg`, `bit`.
    pub unit: &'static str,
    /// Least and largest possible value.
    pub range: (f32, f32),
    /// What it must keep to.
    pub threshold: Limit,
    /// Whether it does.
    pub ok: bool,
    /// Whether a face that does not is refused; of the others only the hint is given.
    pub decides: bool,
    /// What to do about it, for the person in front of the camera.
    pub hint: &'static str,
}

impl Limit {
    /// Whether `value` keeps to the limit.
    #[must_use]
    pub fn holds(&self, value: f32) -> bool {
        match *self {
            Self::AtLeast(least) => value >= least,
            Self::Within(most) => value.abs() <= most,
            Self::AtMost(most) => value <= most,
            Self::Exactly(wanted) => (value - wanted).abs() < 1e-6,
        }
    }
}

impl Component {
    /// How many faces a photo shows; one is wanted.
    #[must_use]
    pub fn single_face(found: usize) -> Self {
        let hint = if found == 0 { "Show your face to the camera." } else { "One person only, please." };
        let row = Row { name: "single_face", unit: "1", range: (0.0, 1000.0), decides: true, hint };
        row.of(found as f32, Limit::Exactly(1.0))
    }
}

impl fmt::Display for Component {
    /// `yaw 23.5 deg (-90 to 90, within 25): ok`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.unit == "1" { String::new() } else { format!(" {}", self.unit) };
        let (low, high) = self.range;
        write!(f, "{} {:.2}{unit} ({low} to {high}, {}): ", self.name, self.value, self.threshold)?;
        f.write_str(if self.ok { "ok" } else { self.hint })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(value) => write!(f, "at least {value:.2}"),
            Self::Within(value) => write!(f, "within {value:.2}"),
            Self::AtMost(value) => write!(f, "at most {value:.2}"),
            Self::Exactly(value) => write!(f, "exactly {value}"),
        }
    }
}

/// A row of the table without what a face brings.
struct Row {
    name: &'static str,
    unit: &'static str,
    range: (f32, f32),
    decides: bool,
    hint: &'static str,
}

impl Row {
    fn of(self, value: f32, threshold: Limit) -> Component {
        let Self { name, unit, range, decides, hint } = self;
        Component { name, value, unit, range, threshold, ok: threshold.holds(value), decides, hint }
    }
}

/// The table, filled in for a face; what could not be measured is left out.
pub(super) fn rows(face: &FaceQuality, gate: &QualityGate) -> impl Iterator<Item = Component> + use<> {
    let score = |name, decides, hint| Row { name, unit: "1", range: (0.0, 1.0), decides, hint };
    let degrees = |name, hint| Row { name, unit: "deg", range: (-90.0, 90.0), decides: false, hint };
    let pixels = |name, decides| Row { name, unit: "px", range: (0.0, 4096.0), decides, hint: super::COME_CLOSER };
    let head = face.head;
    // Clipped pixels count double in `exposure`, hence the same bound on the share of either end.
    let unclipped = Limit::AtLeast(f32::midpoint(1.0, gate.min_exposure));
    let cover = Limit::AtLeast(gate.min_unoccluded);
    let all = [
        Some(score("unified", true, super::LOOK_AT_CAMERA).of(face.overall, Limit::AtLeast(gate.min_overall))),
        Some(score("sharpness", true, super::HOLD_STILL).of(face.sharpness, Limit::AtLeast(gate.min_sharpness))),
        Some(score("exposure", true, face.exposure_hint()).of(face.exposure, Limit::AtLeast(gate.min_exposure))),
        Some(score("under_exposure", false, super::TOO_DARK).of(face.under_exposure, unclipped)),
        Some(score("over_exposure", false, super::TOO_BRIGHT).of(face.over_exposure, unclipped)),
        Some(
            score("illumination_uniformity", false, "The light comes from one side: face it.")
                .of(face.illumination_uniformity, Limit::AtLeast(LEAST_UNIFORMITY)),
        ),
        Some(
            Row { name: "dynamic_range", unit: "bit", range: (0.0, 8.0), decides: false, hint: super::TOO_DARK }
                .of(face.dynamic_range, Limit::AtLeast(LEAST_DYNAMIC_RANGE)),
        ),
        Some(score("head_pose", true, head.hint()).of(face.pose, Limit::AtLeast(gate.min_pose))),
        Some(degrees("yaw", head.yaw_hint()).of(head.yaw, Limit::Within(pose::YAW.bound(gate.min_pose)))),
        Some(degrees("pitch", head.pitch_hint()).of(head.pitch, Limit::Within(pose::PITCH.bound(gate.min_pose)))),
        Some(degrees("roll", head.roll_hint()).of(head.roll, Limit::Within(pose::ROLL.bound(gate.min_pose)))),
        Some(pixels("head_size", true).of(face.face_px, Limit::AtLeast(gate.min_face_px))),
        Some(
            pixels("inter_eye_distance", false)
                .of(face.inter_eye_px, Limit::AtLeast(EYES_PER_FACE * gate.min_face_px.max(SIZE_PX.0))),
        ),
        face.eyes_visible.map(|value| score("eyes_visible", true, "Take off dark glasses.").of(value, cover)),
        face.mouth_visible.map(|value| score("mouth_visible", true, "Uncover your mouth and nose.").of(value, cover)),
        Some(score("cut_off", true, super::STEP_INTO_PICTURE).of(face.cut_off, Limit::AtMost(super::MOST_CUT_OFF))),
    ];
    all.into_iter().flatten()
}
