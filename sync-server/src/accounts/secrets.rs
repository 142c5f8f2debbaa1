//! Secrets that are handed out once and kept as hashes only: 256 random bits as text.
//!
//! What a secret is for is part of its hash, so that one of a kind is unknown wherever another is wanted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::AccountsError;
use crate::ports::accounts::Hash;

/// The longest text looked at as a secret.
const MAX_CHARS: usize = 128;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Renews a session.
    Refresh,
    /// A browser's session.
    Cookie,
    /// The second step of a log-in.
    SecondStep,
    /// An invitation's link.
    Invitation,
    /// A link for a new password.
    PasswordReset,
    /// A live connection.
    Ticket,
    /// A service's key.
    ApiKey,
}

impl Kind {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Refresh => b"refresh\0",
            Self::Cookie => b"cookie\0",
            Self::SecondStep => b"second step\0",
            Self::Invitation => b"invitation\0",
            Self::PasswordReset => b"password reset\0",
            Self::Ticket => b"ticket\0",
            Self::ApiKey => b"api key\0",
        }
    }
}

/// Random bytes of the system.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, AccountsError> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng.try_fill_bytes(bytes.as_mut()).map_err(|e| AccountsError::Random(e.to_string()))?;
    Ok(bytes)
}

/// A new secret, and the hash to keep.
pub fn fresh(kind: Kind) -> Result<(Zeroizing<String>, Hash), AccountsError> {
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>()?.as_slice()));
    let hash = hash(kind, &text);
    Ok((text, hash))
}

/// The hash a secret is found by. The secret has 256 random bits, so that a slow hash would protect nothing.
pub fn hash(kind: Kind, text: &str) -> Hash {
    let text = text.get(..MAX_CHARS).unwrap_or(text);
    Sha256::new().chain_update(kind.label()).chain_update(text.as_bytes()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_no_refresh_token() {
        let (text, kept) = fresh(Kind::Ticket).unwrap();
        assert_eq!(text.len(), 43);
        assert_eq!(hash(Kind::Ticket, &text), kept);
        assert_ne!(hash(Kind::Refresh, &text), kept);
        assert_ne!(*fresh(Kind::Ticket).unwrap().0, *text);
    }
}
