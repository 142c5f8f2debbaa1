//! Which sides of a person's face are enrolled, and what is missing.

use ostiary_common::wire::Angle;

/// Sides that make somebody known from wherever they come, in the order they are asked for.
pub const WANTED: [Angle; 3] = [Angle::Frontal, Angle::Left, Angle::Right];

/// Templates of a person by the side they show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// From the front.
    pub frontal: u32,
    /// The subject's left side.
    pub left: u32,
    /// The subject's right side.
    pub right: u32,
}

impl Coverage {
    /// Of templates that show these sides.
    pub fn of(angles: impl IntoIterator<Item = Angle>) -> Self {
        let mut coverage = Self::default();
        for angle in angles {
            match angle {
                Angle::Frontal => coverage.frontal += 1,
                Angle::Left => coverage.left += 1,
                Angle::Right => coverage.right += 1,
                Angle::Unknown => {}
            }
        }
        coverage
    }

    /// Sides of which there is no template.
    #[must_use]
    pub fn missing(&self) -> Vec<Angle> {
        WANTED.into_iter().filter(|angle| self.count(*angle) == 0).collect()
    }

    /// What to do about it; `None` if nothing is missing.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        Some(match (self.frontal > 0, self.left > 0, self.right > 0) {
            (true, true, true) => return None,
            (false, ..) => "Add a photo from the front: without one the person is seldom known.",
            (true, false, false) => {
                "Add a photo with the head turned a little to the left, and one turned to the right: doors see faces from \
                 the side, too."
            }
            (true, false, true) => "Add a photo with the head turned a little to the person's left.",
            (true, true, false) => "Add a photo with the head turned a little to the person's right.",
        })
    }

    const fn count(&self, angle: Angle) -> u32 {
        match angle {
            Angle::Frontal => self.frontal,
            Angle::Left => self.left,
            Angle::Right => self.right,
            Angle::Unknown => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_missing() {
        let check = |angles: &[Angle], missing: &[Angle], advice: Option<&str>| {
            let coverage = Coverage::of(angles.iter().copied());
            assert_eq!(coverage.missing(), missing, "{angles:?}");
            let said = coverage.advice();
            assert_eq!(said.is_some(), advice.is_some(), "{angles:?}: {said:?}");
            assert!(advice.is_none_or(|words| said.is_some_and(|said| said.contains(words))), "{angles:?}: {said:?}");
        };
        use Angle::{Frontal, Left, Right, Unknown};
        check(&[], &[Frontal, Left, Right], Some("from the front"));
        check(&[Unknown], &[Frontal, Left, Right], Some("from the front"));
        check(&[Frontal, Frontal], &[Left, Right], Some("turned to the right"));
        check(&[Frontal, Left], &[Right], Some("person's right"));
        check(&[Frontal, Right], &[Left], Some("person's left"));
        check(&[Right, Left], &[Frontal], Some("from the front"));
        check(&[Frontal, Left, Right, Right], &[], None);
    }
}
