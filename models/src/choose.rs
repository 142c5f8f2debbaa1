//! Whose face is meant. A wrong face enrolled under a name opens doors, so in doubt a photo is refused.

/// A second face of this share of the largest one's width could be meant as well. Smaller ones are people in
/// the background.
const RIVAL_SHARE: f32 = 0.5;

/// The face meant, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The index of the face.
    Face(usize),
    /// No face at all.
    Nobody,
    /// So many could be meant.
    Several(usize),
}

/// Chooses by the faces' widths in pixels.
#[must_use]
pub fn choose(widths: &[f32]) -> Choice {
    let largest = widths.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
    let Some((index, width)) = largest else { return Choice::Nobody };
    match widths.iter().filter(|w| **w >= width * RIVAL_SHARE).count() {
        1 => Choice::Face(index),
        count => Choice::Several(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(widths: &[f32], expected: Choice) {
        assert_eq!(choose(widths), expected, "{widths:?}");
    }

    #[test]
    fn chooses_the_one_face_meant() {
        check(&[], Choice::Nobody);
        check(&[80.0], Choice::Face(0));
        check(&[30.0, 80.0], Choice::Face(1));
        check(&[39.9, 80.0, 20.0], Choice::Face(1));
        check(&[40.0, 80.0, 20.0], Choice::Several(2));
        check(&[80.0, 80.0, 79.0], Choice::Several(3));
    }
}
