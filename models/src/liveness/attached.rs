//! Do the lines around a face move with it? A sheet's and a screen's do, a door's frame does not.

use super::border::{Border, SIDES};
use super::moved::Range;
use super::ramp;
use crate::detect::DetectedFace;

/// A line must be seen in this share of the looks.
const SEEN: (f32, f32) = (0.4, 0.7);
/// Movement of the face that can tell, in distances between the eyes.
const TELLING: (f32, f32) = (0.12, 0.25);
/// What a line moves against the face, as a share of what the face moves: a frame's own, and a sheet's at most.
const LOOSE: (f32, f32) = (0.35, 0.7);

/// Lines met so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attached {
    looks: f32,
    eyes_px: f32,
    sides: [Side; SIDES],
}

/// One side's line.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    seen: f32,
    /// Place of the face, in pixels, whenever the line was seen.
    face: Range,
    /// Place of the line against the face.
    apart: Range,
}

impl Attached {
    pub(super) fn take(&mut self, face: &DetectedFace, border: &Border) {
        self.looks += 1.0;
        self.eyes_px = self.eyes_px.max(face.landmarks.inter_eye_px());
        let centre = face.landmarks.right_eye.midpoint(face.landmarks.left_eye).midpoint(face.landmarks.mouth_centre());
        for (index, (side, line)) in self.sides.iter_mut().zip(border.lines).enumerate() {
            let place = if index < 2 { centre.x } else { centre.y };
            if let Some(line) = line {
                side.seen += 1.0;
                side.face.take(place);
                side.apart.take(line - place);
            }
        }
    }

    /// How surely the face is part of something with straight edges, 0 to 1: three sides must move with it.
    pub(super) fn strength(&self) -> f32 {
        let mut sides = self.sides.map(|side| self.side(&side));
        sides.sort_by(f32::total_cmp);
        sides[SIDES - 3]
    }

    fn side(&self, side: &Side) -> f32 {
        let seen = ramp(side.seen / self.looks.max(1.0), SEEN.0, SEEN.1);
        let moved = ramp(side.face.width() / self.eyes_px.max(1.0), TELLING.0, TELLING.1);
        let loose = side.apart.width() / side.face.width().max(1.0);
        seen * moved * (1.0 - ramp(loose, LOOSE.0, LOOSE.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Landmarks;
    use crate::geometry::{Point, Rect};

    /// A face that moves by 20 pixels in both directions over ten looks, and the lines seen with it.
    fn strength(lines: impl Fn(f32) -> [Option<f32>; SIDES]) -> f32 {
        let mut attached = Attached::default();
        for index in 0..10_u8 {
            let shift = 2.0 * f32::from(index);
            let point = |x: f32, y: f32| Point::new(x + shift, y + shift);
            let landmarks = Landmarks::with_mouth_centre(
                point(175.0, 150.0),
                point(225.0, 150.0),
                point(200.0, 180.0),
                point(200.0, 204.0),
            );
            let face = DetectedFace { bbox: Rect::centred(point(200.0, 170.0), 115.0, 120.0), score: 0.9, landmarks };
            attached.take(&face, &Border { lines: lines(shift) });
        }
        attached.strength()
    }

    #[test]
    fn edges_count_only_if_three_move_with_the_face() {
        let sheet = |shift: f32| [Some(90.0 + shift), Some(310.0 + shift), Some(60.0 + shift), Some(300.0 + shift)];
        assert!(strength(sheet) > 0.95);
        assert!(strength(|shift| [None, sheet(shift)[1], sheet(shift)[2], sheet(shift)[3]]) > 0.95);
        assert_eq!(strength(|shift| [sheet(shift)[0], sheet(shift)[1], None, None]), 0.0);
        assert_eq!(strength(|_| sheet(0.0)), 0.0);
        assert_eq!(strength(|_| [None; SIDES]), 0.0);
    }
}
