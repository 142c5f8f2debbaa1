//! Faces of all sizes in a still photo: the same net at finer and finer scales.

use super::{DetectorNet, InferenceError};
use crate::detect::{DetectedFace, InputSize, keep_best};
use crate::frame::RgbView;
use crate::geometry::Rect;

/// The side of the net's square input for whole photos and for the tiles of fine scales, in pixels.
const COARSE_SIDE: u32 = 192;
const FINE_SIDE: u32 = 512;
/// How many pixels of the net the photo's longer side is seen with, from coarse to fine. The first leaves
/// half of the input empty, so that a face may fill the whole photo; the first two cost little and are always
/// taken.
const LEVELS_PX: [f32; 5] = [96.0, 192.0, 480.0, 1200.0, 3000.0];
/// The narrowest face worth finding in a photo, in its pixels: somewhat less than a match at a door wants.
const WANTED_FACE_PX: f32 = 50.0;
/// Once a face is this wide in the net's input, faces of a quarter of its size have been seen too.
const COARSE_ENOUGH_PX: f32 = 80.0;
/// Tiles of a fine scale overlap by this many pixels of the net, so that a face at a seam is whole in one.
const OVERLAP_PX: f32 = 130.0;
/// Refined boxes that overlap by more show one face.
const SAME_FACE_IOU: f32 = 0.4;

/// Looks from coarse to fine, until the largest face is so large that what is smaller than a quarter of it
/// does not matter, or the narrowest face worth finding has been within reach.
pub(super) fn find_faces(detector: &mut DetectorNet, photo: &RgbView<'_>) -> Result<Vec<DetectedFace>, InferenceError> {
    let long_side = photo.width().max(photo.height()) as f32;
    let finest = detector.spec().smallest_face_px / WANTED_FACE_PX;
    let mut faces: Vec<DetectedFace> = Vec::new();
    for level_px in LEVELS_PX {
        let scale = level_px / long_side;
        let found = look(detector, photo, scale)?;
        faces = refined(detector, photo, faces, found)?;
        let largest = faces.iter().map(DetectedFace::width_px).fold(0.0, f32::max);
        let done = largest * scale >= COARSE_ENOUGH_PX || scale >= finest;
        if done && level_px >= COARSE_SIDE as f32 {
            break;
        }
    }
    faces.sort_by(|a, b| b.width_px().total_cmp(&a.width_px()));
    Ok(faces)
}

/// Adds to the faces of a frame those that are too near for the usual look, which fill much of the picture.
pub(super) fn add_near_faces(
    detector: &mut DetectorNet,
    frame: &RgbView<'_>,
    known: Vec<DetectedFace>,
) -> Result<Vec<DetectedFace>, InferenceError> {
    let found = look(detector, frame, LEVELS_PX[0] / frame.width().max(frame.height()) as f32)?;
    refined(detector, frame, known, found)
}

/// One pass at `scale` (net pixels per photo pixel), in as many tiles as it takes.
fn look(detector: &mut DetectorNet, photo: &RgbView<'_>, scale: f32) -> Result<Vec<DetectedFace>, InferenceError> {
    let long_side = photo.width().max(photo.height()) as f32 * scale;
    let side = if long_side <= COARSE_SIDE as f32 { COARSE_SIDE } else { FINE_SIDE };
    let threshold = detector.spec().score_threshold;
    let mut found = Vec::new();
    for tile in tiles(&photo.bounds(), side as f32 / scale, OVERLAP_PX / scale) {
        found.extend(detector.find(photo, &tile, InputSize { width: side, height: side }, threshold)?);
    }
    Ok(found)
}

/// Squares of `side` that cover `bounds`, neighbours overlapping by at least `overlap`; one centred square if
/// that is enough.
fn tiles(bounds: &Rect, side: f32, overlap: f32) -> Vec<Rect> {
    let starts = |from: f32, length: f32| -> Vec<f32> {
        if length <= side {
            return vec![from + (length - side) / 2.0];
        }
        let count = ((length - overlap) / (side - overlap)).ceil();
        let step = (length - side) / (count - 1.0);
        (0..count as u32).map(|i| from + i as f32 * step).collect()
    };
    let columns = starts(bounds.left, bounds.width);
    let rows = starts(bounds.top, bounds.height);
    rows.iter().flat_map(|top| columns.iter().map(|left| Rect::new(*left, *top, side, side))).collect()
}

/// Takes in what a pass found: each looked at closely, those seen before dropped.
fn refined(
    detector: &mut DetectorNet,
    photo: &RgbView<'_>,
    known: Vec<DetectedFace>,
    found: Vec<DetectedFace>,
) -> Result<Vec<DetectedFace>, InferenceError> {
    let mut faces = known;
    for face in keep_best(found, SAME_FACE_IOU) {
        if faces.iter().all(|seen| seen.bbox.iou(&face.bbox) <= SAME_FACE_IOU) {
            // A still that the close look does not confirm is a pattern, not a face.
            faces.extend(detector.look_closer(photo, &face)?);
        }
    }
    Ok(keep_best(faces, SAME_FACE_IOU))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tiles_cover_the_photo_and_a_face_at_any_seam(
            width in 50.0_f32..9000.0, height in 50.0_f32..9000.0, side in 300.0_f32..2000.0,
            x in 0.0_f32..1.0, y in 0.0_f32..1.0,
        ) {
            let bounds = Rect::new(0.0, 0.0, width, height);
            let overlap = side * OVERLAP_PX / FINE_SIDE as f32;
            let tiles = tiles(&bounds, side, overlap);
            let face = (overlap * 0.99).min(width).min(height);
            let face = Rect::new(x * (width - face), y * (height - face), face, face);
            prop_assert!(tiles.iter().any(|tile| (tile.intersection(&face).area() - face.area()).abs() < face.area() * 0.01));
            prop_assert!(tiles.len() as f32 <= (width / (side - overlap) + 1.0).ceil() * (height / (side - overlap) + 1.0).ceil());
        }
    }
}
