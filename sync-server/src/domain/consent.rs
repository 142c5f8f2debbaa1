//! Consent: what a person agreed to, how it is shown, how it ended, and whether a photo may be taken because of it.
//!
//! Start reading at [`may_enroll`]: every path to a template asks it.

mod ending;
mod text;

use ostiary_common::ids::{PersonId, uuid_id};
use ostiary_common::time::UnixMillis;

pub use ending::{ConsentEnd, EndedHow, Withdrawal, Withdrawn};
pub use text::{ConsentText, FIRST_TEXT, InForceText, MOST_ERASE_AFTER_DAYS, NewConsentText};

uuid_id!(/// A consent of a person.
    ConsentId, "consent");

/// How a consent was given, or withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentMethod {
    /// On paper, signed.
    Written,
    /// In an electronic form or message.
    Electronic,
    /// In words, to whoever recorded it.
    Verbal,
    /// Taken over from another system that has the proof.
    Imported,
    /// Whoever recorded it did not say.
    Unspecified,
    /// Said before there were records; no text is known.
    BeforeRecords,
}

impl ConsentMethod {
    /// Every method that may be recorded.
    pub const RECORDED: [Self; 5] = [Self::Written, Self::Electronic, Self::Verbal, Self::Imported, Self::Unspecified];

    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Electronic => "electronic",
            Self::Verbal => "verbal",
            Self::Imported => "imported",
            Self::Unspecified => "unspecified",
            Self::BeforeRecords => "before_records",
        }
    }

    /// Reads a method that may be recorded.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::RECORDED.into_iter().find(|method| method.as_str() == text)
    }

    /// Reads a method as stored.
    #[must_use]
    pub fn stored(text: &str) -> Option<Self> {
        Self::parse(text).or((text == Self::BeforeRecords.as_str()).then_some(Self::BeforeRecords))
    }
}

/// What is said of a consent in words. Sealed with the person's key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentWords {
    /// Who gave it, where that is not the person: a parent, a guardian. Empty for the person.
    pub given_by: String,
    /// Where the proof lies, or what else there is to say.
    pub note: String,
}

impl ConsentWords {
    /// Whether nothing is said.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.given_by.is_empty() && self.note.is_empty()
    }
}

/// A consent of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Id.
    pub id: ConsentId,
    /// Whose.
    pub person: PersonId,
    /// To which version of the text; `None` before there were records.
    pub text_version: Option<u64>,
    /// In which language the text was read, if that was said.
    pub language: Option<String>,
    /// How.
    pub method: ConsentMethod,
    /// When it was given.
    pub given_at: UnixMillis,
    /// When it was recorded.
    pub recorded_at: UnixMillis,
    /// By whom: an actor of the audit log.
    pub recorded_by: String,
    /// What else was said.
    pub words: ConsentWords,
    /// How it ended, if it did.
    pub end: Option<ConsentEnd>,
}

/// Why no photo may be taken of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsentMissing {
    /// There never was one.
    #[error("the person has not consented")]
    Never,
    /// It was withdrawn.
    #[error("the person has withdrawn the consent")]
    Withdrawn,
    /// It was noted before there were records, so that nobody can say to what.
    #[error("what the person consented to was not recorded then")]
    BeforeRecords,
    /// It was to a text that does not suffice any more.
    #[error("the person consented to version {given} of the text, and version {wanted} or a later one is wanted")]
    Outdated {
        /// To which version.
        given: u64,
        /// From which version on it suffices.
        wanted: u64,
    },
}

/// Whether templates of a person may be made, by all consents there are, in any order, and the least version of the text
/// that suffices.
///
/// # Errors
/// [`ConsentMissing`].
pub fn may_enroll(consents: &[Consent], least_version: u64) -> Result<(), ConsentMissing> {
    let Some(in_force) = consents.iter().find(|consent| consent.end.is_none()) else {
        let withdrawn = |consent: &Consent| consent.end.as_ref().is_some_and(|end| end.how == EndedHow::Withdrawn);
        return Err(if consents.iter().any(withdrawn) { ConsentMissing::Withdrawn } else { ConsentMissing::Never });
    };
    match in_force.text_version {
        None => Err(ConsentMissing::BeforeRecords),
        Some(given) if given < least_version => Err(ConsentMissing::Outdated { given, wanted: least_version }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(text_version: Option<u64>, how: Option<EndedHow>) -> Consent {
        let at = UnixMillis(1);
        Consent {
            id: ConsentId::generate(),
            person: PersonId::generate(),
            text_version,
            language: None,
            method: ConsentMethod::Written,
            given_at: at,
            recorded_at: at,
            recorded_by: "user:1".into(),
            words: ConsentWords::default(),
            end: how.map(|how| ConsentEnd { at, how, method: None, by: String::new(), note: String::new() }),
        }
    }

    #[test]
    fn who_may_be_enrolled() {
        let check = |given: &[(Option<u64>, Option<EndedHow>)], least, expected| {
            let consents: Vec<Consent> = given.iter().map(|(version, end)| consent(*version, *end)).collect();
            assert_eq!(may_enroll(&consents, least), expected, "{given:?}, at least {least}");
        };
        check(&[], 1, Err(ConsentMissing::Never));
        check(&[(Some(1), None)], 1, Ok(()));
        check(&[(Some(3), None)], 2, Ok(()));
        check(&[(Some(1), None)], 2, Err(ConsentMissing::Outdated { given: 1, wanted: 2 }));
        check(&[(None, None)], 1, Err(ConsentMissing::BeforeRecords));
        check(&[(Some(1), Some(EndedHow::Withdrawn))], 1, Err(ConsentMissing::Withdrawn));
        check(&[(Some(1), Some(EndedHow::Withdrawn)), (Some(1), None)], 1, Ok(()));
        check(&[(Some(1), Some(EndedHow::Superseded)), (Some(2), None)], 2, Ok(()));
    }

    #[test]
    fn methods_read_back_and_nobody_records_one_of_before() {
        for method in ConsentMethod::RECORDED {
            assert_eq!(ConsentMethod::parse(method.as_str()), Some(method));
        }
        assert_eq!(ConsentMethod::parse("before_records"), None);
        assert_eq!(ConsentMethod::stored("before_records"), Some(ConsentMethod::BeforeRecords));
    }
}
