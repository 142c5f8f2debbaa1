//! An account's key: its names, addresses and second factor are sealed with it.

use ostiary_common::seal::{OpenError, SealKey};

/// What of an account lies sealed; part of what binds a value to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountField {
    /// Login name.
    Login,
    /// Display name.
    Name,
    /// E-mail address.
    Email,
    /// Secret of the second factor.
    SecondFactor,
    /// Where a session or a key was used from.
    Address,
    /// What a session was used with.
    UserAgent,
    /// Where a browser takes messages.
    Push,
    /// What was looked for.
    Search,
}

impl AccountField {
    const fn place(self) -> &'static [u8] {
        match self {
            Self::Login => b"account/login",
            Self::Name => b"account/name",
            Self::Email => b"account/email",
            Self::SecondFactor => b"account/second factor",
            Self::Address => b"account/address",
            Self::UserAgent => b"account/user agent",
            Self::Push => b"account/push",
            Self::Search => b"account/search",
        }
    }
}

/// Seals what belongs to one account.
#[derive(Debug)]
pub struct AccountKey(SealKey);

impl AccountKey {
    pub(super) const fn new(key: SealKey) -> Self {
        Self(key)
    }

    /// Seals a value.
    pub fn seal(&self, field: AccountField, plain: &[u8]) -> Vec<u8> {
        self.0.seal(field.place(), plain)
    }

    /// Opens a value.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, field: AccountField, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(field.place(), sealed)
    }

    /// Opens a text.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_text(&self, field: AccountField, sealed: &[u8]) -> Result<String, OpenError> {
        String::from_utf8(self.open(field, sealed)?).map_err(|_| OpenError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_not_a_name() {
        let key = AccountKey::new(SealKey::generate());
        let sealed = key.seal(AccountField::Login, b"ada");
        assert_eq!(key.open_text(AccountField::Login, &sealed).unwrap(), "ada");
        assert!(key.open_text(AccountField::Name, &sealed).is_err());
        assert!(AccountKey::new(SealKey::generate()).open(AccountField::Login, &sealed).is_err());
    }
}
