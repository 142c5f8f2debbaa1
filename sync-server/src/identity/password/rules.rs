//! Which passwords may be set, after NIST SP 800-63B-4: long enough, nothing that attackers try first, and no rule about
//! what kinds of characters must be in it.

use super::Password;

/// The shortest password where it is all that guards an account, in characters.
pub const MIN_CHARS_ALONE: usize = 15;
/// The shortest password beside a second factor, in characters.
pub const MIN_CHARS_WITH_SECOND_FACTOR: usize = 8;
/// The longest, so that hashing a book is not a way to keep the server busy.
pub const MAX_PASSWORD_CHARS: usize = 256;
/// Guesses an attacker who knows what people choose needs at least, as a power of ten.
const MIN_GUESSES_LOG10: f64 = 8.0;

/// What a password has to stand up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It is all there is.
    Alone,
    /// A second factor stands beside it.
    WithSecondFactor,
}

/// A password that may not be set, and what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short or endless.
    #[error("a password has {min} to {MAX_PASSWORD_CHARS} characters, this one has {found}; a few words do well")]
    Length {
        /// The fewest.
        min: usize,
        /// Its length.
        found: usize,
    },
    /// One of those that are tried first.
    #[error("this password is among those that attackers try first, or is made of such; take a few unrelated words")]
    Common,
    /// It says whose it is.
    #[error("this password is made of the account's own name or address, or of the product's; take something else")]
    Personal,
}

impl Guard {
    const fn min_chars(self) -> usize {
        match self {
            Self::Alone => MIN_CHARS_ALONE,
            Self::WithSecondFactor => MIN_CHARS_WITH_SECOND_FACTOR,
        }
    }
}

impl Password {
    /// Whether it may be set for an account that is known by the names in `about`.
    ///
    /// # Errors
    /// [`WeakPassword`] with what is asked for.
    pub fn acceptable(&self, guard: Guard, about: &[&str]) -> Result<(), WeakPassword> {
        let (min, found) = (guard.min_chars(), self.chars());
        if !(min..=MAX_PASSWORD_CHARS).contains(&found) {
            return Err(WeakPassword::Length { min, found });
        }
        let guesses = |known: &[&str]| zxcvbn::zxcvbn(self.expose(), known).guesses_log10();
        let own: Vec<&str> = about.iter().copied().flat_map(parts).chain(["ostiary"]).collect();
        if guesses(&[]) < MIN_GUESSES_LOG10 {
            return Err(WeakPassword::Common);
        }
        let says_nothing_else = beside(self.expose(), &own).chars().count() < min / 2;
        if says_nothing_else || guesses(&own) < MIN_GUESSES_LOG10 { Err(WeakPassword::Personal) } else { Ok(()) }
    }
}

/// A name or address and the words it is made of.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    std::iter::once(text).chain(text.split(|c: char| !c.is_alphanumeric()).filter(|part| part.chars().count() > 2))
}

/// What is left of a password without these words.
fn beside(password: &str, words: &[&str]) -> String {
    words
        .iter()
        .filter(|word| !word.is_empty())
        .fold(password.to_lowercase(), |left, word| left.replace(&word.to_lowercase(), ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_length_and_for_something_of_ones_own() {
        let check = |guard, text: &str, expected: Result<(), WeakPassword>| {
            let found = Password::new(text).acceptable(guard, &["ada.lovelace", "ada@example.org"]);
            assert_eq!(found, expected, "{text}");
        };
        let length = |min, found| Err(WeakPassword::Length { min, found });
        check(Guard::Alone, "correct horse battery staple", Ok(()));
        check(Guard::Alone, "xkq7vr2pm9wz4th", Ok(()));
        check(Guard::Alone, "xkq7vr2pm9wz4t", length(15, 14));
        check(Guard::WithSecondFactor, "xkq7vr2pm9wz4t", Ok(()));
        check(Guard::WithSecondFactor, "xkq7vr2", length(8, 7));
        check(Guard::Alone, &"x".repeat(257), length(15, 257));
        check(Guard::Alone, "aaaaaaaaaaaaaaaaaaaa", Err(WeakPassword::Common));
        check(Guard::Alone, "passwordpassword", Err(WeakPassword::Common));
        check(Guard::Alone, "qwertyuiopasdfghjkl", Err(WeakPassword::Common));
        check(Guard::WithSecondFactor, "password1", Err(WeakPassword::Common));
        check(Guard::WithSecondFactor, "Passw0rd!", Err(WeakPassword::Common));
        check(Guard::Alone, "ada.lovelace.ada.lovelace", Err(WeakPassword::Personal));
        check(Guard::Alone, "ostiary-lovelace", Err(WeakPassword::Personal));
        check(Guard::Alone, "Lovelace-Example-Lovelace", Err(WeakPassword::Personal));
        check(Guard::Alone, "lovelace paints seven swans", Ok(()));
        check(
            Guard::Alone,
            "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{434}\u{43b}\u{44f} \u{434}\u{432}\u{435}\u{440}\u{438} 7",
            Ok(()),
        );
    }
}
