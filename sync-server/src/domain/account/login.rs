//! Login names and e-mail addresses: one form for what people type in many.

use std::fmt;

use ostiary_common::ids::UserId;
use unicode_normalization::UnicodeNormalization;

/// The most characters of a login name.
pub const MAX_LOGIN_CHARS: usize = 100;
/// The most characters of an e-mail address (RFC 5321: 64 + 1 + 255, within a path of 256).
pub const MAX_EMAIL_CHARS: usize = 254;

/// A login name: NFKC, lower case, 1 to [`MAX_LOGIN_CHARS`] characters, nothing invisible, so that two names that look
/// alike to the keyboard are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login(String);

/// An e-mail address: one `@`, a domain with or without dots, lower case, nothing invisible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// The text cannot be a login name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a login name has 1 to {MAX_LOGIN_CHARS} letters, digits or signs, and no spaces within or control characters")]
pub struct InvalidLogin;

/// The text cannot be an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address like ada@example.org")]
pub struct InvalidEmail;

impl Login {
    /// Folds and checks.
    ///
    /// # Errors
    /// [`InvalidLogin`].
    pub fn parse(text: &str) -> Result<Self, InvalidLogin> {
        let login = folded(text);
        let usable = (1..=MAX_LOGIN_CHARS).contains(&login.chars().count()) && !login.chars().any(misleads);
        // Services are named by their ids; nobody takes such a name.
        let reserved = login.starts_with(SERVICE_PREFIX);
        if usable && !reserved { Ok(Self(login)) } else { Err(InvalidLogin) }
    }

    /// As stored, whatever rules there were when it was chosen.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(folded(text))
    }

    /// The login name of a service, which nobody logs in with.
    #[must_use]
    pub fn of_service(id: UserId) -> Self {
        Self(format!("{SERVICE_PREFIX}{id}"))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const SERVICE_PREFIX: &str = "service:";

impl Email {
    /// Folds and checks. Whether it exists, only a message to it can tell.
    ///
    /// # Errors
    /// [`InvalidEmail`].
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let email = folded(text);
        let (local, domain) = email.split_once('@').ok_or(InvalidEmail)?;
        let domain_fits = !domain.is_empty() && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'));
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let fits = domain_fits && local_fits && !domain.starts_with(['.', '-']) && !domain.ends_with(['.', '-']);
        if fits && email.chars().count() <= MAX_EMAIL_CHARS { Ok(Self(email)) } else { Err(InvalidEmail) }
    }

    /// As stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn folded(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

/// What cannot be seen, or hides what is there.
fn misleads(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_logins() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Login::parse(text).ok().map(|l| l.to_string()).as_deref(), expected, "{text:?}");
        };
        check(" Ada ", Some("ada"));
        check("ADA@example.org", Some("ada@example.org"));
        check("\u{FF21}da", Some("ada"));
        check("Zoe\u{308}", Some("zo\u{eb}"));
        check("", None);
        check("a b", None);
        check("a\u{200B}b", None);
        check("service:1", None);
        check(&"x".repeat(101), None);
    }

    #[test]
    fn knows_an_address() {
        let check = |text: &str, expected: bool| assert_eq!(Email::parse(text).is_ok(), expected, "{text:?}");
        check("ada@example.org", true);
        check(" Ada.L+door@Example.ORG ", true);
        check("root@localhost", true);
        check("ada", false);
        check("@example.org", false);
        check("ada@", false);
        check("a@b@c", false);
        check("ada@exa mple.org", false);
        check("ada@example.org\r\nBcc: x@y.z", false);
        check("ada@.org", false);
        check(&format!("{}@example.org", "x".repeat(65)), false);
    }
}
