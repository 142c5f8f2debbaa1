//! Identifiers. Each is a UUID with a type of its own, so that a person's id cannot stand where a
//! template's is wanted. New ids are version 7: they sort by the time they were made.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::uuid_id;

/// The text is not a UUID.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a valid {kind} id: expected a UUID like 0197f2a0-1c3b-7d2e-9f00-1234567890ab")]
pub struct InvalidId {
    /// Which kind of id was wanted.
    pub kind: &'static str,
    /// What stood there instead, cut to a printable length.
    pub text: String,
}

/// A type of ids: `uuid_id!(/// What it names.` `NameId, "kind");`. Whoever uses it depends on `serde` and `uuid`.
#[macro_export]
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub ::uuid::Uuid);

        impl $name {
            /// A new id, ordered by the present time (UUID version 7).
            #[must_use]
            pub fn generate() -> Self {
                Self(::uuid::Uuid::now_v7())
            }

            /// The id's 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::write!(f, ::std::concat!($kind, ":{}"), self.0)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ids::InvalidId;
            fn from_str(text: &str) -> Result<Self, $crate::ids::InvalidId> {
                ::uuid::Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| $crate::ids::InvalidId { kind: $kind, text: text.chars().take(64).collect() })
            }
        }
    };
}

uuid_id!(/// A building.
    SiteId, "site");
uuid_id!(/// A place people pass.
    DoorId, "door");
uuid_id!(/// A camera unit watching a door.
    DeviceId, "device");
uuid_id!(/// Someone enrolled.
    PersonId, "person");
uuid_id!(/// An embedding kept for a person.
    TemplateId, "template");
uuid_id!(/// One visit, or one report of a device about itself; the key of deduplication.
    EventId, "event");
uuid_id!(/// One message on the wire.
    MsgId, "message");
uuid_id!(/// One life of a device's outbox: sequence numbers count from 1 within it. A new one is made when
    /// the outbox had to be given up as damaged, so that old and new numbers are never confused.
    StreamId, "stream");
uuid_id!(/// One boot of a device, as the kernel names it.
    BootId, "boot");
uuid_id!(/// The key a device's gallery is sealed with on the way; a new one after a revocation or a move.
    GalleryKeyId, "gallery key");
uuid_id!(/// A set of persons, by which doors are told whom they may know.
    GroupId, "group");
uuid_id!(/// The removal of a person for good, followed until every device has confirmed it.
    ErasureId, "erasure");
uuid_id!(/// A guided capture, or a clip whose looks wait for approval.
    CaptureId, "capture");
uuid_id!(/// Somebody being enrolled at a door.
    EnrollmentId, "enrollment");
uuid_id!(/// Somebody nobody knows, seen once or more: visits that were put together.
    UnknownId, "unknown visitor");
uuid_id!(/// A merge or a split of persons, which can be undone for a while.
    PersonChangeId, "change of persons");
uuid_id!(/// What somebody said of an event.
    JudgementId, "judgement");
uuid_id!(/// An account of a person or service on the server.
    UserId, "user");
uuid_id!(/// A token's id (`jti`).
    TokenId, "token");

/// Names a model pack at a version, as `id@version`. Embeddings of different packs are never compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackId(String);

/// The text is not a pack id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a model pack id: expected `name@version` of a-z, 0-9, `-`, `_`, `.`, at most 64 characters")]
pub struct InvalidPackId(String);

impl PackId {
    /// Parses `name@version`.
    ///
    /// # Errors
    /// [`InvalidPackId`] if there is no `@`, a part is empty, or a character is outside `[a-z0-9._-]`.
    pub fn parse(text: &str) -> Result<Self, InvalidPackId> {
        let refused = || InvalidPackId(text.chars().take(80).collect());
        let (name, version) = text.split_once('@').ok_or_else(refused)?;
        let fits = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if text.len() <= 64 && fits(name) && fits(version) { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pack:{}", self.0)
    }
}

impl TryFrom<String> for PackId {
    type Error = InvalidPackId;
    fn try_from(text: String) -> Result<Self, InvalidPackId> {
        Self::parse(&text)
    }
}

impl From<PackId> for String {
    fn from(id: PackId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_what_they_print_and_refuse_the_rest() {
        let id = PersonId::generate();
        assert_eq!(id.to_string().parse::<PersonId>().unwrap(), id);
        for bad in ["", "x", "0197f2a0", "../../etc"] {
            assert!(bad.parse::<PersonId>().unwrap_err().to_string().contains("person id"), "{bad}");
        }
    }

    #[test]
    fn pack_ids() {
        for (text, fits) in [
            ("ostiary-default@1", true),
            ("a@1.2.3", true),
            ("a", false),
            ("@1", false),
            ("a@", false),
            ("A@1", false),
            ("a/b@1", false),
            ("a@1@2", false),
        ] {
            assert_eq!(PackId::parse(text).is_ok(), fits, "{text}");
        }
    }
}
