//! Suppression: a detector fires several times on one face; these make one of them.

use super::{DetectedFace, Landmarks, Mouth};
use crate::geometry::{Point, Rect};

/// Keeps the best of each group that overlaps by more than `iou`; best first.
#[must_use]
pub fn keep_best(faces: Vec<DetectedFace>, iou: f32) -> Vec<DetectedFace> {
    groups(faces, iou).into_iter().map(|group| group[0]).collect()
}

/// Makes one face of each group that overlaps by more than `iou`: the mean weighted by score, with the best
/// one's score; best first.
#[must_use]
pub fn blend_overlapping(faces: Vec<DetectedFace>, iou: f32) -> Vec<DetectedFace> {
    groups(faces, iou).iter().map(|group| blended(group)).collect()
}

/// Groups of faces that overlap with the best one of the group; groups and members best first.
fn groups(mut faces: Vec<DetectedFace>, iou: f32) -> Vec<Vec<DetectedFace>> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut groups: Vec<Vec<DetectedFace>> = Vec::new();
    while let Some(best) = faces.first().copied() {
        let joins = |face: &DetectedFace| face.bbox.iou(&best.bbox) > iou;
        let mut group = vec![best];
        group.extend(faces.iter().skip(1).filter(|face| joins(face)));
        faces = faces.into_iter().skip(1).filter(|face| !joins(face)).collect();
        groups.push(group);
    }
    groups
}

fn blended(group: &[DetectedFace]) -> DetectedFace {
    let total: f32 = group.iter().map(|face| face.score).sum();
    let mean = |pick: &dyn Fn(&DetectedFace) -> f32| {
        group.iter().map(|face| pick(face) * face.score).sum::<f32>() / total.max(f32::MIN_POSITIVE)
    };
    let point = |pick: fn(&DetectedFace) -> Point| Point::new(mean(&|f| pick(f).x), mean(&|f| pick(f).y));
    let bbox =
        Rect::new(mean(&|f| f.bbox.left), mean(&|f| f.bbox.top), mean(&|f| f.bbox.width), mean(&|f| f.bbox.height));
    let landmarks = Landmarks {
        right_eye: point(|f| f.landmarks.right_eye),
        left_eye: point(|f| f.landmarks.left_eye),
        nose: point(|f| f.landmarks.nose),
        mouth: Mouth::Centre(point(|f| f.landmarks.mouth_centre())),
    };
    DetectedFace { bbox, score: group[0].score, landmarks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faces() -> impl Strategy<Value = Vec<DetectedFace>> {
        let face = (0.0_f32..400.0, 0.0_f32..400.0, 5.0_f32..150.0, 5.0_f32..150.0, 0.3_f32..1.0);
        proptest::collection::vec(face, 0..40).prop_map(|faces| {
            let make = |(left, top, width, height, score)| {
                let bbox = Rect::new(left, top, width, height);
                let centre = bbox.centre();
                DetectedFace { bbox, score, landmarks: Landmarks::with_mouth_centre(centre, centre, centre, centre) }
            };
            faces.into_iter().map(make).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_is_apart_and_came_in(faces in faces(), iou in 0.1_f32..0.9) {
            let kept = keep_best(faces.clone(), iou);
            for (i, a) in kept.iter().enumerate() {
                prop_assert!(faces.contains(a));
                prop_assert!(kept[..i].iter().all(|b| a.bbox.iou(&b.bbox) <= iou && b.score >= a.score));
            }
            for face in &faces {
                prop_assert!(kept.iter().any(|best| best.score >= face.score
                    && (best == face || best.bbox.iou(&face.bbox) > iou)));
            }
            prop_assert_eq!(keep_best(kept.clone(), iou), kept);
        }

        #[test]
        fn blending_keeps_the_groups_and_stays_inside(faces in faces(), iou in 0.1_f32..0.9) {
            let (kept, blended) = (keep_best(faces.clone(), iou), blend_overlapping(faces.clone(), iou));
            prop_assert_eq!(kept.len(), blended.len());
            let hull = |pick: fn(&Rect) -> f32| faces.iter().map(|f| pick(&f.bbox)).fold(f32::INFINITY, f32::min);
            for (best, mean) in kept.iter().zip(&blended) {
                prop_assert_eq!(best.score, mean.score);
                prop_assert!(mean.bbox.left >= hull(|r| r.left) - 0.01 && mean.bbox.top >= hull(|r| r.top) - 0.01);
            }
        }
    }
}
