//! What people say of events, and what follows from it. Machines read judgements and never alter them.

mod accuracy;
mod advice;

use ostiary_common::ids::{DoorId, EventId, JudgementId, PackId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;

pub use accuracy::{Counts, Rates, Totals, by_person};
pub use advice::{Advice, LEAST_STRANGERS, Scores};

use super::event::EventKind;

/// What somebody says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was as the event says: this person, a stranger, an attack, nothing to be judged.
    Right,
    /// It was not the person named, but somebody else or a stranger.
    WrongPerson,
    /// It was somebody who should have been known.
    KnownAs,
    /// There was no face.
    NotAFace,
    /// It was a picture, a screen, a mask.
    Spoof,
    /// It was a live face after all.
    Live,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 6] = [Self::Right, Self::WrongPerson, Self::KnownAs, Self::NotAFace, Self::Spoof, Self::Live];

    /// The verdict's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::WrongPerson => "wrong_person",
            Self::KnownAs => "known_as",
            Self::NotAFace => "not_a_face",
            Self::Spoof => "spoof",
            Self::Live => "live",
        }
    }

    /// Reads a verdict's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == text)
    }

    /// Whether it can be said of an event of this kind, with or without saying who it was.
    #[must_use]
    pub const fn fits(self, kind: EventKind, names: bool) -> bool {
        match (kind, self) {
            (EventKind::Match, Self::WrongPerson) => true,
            (EventKind::Unknown | EventKind::SpoofSuspected | EventKind::Unusable, Self::KnownAs) => names,
            (EventKind::Match | EventKind::Unknown, Self::Right | Self::NotAFace | Self::Spoof)
            | (EventKind::SpoofSuspected, Self::Right | Self::NotAFace | Self::Live)
            | (EventKind::Unusable, Self::Right | Self::NotAFace) => !names,
            _ => false,
        }
    }
}

/// A judgement, with what of the event is needed to count it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Id.
    pub id: JudgementId,
    /// The event.
    pub event: EventId,
    /// Where it happened.
    pub site: SiteId,
    /// Where it happened.
    pub door: DoorId,
    /// The model pack that decided.
    pub pack: PackId,
    /// When it happened.
    pub at: UnixMillis,
    /// What the event says.
    pub kind: EventKind,
    /// Similarity to the person named, or of an unknown to the nearest one.
    pub score: Option<f32>,
    /// The threshold that applied.
    pub threshold: Option<f32>,
    /// Whom the event names.
    pub named: Option<PersonId>,
    /// Whom an unknown was nearest to.
    pub nearest: Option<PersonId>,
    /// What is said of it.
    pub verdict: Verdict,
    /// Who it was.
    pub person: Option<PersonId>,
    /// Who says so, as the audit log names them.
    pub judged_by: String,
    /// When.
    pub judged_at: UnixMillis,
    /// Who withdrew it, or said something else instead.
    pub withdrawn_by: Option<String>,
    /// When.
    pub withdrawn_at: Option<UnixMillis>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_said_of_what() {
        let check = |kind, verdict: Verdict, names, expected| {
            assert_eq!(verdict.fits(kind, names), expected, "{kind:?} {verdict:?} {names}");
        };
        check(EventKind::Match, Verdict::Right, false, true);
        check(EventKind::Match, Verdict::Right, true, false);
        check(EventKind::Match, Verdict::WrongPerson, false, true);
        check(EventKind::Match, Verdict::WrongPerson, true, true);
        check(EventKind::Match, Verdict::KnownAs, true, false);
        check(EventKind::Unknown, Verdict::KnownAs, true, true);
        check(EventKind::Unknown, Verdict::KnownAs, false, false);
        check(EventKind::Unknown, Verdict::WrongPerson, false, false);
        check(EventKind::SpoofSuspected, Verdict::Live, false, true);
        check(EventKind::SpoofSuspected, Verdict::Spoof, false, false);
        check(EventKind::Report, Verdict::Right, false, false);
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
        }
    }
}
