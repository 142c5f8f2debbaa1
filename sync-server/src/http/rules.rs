//! Rules for values as sent, beyond those that `garde` has.

use std::fmt;

use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::problem::ApiError;
use crate::domain::account::{Email, Login};
use crate::domain::profile::MOST_NOTES_CHARS;
use crate::domain::recognition::{Share, Similarity};

/// Passwords, tokens, what somebody types as a login name: longer than any of them is, and short enough to be hashed.
/// Within this, what is wrong with a secret is not told here, but by whoever compares it.
pub const MOST_SECRET_BYTES: usize = 8 * 1024;

/// A time as sent: RFC 3339, as in `2026-11-21T08:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rfc3339(pub UnixMillis);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Rfc3339;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time as in `2026-11-21T08:00:00Z` (RFC 3339)")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rfc3339, E> {
                let invalid = || E::invalid_value(de::Unexpected::Str(text), &self);
                UnixMillis::parse_rfc3339(text).map(Rfc3339).ok_or_else(invalid)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// One of a few words, if anything was said.
pub fn one_of<'a>(allowed: &'a [&'a str]) -> impl FnOnce(&Option<String>, &()) -> garde::Result + 'a {
    move |value, ()| match value {
        Some(text) if !allowed.contains(&text.as_str()) => {
            Err(garde::Error::new(format!("must be one of {}", allowed.join(", "))))
        }
        _ => Ok(()),
    }
}

/// A text without control characters: not every database takes them, and nobody means them.
///
/// # Errors
/// What is wrong with it.
pub fn plain(text: &str, _: &()) -> garde::Result {
    if text.chars().any(char::is_control) {
        Err(garde::Error::new("must not contain control characters"))
    } else {
        Ok(())
    }
}

/// Notes: at most 4000 characters, no control characters but line ends and tabs.
///
/// # Errors
/// What is wrong with them.
pub fn notes(text: &str, _: &()) -> garde::Result {
    if text.chars().count() > MOST_NOTES_CHARS {
        return Err(garde::Error::new(format!("at most {MOST_NOTES_CHARS} characters")));
    }
    let control = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    if control { Err(garde::Error::new("must not contain control characters")) } else { Ok(()) }
}

/// The same name, trimmed and normalised.
///
/// # Errors
/// [`ApiError::Invalid`].
pub fn parsed_name(text: &str) -> Result<String, ApiError> {
    let name = crate::domain::name::Name::parse(text);
    Ok(name.map_err(|e| ApiError::Invalid { field: "name", detail: e.to_string() })?.into_string())
}

/// A name of a site, door, device, group or person.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str, _: &()) -> garde::Result {
    crate::domain::name::Name::parse(text).map(drop).map_err(garde::Error::new)
}

/// A login name for a new account.
///
/// # Errors
/// What is wrong with it.
pub fn login(text: &str, _: &()) -> garde::Result {
    Login::parse(text).map(drop).map_err(garde::Error::new)
}

/// An e-mail address.
///
/// # Errors
/// What is wrong with it.
pub fn email(text: &str, _: &()) -> garde::Result {
    Email::parse(text).map(drop).map_err(garde::Error::new)
}

/// A share of visits: above 0 and below 1.
///
/// # Errors
/// What is wrong with it.
pub fn share(value: &f32, _: &()) -> garde::Result {
    Share::parse(*value).map(drop).map_err(garde::Error::new)
}

/// A similarity of faces (cosine): 0 to 1.
///
/// # Errors
/// What is wrong with it.
pub fn similarity(value: &f32, _: &()) -> garde::Result {
    Similarity::parse(*value).map(drop).map_err(garde::Error::new)
}
