//! Two slots for the device's certificate, as for tokens: a new one is promoted only after a broker took it.
//!
//! A connection that fails tells nothing certain: the network may be down. So the two are tried in turn while neither
//! works, and a new one is given up only once the old one has worked where it did not.

use serde::{Deserialize, Serialize};

use super::credentials::Slot;

/// A certificate no connection has stood with yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pem: String,
    /// Attempts that failed since it came, with either certificate.
    #[serde(default)]
    failures: u32,
}

impl Candidate {
    /// A certificate that has just come, PEM.
    pub const fn new(pem: String) -> Self {
        Self { pem, failures: 0 }
    }
}

/// What a connection tells of the certificate it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes.
    Keep,
    /// The candidate, PEM, is the current one from now on.
    Promote(String),
    /// The candidate is no good.
    GiveUp,
}

/// Which certificate to connect with.
pub fn choose<'a>(current: &'a str, candidate: Option<&'a Candidate>) -> (Slot, &'a str) {
    match candidate {
        Some(new) if new.failures % 2 == 0 => (Slot::Candidate, &new.pem),
        _ => (Slot::Current, current),
    }
}

/// A connection with the certificate of `slot` stood.
pub fn worked(slot: Slot, candidate: Option<&Candidate>) -> Verdict {
    match (slot, candidate) {
        (Slot::Candidate, Some(new)) => Verdict::Promote(new.pem.clone()),
        (Slot::Current, Some(new)) if new.failures > 0 => Verdict::GiveUp,
        _ => Verdict::Keep,
    }
}

/// A connection did not come to stand.
pub fn failed(candidate: Option<&mut Candidate>) {
    if let Some(new) = candidate {
        new.failures = new.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_certificate_is_promoted_or_given_up_by_what_works() {
        let mut none = None;
        assert_eq!(choose("old", none.as_ref()), (Slot::Current, "old"));
        failed(none.as_mut());
        assert_eq!(worked(Slot::Current, none.as_ref()), Verdict::Keep);

        let mut new = Some(Candidate::new("new".into()));
        assert_eq!(choose("old", new.as_ref()), (Slot::Candidate, "new"));
        assert_eq!(worked(Slot::Candidate, new.as_ref()), Verdict::Promote("new".into()));
        // The network was down for a while: both are tried in turn, and the new one still gets its chance.
        for expected in [Slot::Current, Slot::Candidate, Slot::Current] {
            failed(new.as_mut());
            assert_eq!(choose("old", new.as_ref()).0, expected);
        }
        assert_eq!(worked(Slot::Current, new.as_ref()), Verdict::GiveUp);
    }
}
