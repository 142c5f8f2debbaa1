//! Shares and similarities as an admin may set them.

/// A share of visits: above 0 and below 1. A target of 0 or 1 cannot be derived from anything: no threshold keeps
/// every stranger out for ever, and none lets everybody in by plan.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f32);

/// A number that is no share.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("must be above 0 and below 1 (for example 0.01 for one in a hundred), not {0}")]
pub struct InvalidShare(pub f32);

/// The smallest share taken; beyond it nothing measured says anything.
const LEAST: f32 = 1e-9;

impl Share {
    /// Takes a number.
    ///
    /// # Errors
    /// [`InvalidShare`] for 0, 1, what lies beyond, and what is no number.
    pub fn parse(share: f32) -> Result<Self, InvalidShare> {
        if (LEAST..1.0).contains(&share) { Ok(Self(share)) } else { Err(InvalidShare(share)) }
    }

    /// The number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

/// A cosine similarity, or a distance between two: 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Similarity(f32);

/// A number that is no similarity to decide by.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("must be 0 to 1, not {0}")]
pub struct InvalidSimilarity(pub f32);

impl Similarity {
    /// Takes a number.
    ///
    /// # Errors
    /// [`InvalidSimilarity`] for what lies beyond 0 to 1, and what is no number.
    pub fn parse(similarity: f32) -> Result<Self, InvalidSimilarity> {
        if (0.0..=1.0).contains(&similarity) { Ok(Self(similarity)) } else { Err(InvalidSimilarity(similarity)) }
    }

    /// The number.
    pub const fn get(self) -> f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_chosen() {
        let check = |number: f32, share: bool, similarity: bool| {
            assert_eq!(Share::parse(number).is_ok(), share, "{number}");
            assert_eq!(Similarity::parse(number).is_ok(), similarity, "{number}");
        };
        check(0.01, true, true);
        check(1e-9, true, true);
        check(1e-10, false, true);
        check(0.999, true, true);
        check(0.0, false, true);
        check(1.0, false, true);
        check(1.001, false, false);
        check(-0.01, false, false);
        check(f32::NAN, false, false);
        check(f32::INFINITY, false, false);
    }
}
