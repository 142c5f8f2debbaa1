//! Alignment: turning, scaling and shifting a face so that its eyes, nose and mouth lie where the embedder
//! wants them.

use crate::detect::{Landmarks, Mouth};
use crate::frame::{RgbImage, RgbView};
use crate::geometry::{Point, Rect, Similarity};
use crate::resample;

/// Points of the grid, in each direction, at which a chip is asked whether it shows anything of the picture.
const CUT_STEPS: u8 = 9;

/// Where an embedder wants the landmarks in its chip, in chip pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Right eye, left eye, nose tip, centre of the mouth.
    pub four: [Point; 4],
    /// Right eye, left eye, nose tip, right and left corner of the mouth; used when the detector gives both
    /// corners.
    pub five: Option<[Point; 5]>,
}

impl Template {
    /// The map that brings a face into the chip; `None` if the landmarks coincide or are not finite.
    #[must_use]
    pub fn map(&self, landmarks: &Landmarks) -> Option<Similarity> {
        match (landmarks.mouth, self.five) {
            (Mouth::Corners { right, left }, Some(five)) => {
                let found = [landmarks.right_eye, landmarks.left_eye, landmarks.nose, right, left];
                Similarity::fit(&found, &five)
            }
            _ => {
                let mouth = landmarks.mouth_centre();
                Similarity::fit(&[landmarks.right_eye, landmarks.left_eye, landmarks.nose, mouth], &self.four)
            }
        }
    }
}

/// An aligned face: a square of RGB, 8 bit, of the embedder's input size.
#[derive(Clone, Debug, PartialEq)]
pub struct AlignedChip {
    picture: RgbImage,
    cut_off: f32,
}

impl AlignedChip {
    /// Takes a picture that is aligned already; `None` unless it is square.
    #[must_use]
    pub fn from_picture(picture: RgbImage) -> Option<Self> {
        (picture.width() == picture.height()).then_some(Self { picture, cut_off: 0.0 })
    }

    /// The side in pixels.
    #[must_use]
    pub const fn side(&self) -> u32 {
        self.picture.width()
    }

    /// Share of the face, eyes to mouth and somewhat around, that lay outside of the picture, 0 to 1.
    #[must_use]
    pub const fn cut_off(&self) -> f32 {
        self.cut_off
    }

    /// The same face seen in a mirror.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let mut picture = self.picture.clone();
        let row = 3 * picture.width() as usize;
        for pixels in picture.as_raw_mut().chunks_exact_mut(row) {
            pixels.as_chunks_mut::<3>().0.reverse();
        }
        Self { picture, cut_off: self.cut_off }
    }

    /// The picture.
    #[must_use]
    pub const fn picture(&self) -> &RgbImage {
        &self.picture
    }
}

/// Cuts the aligned chip of `side` pixels out of a picture; what lies outside of the picture is black.
///
/// If the landmarks cannot be aligned at all (they coincide), the whole picture is squeezed into the chip:
/// such a face fails the quality gate, and a caller need not handle one more error.
#[must_use]
pub fn warp(view: &RgbView<'_>, landmarks: &Landmarks, template: &Template, side: u32) -> AlignedChip {
    let whole = || crate::geometry::Letterbox::fit(&view.bounds(), side, side).as_similarity();
    let map = template.map(landmarks).unwrap_or_else(whole);
    AlignedChip { picture: resample::draw(view, &map, side, side), cut_off: cut_off(&view.bounds(), &map, side) }
}

/// The share of the chip's inner part that shows nothing of the picture, judged at points of a grid.
fn cut_off(picture: &Rect, map: &Similarity, side: u32) -> f32 {
    let back = map.inverse();
    let at = |step: u8| side as f32 * (0.2 + 0.6 * f32::from(step) / f32::from(CUT_STEPS - 1));
    let points = (0..CUT_STEPS).flat_map(|y| (0..CUT_STEPS).map(move |x| Point::new(at(x), at(y))));
    let outside = points.filter(|p| !picture.contains(back.apply(*p))).count();
    outside as f32 / f32::from(CUT_STEPS * CUT_STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template() -> Template {
        let four = [(47.06, 46.78), (100.94, 46.78), (74.0, 80.24), (74.0, 104.91)];
        Template { four: four.map(|(x, y)| Point::new(x, y)), five: None }
    }

    proptest! {
        #[test]
        fn a_turned_and_scaled_face_comes_out_upright(
            scale in 0.1_f32..5.0, degrees in -180.0_f32..180.0, tx in -900.0_f32..900.0, ty in -900.0_f32..900.0,
        ) {
            let template = template();
            let placed = template.four.map(|p| Similarity::new(scale, degrees, tx, ty).apply(p));
            let landmarks = Landmarks::with_mouth_centre(placed[0], placed[1], placed[2], placed[3]);
            let map = template.map(&landmarks).unwrap();
            for (found, wanted) in placed.iter().zip(&template.four) {
                prop_assert!(map.apply(*found).distance(*wanted) < 0.1);
            }
        }
    }

    #[test]
    fn a_face_at_the_edge_is_cut_off() {
        let picture = RgbImage::black(300, 300);
        let cut = |left: f32| {
            let placed = template().four.map(|p| Point::new(p.x + left, p.y + 50.0));
            let landmarks = Landmarks::with_mouth_centre(placed[0], placed[1], placed[2], placed[3]);
            warp(&picture.view(), &landmarks, &template(), 150).cut_off()
        };
        assert_eq!(cut(50.0), 0.0);
        assert!(cut(-60.0) > 0.2 && cut(-60.0) < cut(-90.0), "{} {}", cut(-60.0), cut(-90.0));
        assert_eq!(cut(-150.0), 1.0);
    }

    #[test]
    fn landmarks_that_coincide_still_give_a_chip() {
        let p = Point::new(5.0, 5.0);
        let picture = RgbImage::black(20, 10);
        let chip = warp(&picture.view(), &Landmarks::with_mouth_centre(p, p, p, p), &template(), 150);
        assert_eq!(chip.side(), 150);
    }
}
