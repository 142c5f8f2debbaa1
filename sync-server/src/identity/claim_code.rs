//! Claim codes: what an admin types into a new device, once.

use std::fmt;

use rand::Rng;
use sha2::{Digest, Sha256};

/// Crockford's base 32: no I, L, O or U, so that a code can be read out and typed.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 5 bits each: 60 bits, which with 30 minutes and a rate limit cannot be guessed.
const SYMBOLS: usize = 12;
const GROUP: usize = 4;

/// A claim code, normalised: upper case, no dashes.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCodeText(String);

impl ClaimCodeText {
    /// A new random code.
    pub fn generate() -> Self {
        let mut random = rand::rng();
        Self((0..SYMBOLS).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect())
    }

    /// Reads a code as typed: case, dashes and spaces do not matter, and O, I and L are taken as the digits
    /// they look like. `None` if it cannot be a code.
    pub fn parse(text: &str) -> Option<Self> {
        let symbols = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let code: String = symbols.take(SYMBOLS + 1).map(symbol).collect::<Option<_>>()?;
        (code.len() == SYMBOLS).then_some(Self(code))
    }

    /// What the store keeps: SHA-256, hexadecimal. A plain hash is enough for 60 random bits that live for
    /// half an hour.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

fn symbol(typed: char) -> Option<char> {
    let upper = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.contains(&u8::try_from(upper).ok()?).then_some(upper)
}

impl fmt::Display for ClaimCodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, c) in self.0.chars().enumerate() {
            let dash = if i > 0 && i % GROUP == 0 { "-" } else { "" };
            write!(f, "{dash}{c}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ClaimCodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCodeText(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(typed: &str, expected: Option<&str>) {
        assert_eq!(ClaimCodeText::parse(typed).map(|code| code.to_string()).as_deref(), expected, "{typed}");
    }

    #[test]
    fn reads_what_people_type() {
        check("0123-4567-89AB", Some("0123-4567-89AB"));
        check("01234567 89ab", Some("0123-4567-89AB"));
        check("oiL3-4567-89AB", Some("0113-4567-89AB"));
        check("0123-4567-89A", None);
        check("0123-4567-89ABC", None);
        check("0123-4567-89AU", None);
        check("0123-4567-89A\u{e9}", None);
        check("", None);
    }

    #[test]
    fn a_shown_code_reads_back() {
        let code = ClaimCodeText::generate();
        assert_eq!(ClaimCodeText::parse(&code.to_string().to_lowercase()).unwrap(), code);
        assert_ne!(ClaimCodeText::generate().hash(), code.hash());
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = ClaimCodeText::parse(&text);
        }
    }
}
