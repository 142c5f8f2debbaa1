//! MediaPipe's BlazeFace, full range: one anchor for each cell of 4x4 pixels, box and six points relative to it.

use super::{DetectedFace, DetectorFamily, InputSize, Landmarks, Output, OutputMismatch};
use crate::geometry::{Point, Rect};

const STRIDE: u32 = 4;

/// Reads `boxes` [1, N, 16] and `scores` [1, N, 1]; a box is cx, cy, w, h and six points (right eye, left eye,
/// nose, mouth centre, right ear, left ear), all in pixels from the anchor, the sides absolute.
pub(super) fn decode(
    outputs: &[Output<'_>],
    input: InputSize,
    threshold: f32,
) -> Result<Vec<DetectedFace>, OutputMismatch> {
    DetectorFamily::BlazefaceFullRange.expect_count(outputs, 2)?;
    let (columns, rows) = input.cells(STRIDE);
    let boxes = DetectorFamily::rows::<16>(outputs, 0, input, columns * rows)?;
    let scores = DetectorFamily::rows::<1>(outputs, 1, input, columns * rows)?;
    // Comparing logits spares the exponential for the thousands of cells that see no face.
    let least_logit = logit(threshold);
    let faces = scores.iter().zip(boxes).enumerate().filter(|(_, ([score], _))| *score > least_logit);
    let faces = faces.map(|(cell, ([score], values))| face(anchor(cell, columns), sigmoid(*score), values));
    Ok(faces.filter(DetectedFace::is_finite).collect())
}

fn anchor(cell: usize, columns: usize) -> Point {
    let (x, y) = (cell % columns, cell / columns);
    Point::new((x as f32 + 0.5) * STRIDE as f32, (y as f32 + 0.5) * STRIDE as f32)
}

fn face(anchor: Point, score: f32, values: &[f32; 16]) -> DetectedFace {
    let point = |index: usize| Point::new(anchor.x + values[index], anchor.y + values[index + 1]);
    let landmarks = Landmarks::with_mouth_centre(point(4), point(6), point(8), point(10));
    DetectedFace { bbox: Rect::centred(point(0), values[2], values[3]), score, landmarks }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: InputSize = InputSize { width: 64, height: 32 };

    #[test]
    fn one_lit_cell_gives_one_face_where_it_lies() {
        let cells = 16 * 8;
        let (mut boxes, mut scores) = (vec![0.0; cells * 16], vec![-20.0; cells]);
        let cell = 3 * 16 + 5;
        scores[cell] = 2.0;
        boxes[cell * 16..cell * 16 + 12].copy_from_slice(&[1., 2., 20., 30., -4., -5., 4., -5., 0., 1., 0., 6.]);
        let shapes = ([1, cells, 16], [1, cells, 1]);
        let outputs = [Output { shape: &shapes.0, values: &boxes }, Output { shape: &shapes.1, values: &scores }];
        let faces = decode(&outputs, INPUT, 0.5).unwrap();
        assert_eq!(faces.len(), 1);
        assert_eq!(faces[0].bbox, Rect::centred(Point::new(23.0, 16.0), 20.0, 30.0));
        assert_eq!(faces[0].landmarks.right_eye, Point::new(18.0, 9.0));
        assert_eq!(faces[0].landmarks.mouth_centre(), Point::new(22.0, 20.0));
        assert!((faces[0].score - 0.880_797).abs() < 1e-5);
        assert!(decode(&outputs, INPUT, 0.9).unwrap().is_empty());
        assert!(decode(&outputs[..1], INPUT, 0.5).is_err());
        assert!(decode(&outputs, InputSize { width: 32, height: 32 }, 0.5).is_err());
    }

    #[test]
    fn what_is_not_finite_is_no_face() {
        let cells = 16 * 8;
        let (boxes, scores) = (vec![f32::NAN; cells * 16], vec![9.0; cells]);
        let shapes = ([1, cells, 16], [1, cells, 1]);
        let outputs = [Output { shape: &shapes.0, values: &boxes }, Output { shape: &shapes.1, values: &scores }];
        assert!(decode(&outputs, INPUT, 0.5).unwrap().is_empty());
    }
}
