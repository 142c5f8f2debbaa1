//! YuNet: for strides 8, 16 and 32 a class score, an objectness, a box and five points for each cell.

use super::{DetectedFace, DetectorFamily, InputSize, Landmarks, Output, OutputMismatch};
use crate::geometry::{Point, Rect};

const STRIDES: [u32; 3] = [8, 16, 32];

/// Reads twelve outputs: `cls` [1, N, 1], `obj` [1, N, 1], `bbox` [1, N, 4] and `kps` [1, N, 10], each for the
/// three strides. The score is the root of class times objectness; box sides are exponents; points are right
/// eye, left eye, nose, right and left corner of the mouth, in strides from the cell.
pub(super) fn decode(
    outputs: &[Output<'_>],
    input: InputSize,
    threshold: f32,
) -> Result<Vec<DetectedFace>, OutputMismatch> {
    DetectorFamily::Yunet.expect_count(outputs, 12)?;
    let mut faces = Vec::new();
    for (level, stride) in STRIDES.into_iter().enumerate() {
        let (columns, rows) = input.cells(stride);
        let classes = DetectorFamily::rows::<1>(outputs, level, input, columns * rows)?;
        let objects = DetectorFamily::rows::<1>(outputs, 3 + level, input, columns * rows)?;
        let boxes = DetectorFamily::rows::<4>(outputs, 6 + level, input, columns * rows)?;
        let points = DetectorFamily::rows::<10>(outputs, 9 + level, input, columns * rows)?;
        for cell in 0..columns * rows {
            let score = (classes[cell][0].clamp(0.0, 1.0) * objects[cell][0].clamp(0.0, 1.0)).sqrt();
            if score > threshold {
                let origin = Point::new((cell % columns) as f32, (cell / columns) as f32);
                faces.push(face(origin, stride as f32, score, &boxes[cell], &points[cell]));
            }
        }
    }
    faces.retain(DetectedFace::is_finite);
    Ok(faces)
}

fn face(cell: Point, stride: f32, score: f32, values: &[f32; 4], points: &[f32; 10]) -> DetectedFace {
    let place = |dx: f32, dy: f32| Point::new((cell.x + dx) * stride, (cell.y + dy) * stride);
    let bbox = Rect::centred(place(values[0], values[1]), values[2].exp() * stride, values[3].exp() * stride);
    let points = std::array::from_fn(|i| place(points[2 * i], points[2 * i + 1]));
    DetectedFace { bbox, score, landmarks: Landmarks::from_five(points) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Mouth;

    #[test]
    fn one_lit_cell_at_each_stride() {
        let input = InputSize { width: 64, height: 64 };
        for (level, stride) in STRIDES.into_iter().enumerate() {
            let widths = [1, 1, 4, 10];
            let mut tensors: Vec<(Vec<usize>, Vec<f32>)> = Vec::new();
            for width in widths {
                for stride in STRIDES {
                    let cells = (64 / stride * 64 / stride) as usize;
                    tensors.push((vec![1, cells, width], vec![0.0; cells * width]));
                }
            }
            let cell = (64 / stride) as usize + 1;
            tensors[level].1[cell] = 0.81;
            tensors[3 + level].1[cell] = 1.5;
            tensors[6 + level].1[cell * 4 + 2] = 2.0_f32.ln();
            tensors[9 + level].1[cell * 10 + 8] = 0.5;
            let outputs: Vec<_> = tensors.iter().map(|(shape, values)| Output { shape, values }).collect();
            let faces = decode(&outputs, input, 0.5).unwrap();
            assert_eq!(faces.len(), 1);
            let stride = stride as f32;
            assert_eq!(faces[0].bbox, Rect::centred(Point::new(stride, stride), 2.0 * stride, stride));
            assert!((faces[0].score - 0.9).abs() < 1e-6);
            let corner = Point::new(1.5 * stride, stride);
            assert!(matches!(faces[0].landmarks.mouth, Mouth::Corners { left, .. } if left == corner));
            assert!(decode(&outputs[1..], input, 0.5).is_err());
        }
    }
}
