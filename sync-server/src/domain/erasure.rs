//! Removing a person for good: what it takes from events, who must confirm it, and what a confirmation is.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, ErasureId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{EventRecord, Revision};

/// Why a person was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureReason {
    /// Somebody asked for it.
    Asked,
    /// The person's validity ended, and it was set down that this erases.
    Expired,
    /// The person withdrew the consent.
    Withdrawn,
    /// The person was merged into another one, or the split that made them was undone.
    Merged,
}

impl ErasureReason {
    /// The reason's name in store and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Merged => "merged",
        }
    }

    /// Reads a reason's name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Asked, Self::Expired, Self::Withdrawn, Self::Merged].into_iter().find(|reason| reason.as_str() == text)
    }
}

/// A person's removal.
#[derive(Clone, Debug, PartialEq)]
pub struct Erasure {
    /// Id.
    pub id: ErasureId,
    /// Who it was: an id that stands for nobody any more.
    pub person: PersonId,
    /// The tombstone's revision: a device that holds this revision or a later one holds the person no more.
    pub rev: Revision,
    /// Why.
    pub reason: ErasureReason,
    /// When the person, the templates and the person's key were deleted, in one transaction.
    pub at: UnixMillis,
    /// How many events told of the person, and tell it no longer.
    pub events: u64,
    /// When that was done, and no copy of the key was left in the database's log.
    pub cleared_at: Option<UnixMillis>,
    /// When nobody was outstanding any more.
    pub completed_at: Option<UnixMillis>,
    /// How the devices stand that were claimed then.
    pub counts: ErasureCounts,
}

/// How many devices stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasureCounts {
    /// All that were claimed when the person was removed.
    pub devices: u64,
    /// Those that confirmed, in whichever way.
    pub confirmed: u64,
    /// Those not heard of since.
    pub waiting: u64,
    /// Those shut out before they confirmed.
    pub revoked: u64,
}

/// One device that may have held the person.
#[derive(Clone, Debug, PartialEq)]
pub struct ErasureDevice {
    /// The device.
    pub device: DeviceId,
    /// Its name now.
    pub name: String,
    /// How it stands.
    pub state: ConfirmationState,
    /// What it said.
    pub confirmation: Option<Confirmation>,
}

/// How a device stands to an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmationState {
    /// It signed that it holds a gallery without the person.
    Confirmed,
    /// It said so without a signature, as older daemons do.
    Unsigned,
    /// A new unit in its place signed; what became of the old unit is not known.
    Replaced,
    /// It was not heard of since.
    Waiting,
    /// It is shut out, and will never be heard of.
    Revoked,
}

impl ConfirmationState {
    /// How a device stands, by what is known of it.
    pub fn of(confirmation: Option<&Confirmation>, key_then: Option<&str>, active: bool) -> Self {
        match confirmation {
            Some(said) if said.key_pem.as_deref() != key_then => Self::Replaced,
            Some(said) if said.signature.is_some() => Self::Confirmed,
            Some(_) => Self::Unsigned,
            None if active => Self::Waiting,
            None => Self::Revoked,
        }
    }

    /// The state's name in API and receipt.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Unsigned => "unsigned",
            Self::Replaced => "replaced",
            Self::Waiting => "waiting",
            Self::Revoked => "revoked",
        }
    }
}

/// A device's word that it holds exactly this gallery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The revision it holds.
    pub rev: Revision,
    /// The digest it computed over what it holds, which is the one it should have.
    pub digest: GalleryDigest,
    /// Taken in at, server time.
    pub at: UnixMillis,
    /// Its own time, as signed.
    pub said_at: Option<UnixMillis>,
    /// Ed25519 over [`ostiary_common::wire::holding_statement`], checked.
    pub signature: Option<Vec<u8>>,
    /// The key the device had, SPKI PEM: what the signature was checked with.
    pub key_pem: Option<String>,
}

/// Takes everything out of a record that tells of `person`: that it was them, whom it resembled, and what they looked
/// like. What happened stays. `false` if it told nothing.
pub fn forget_person(record: &mut EventRecord, person: PersonId) -> bool {
    let Some(visit) = record.visit.as_mut() else { return false };
    let matched = visit.matched.is_some_and(|matched| matched.person == person);
    let nearest = visit.nearest.is_some_and(|nearest| nearest.person == person);
    if matched {
        visit.matched = None;
        visit.embedding = None;
        visit.crop_jpeg = None;
    }
    if nearest {
        visit.nearest = None;
    }
    matched || nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_device_stands() {
        let check = |signed: bool, key: Option<&str>, confirmed: bool, active: bool, expected| {
            let confirmation = confirmed.then(|| Confirmation {
                rev: Revision(3),
                digest: GalleryDigest::default(),
                at: UnixMillis(1),
                said_at: signed.then_some(UnixMillis(1)),
                signature: signed.then(|| vec![0; 64]),
                key_pem: key.map(str::to_owned),
            });
            assert_eq!(ConfirmationState::of(confirmation.as_ref(), Some("key"), active), expected);
        };
        check(true, Some("key"), true, true, ConfirmationState::Confirmed);
        // It confirmed, and was shut out later.
        check(true, Some("key"), true, false, ConfirmationState::Confirmed);
        check(false, Some("key"), true, true, ConfirmationState::Unsigned);
        check(true, Some("another"), true, true, ConfirmationState::Replaced);
        check(false, None, false, true, ConfirmationState::Waiting);
        check(false, None, false, false, ConfirmationState::Revoked);
    }
}
