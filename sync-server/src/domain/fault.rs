//! Errors of the program itself, grouped: the same place and the same words are one fault, however often it occurs.

use std::fmt;

use ostiary_common::time::UnixMillis;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Longest text kept of a message or its template, in characters.
const MAX_WORDS: usize = 300;
/// Spans that tell one fault from another; what lies further out says only how it came to be asked.
const TOP_FRAMES: usize = 3;
/// Hexadecimal digits of a fingerprint: enough that two of some hundred faults never share one.
const FINGERPRINT_DIGITS: usize = 16;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Something that was noticed and handled.
    Error,
    /// Something nobody had thought of.
    Panic,
}

impl FaultKind {
    /// Its name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
        }
    }

    /// Reads its name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Error, Self::Panic].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Names a group of faults.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of the part of the program, the words without what differs from time to time, and the innermost frames.
    #[must_use]
    pub fn of(kind: FaultKind, target: &str, template: &str, frames: &[String]) -> Self {
        let mut hash = Sha256::new();
        for part in
            [kind.as_str(), target, template].into_iter().chain(frames.iter().take(TOP_FRAMES).map(String::as_str))
        {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut digits = hex::encode(hash.finalize());
        digits.truncate(FINGERPRINT_DIGITS);
        Self(digits)
    }

    /// Reads a fingerprint; nothing if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == FINGERPRINT_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything known of one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultGroup {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// What kind it is.
    pub kind: FaultKind,
    /// The part of the program.
    pub target: String,
    /// Its words without what differs from time to time.
    pub template: String,
    /// Its words the last time.
    pub message: String,
    /// Where, and within what, the last time; innermost first.
    pub stack: String,
    /// The program's version the last time.
    pub version: String,
    /// How often.
    pub count: u64,
    /// The first time.
    pub first_at: UnixMillis,
    /// The last time.
    pub last_at: UnixMillis,
    /// When and by whom it was said to be dealt with; nothing again once it recurs.
    pub resolved: Option<(UnixMillis, String)>,
}

/// A message cut to what is kept.
#[must_use]
pub fn cut(message: &str) -> String {
    message.chars().take(MAX_WORDS).collect()
}

/// A message without what differs from time to time: ids, numbers, addresses and quoted names become `_`.
#[must_use]
pub fn template(message: &str) -> String {
    let mut words = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let taken = varying(rest).unwrap_or(0);
        if taken > 0 {
            // What is put together of several (an address and a port) is one.
            let joined = words.ends_with(['-', '.', ':', '/', '+']) && words[..words.len() - 1].ends_with('_');
            if joined {
                words.pop();
            } else if !words.ends_with('_') {
                words.push('_');
            }
            rest = &rest[taken..];
            continue;
        }
        let word = rest.find(|c: char| !c.is_alphanumeric()).filter(|end| *end > 0).unwrap_or(first.len_utf8());
        words.push_str(&rest[..word]);
        rest = &rest[word..];
    }
    cut(&words)
}

/// How many bytes at the start differ from time to time.
fn varying(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '`' | '\''));
    if let Some(quote) = quote
        && let Some(end) = text[1..].find(quote)
    {
        return Some(end + 2);
    }
    if text.get(..36).is_some_and(|id| Uuid::try_parse(id).is_ok()) {
        return Some(36);
    }
    let word = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    text[..word].contains(|c: char| c.is_ascii_digit()).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_from_time_to_time_is_left_out() {
        let check = |message: &str, expected: &str| assert_eq!(template(message), expected, "{message}");
        check("the store is busy", "the store is busy");
        check("device 01a1fbf4-6ba3-75d3-87f4-fee01a1eec83 is gone", "device _ is gone");
        check("after 17 tries, 3.5 s", "after _ tries, _ s");
        check("connecting to 10.0.0.1:8883 failed", "connecting to _ failed");
        check("no person `Ada` in \"hall\"", "no person _ in _");
        check("digest 4af01b differs", "digest _ differs");
        check("it's late", "it's late");
        check("", "");
        check("größer als 5 Meter", "größer als _ Meter");
        assert_eq!(template(&"word ".repeat(1000)).chars().count(), MAX_WORDS);
    }

    #[test]
    fn the_same_place_and_words_are_one_fault() {
        let of = |target: &str, message: &str, frames: &[&str]| {
            let frames: Vec<String> = frames.iter().map(|frame| (*frame).to_owned()).collect();
            Fingerprint::of(FaultKind::Error, target, &template(message), &frames)
        };
        let first = of("link", "batch 7 lost", &["a", "b", "c", "d"]);
        assert_eq!(first, of("link", "batch 8 lost", &["a", "b", "c", "other"]));
        assert_ne!(first, of("http", "batch 7 lost", &["a", "b", "c"]));
        assert_ne!(first, of("link", "batch 7 found", &["a", "b", "c"]));
        assert_ne!(first, of("link", "batch 7 lost", &["a", "b"]));
        assert_eq!(Fingerprint::parse(first.as_str()), Some(first));
        assert_eq!(Fingerprint::parse("../../etc"), None);
    }

    proptest! {
        #[test]
        fn any_message_has_a_template_and_its_template_is_its_own(message in "\\PC{0,80}") {
            let once = template(&message);
            prop_assert_eq!(template(&once.replace(['"', '`', '\''], " ")), once.replace(['"', '`', '\''], " "));
        }
    }
}
