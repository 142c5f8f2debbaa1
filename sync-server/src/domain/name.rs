//! Names people give to persons, doors, sites and devices.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// The most characters a name may have.
pub const MAX_NAME_CHARS: usize = 100;

/// A name: trimmed, Unicode NFC, 1 to [`MAX_NAME_CHARS`] characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

/// The text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing but spaces.
    #[error("a name must not be empty")]
    Empty,
    /// Too long.
    #[error("a name has at most {MAX_NAME_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// Line breaks, bidirectional overrides, and the like, which could make a list show something false.
    #[error("a name must not contain control characters (found U+{0:04X})")]
    Control(u32),
}

impl Name {
    /// Trims, normalises and checks.
    ///
    /// # Errors
    /// [`InvalidName`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name: String = text.trim().nfc().collect();
        let length = name.chars().count();
        if let Some(control) = name.chars().find(|c| deceives(*c)) {
            return Err(InvalidName::Control(control.into()));
        }
        match length {
            0 => Err(InvalidName::Empty),
            1..=MAX_NAME_CHARS => Ok(Self(name)),
            _ => Err(InvalidName::TooLong(length)),
        }
    }

    /// As text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Control characters, and the invisible ones that reorder what a reader sees.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, InvalidName>) {
        assert_eq!(Name::parse(text).map(Name::into_string), expected.map(str::to_owned), "{text:?}");
    }

    #[test]
    fn parses_names() {
        check("  Front door ", Ok("Front door"));
        check("Zoe\u{308}", Ok("Zo\u{eb}"));
        check("", Err(InvalidName::Empty));
        check(" \t ", Err(InvalidName::Empty));
        check("a\nb", Err(InvalidName::Control(0x0A)));
        check("a\u{202E}b", Err(InvalidName::Control(0x202E)));
        check(&"x".repeat(100), Ok(&"x".repeat(100)));
        check(&"x".repeat(101), Err(InvalidName::TooLong(101)));
    }
}
