//! SCRFD with five points: for strides 8, 16 and 32, two anchors a cell, distances to the box's edges.

use super::{DetectedFace, DetectorFamily, InputSize, Landmarks, Output, OutputMismatch};
use crate::geometry::{Point, Rect};

const STRIDES: [u32; 3] = [8, 16, 32];
const ANCHORS_PER_CELL: usize = 2;

/// Reads nine outputs: scores [N, 1], boxes [N, 4] and points [N, 10], each for the three strides. A box is the
/// distances left, top, right, bottom from the cell's corner; points (right eye, left eye, nose, right and left
/// corner of the mouth) are offsets from it; all in strides.
pub(super) fn decode(
    outputs: &[Output<'_>],
    input: InputSize,
    threshold: f32,
) -> Result<Vec<DetectedFace>, OutputMismatch> {
    DetectorFamily::Scrfd.expect_count(outputs, 9)?;
    let mut faces = Vec::new();
    for (level, stride) in STRIDES.into_iter().enumerate() {
        let (columns, rows) = input.cells(stride);
        let anchors = columns * rows * ANCHORS_PER_CELL;
        let scores = DetectorFamily::rows::<1>(outputs, level, input, anchors)?;
        let boxes = DetectorFamily::rows::<4>(outputs, 3 + level, input, anchors)?;
        let points = DetectorFamily::rows::<10>(outputs, 6 + level, input, anchors)?;
        for (index, [score]) in scores.iter().enumerate().filter(|(_, [score])| *score > threshold) {
            let cell = index / ANCHORS_PER_CELL;
            let origin = Point::new((cell % columns) as f32, (cell / columns) as f32);
            faces.push(face(origin, stride as f32, *score, &boxes[index], &points[index]));
        }
    }
    faces.retain(DetectedFace::is_finite);
    Ok(faces)
}

fn face(cell: Point, stride: f32, score: f32, edges: &[f32; 4], points: &[f32; 10]) -> DetectedFace {
    let place = |dx: f32, dy: f32| Point::new((cell.x + dx) * stride, (cell.y + dy) * stride);
    let corner = place(-edges[0], -edges[1]);
    let bbox = Rect::new(corner.x, corner.y, (edges[0] + edges[2]) * stride, (edges[1] + edges[3]) * stride);
    let points = std::array::from_fn(|i| place(points[2 * i], points[2 * i + 1]));
    DetectedFace { bbox, score: score.clamp(0.0, 1.0), landmarks: Landmarks::from_five(points) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_anchor_of_a_cell() {
        let input = InputSize { width: 64, height: 32 };
        let mut tensors: Vec<(Vec<usize>, Vec<f32>)> = Vec::new();
        for width in [1, 4, 10] {
            for stride in STRIDES {
                let anchors = (64 / stride * 32 / stride) as usize * 2;
                tensors.push((vec![anchors, width], vec![0.0; anchors * width]));
            }
        }
        let anchor = 2 * (4 + 3) + 1;
        tensors[1].1[anchor] = 0.7;
        tensors[4].1[anchor * 4..anchor * 4 + 4].copy_from_slice(&[1.0, 0.5, 2.0, 1.5]);
        tensors[7].1[anchor * 10..anchor * 10 + 2].copy_from_slice(&[-0.5, 0.25]);
        let outputs: Vec<_> = tensors.iter().map(|(shape, values)| Output { shape, values }).collect();
        let faces = decode(&outputs, input, 0.5).unwrap();
        assert_eq!(faces.len(), 1);
        assert_eq!(faces[0].bbox, Rect::new(32.0, 8.0, 48.0, 32.0));
        assert_eq!(faces[0].landmarks.right_eye, Point::new(40.0, 20.0));
        assert!(decode(&outputs, InputSize { width: 64, height: 64 }, 0.5).is_err());
    }
}
