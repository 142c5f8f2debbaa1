//! From when and until when a person may be known.

use ostiary_common::time::UnixMillis;

/// A span of time, each end open where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    from: Option<UnixMillis>,
    until: Option<UnixMillis>,
}

/// The end does not come after the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must come after `valid_from`, {from}, not at {until}", from = from.to_rfc3339(), until = until.to_rfc3339())]
pub struct InvalidValidity {
    from: UnixMillis,
    until: UnixMillis,
}

impl Validity {
    /// Always.
    pub const ALWAYS: Self = Self { from: None, until: None };

    /// From the first moment on, up to the second, which is outside already.
    ///
    /// # Errors
    /// [`InvalidValidity`] if nothing lies between them.
    pub fn parse(from: Option<UnixMillis>, until: Option<UnixMillis>) -> Result<Self, InvalidValidity> {
        match (from, until) {
            (Some(from), Some(until)) if until <= from => Err(InvalidValidity { from, until }),
            _ => Ok(Self { from, until }),
        }
    }

    /// The first moment.
    pub const fn from(&self) -> Option<UnixMillis> {
        self.from
    }

    /// The first moment that is over.
    pub const fn until(&self) -> Option<UnixMillis> {
        self.until
    }

    /// Whether a moment lies in it.
    pub fn contains(&self, now: UnixMillis) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// When the answer of [`Self::contains`] changes next.
    pub fn next_change(&self, now: UnixMillis) -> Option<UnixMillis> {
        let (begins, ends) = (self.from.filter(|from| *from > now), self.until.filter(|until| *until > now));
        begins.or(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |from: Option<i64>, until: Option<i64>, now, expected: (bool, Option<i64>)| {
            let validity = Validity::parse(from.map(UnixMillis), until.map(UnixMillis)).unwrap();
            let found = (validity.contains(UnixMillis(now)), validity.next_change(UnixMillis(now)).map(|at| at.0));
            assert_eq!(found, expected, "{from:?}..{until:?} at {now}");
        };
        check(None, None, 5, (true, None));
        check(Some(6), None, 5, (false, Some(6)));
        check(Some(6), None, 6, (true, None));
        check(Some(6), Some(9), 5, (false, Some(6)));
        check(Some(6), Some(9), 6, (true, Some(9)));
        check(Some(6), Some(9), 8, (true, Some(9)));
        check(Some(6), Some(9), 9, (false, None));
        check(None, Some(9), 8, (true, Some(9)));
        check(None, Some(9), 10, (false, None));
    }

    #[test]
    fn an_end_comes_after_its_beginning() {
        let parse = |from, until| Validity::parse(Some(UnixMillis(from)), Some(UnixMillis(until)));
        assert!(parse(5, 6).is_ok() && parse(5, 5).is_err() && parse(6, 5).is_err());
    }
}
