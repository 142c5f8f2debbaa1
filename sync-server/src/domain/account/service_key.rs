//! API keys of services: how they look, so that scanners find one that leaked, and what is kept of them.
//!
//! ```text
//! ost_<43 characters: 32 random bytes, base 62><6 characters: CRC-32 of what is before, base 62>
//! ```

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::ids::ApiKeyId;
use crate::domain::access::Permission;

/// What every key begins with.
pub const PREFIX: &str = "ost_";
const SECRET_BYTES: usize = 32;
/// 62^43 > 2^256.
const SECRET_CHARS: usize = 43;
/// 62^6 > 2^32.
const CHECK_CHARS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key's text, of 32 random bytes.
#[must_use]
pub fn text(secret: [u8; SECRET_BYTES]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + SECRET_CHARS + CHECK_CHARS));
    text.push_str(PREFIX);
    text.push_str(&base62(&secret, SECRET_CHARS));
    let check = crc32fast::hash(text.as_bytes());
    text.push_str(&base62(&check.to_be_bytes(), CHECK_CHARS));
    text
}

/// Whether the text can be a key at all: the store is not asked for anything else.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    let Some((body, check)) = text.len().checked_sub(CHECK_CHARS).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    text.len() == PREFIX.len() + SECRET_CHARS + CHECK_CHARS
        && text.starts_with(PREFIX)
        && check == base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECK_CHARS)
}

/// The end of a key's random part, by which people tell keys apart; gives away 24 of 256 bits.
#[must_use]
pub fn hint(text: &str) -> &str {
    let end = text.len().saturating_sub(CHECK_CHARS);
    text.get(end.saturating_sub(4)..end).unwrap_or_default()
}

/// A big-endian number in base 62, with zeros in front.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; width];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_usize;
        for byte in &mut number {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).expect("less than 256, since the rest is less than 62");
            rest = value % 62;
        }
        *digit = DIGITS[rest];
    }
    digits.into_iter().map(char::from).collect()
}

/// A key to be kept.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Id.
    pub id: ApiKeyId,
    /// The service.
    pub account: UserId,
    /// SHA-256 of the text.
    pub key_hash: [u8; 32],
    /// [`hint`].
    pub hint: String,
    /// What it is for.
    pub name: String,
    /// All it may of what its service may; `None` for everything.
    pub permissions: Option<Vec<Permission>>,
    /// Made at.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
}

/// A key as stored.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Id.
    pub id: ApiKeyId,
    /// [`hint`].
    pub hint: String,
    /// What it is for.
    pub name: String,
    /// All it may of what its service may; `None` for everything.
    pub permissions: Option<Vec<Permission>>,
    /// Made at.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// When and from where it was last used; within a minute.
    pub last_used: Option<(UnixMillis, String)>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_can_be_told_from_other_text() {
        let key = text([7; 32]);
        assert_eq!((key.len(), &key[..4]), (53, "ost_"));
        assert!(is_well_formed(&key));
        assert_eq!(hint(&key), &key[43..47]);
        let check = |text: &str| assert!(!is_well_formed(text), "{text}");
        check("");
        check("ost_");
        check(&key[1..]);
        check(&key.replace("ost_", "xst_"));
        check(&format!("{}0", &key[..52]).replace(&*key, "-"));
        check(&"\u{e9}".repeat(30));
        assert_eq!(*text([255; 32]), *text([255; 32]));
        assert_eq!(text([0; 32])[4..47], "0".repeat(43));
    }

    proptest! {
        #[test]
        fn every_key_is_well_formed_and_no_slip_is(secret: [u8; 32], at in 4_usize..53, to in 0_usize..62) {
            let key = text(secret);
            prop_assert!(is_well_formed(&key));
            let mut slip = key.to_string().into_bytes();
            slip[at] = DIGITS[to];
            let slip = String::from_utf8(slip).unwrap();
            prop_assert_eq!(is_well_formed(&slip), slip == *key);
        }
    }
}
