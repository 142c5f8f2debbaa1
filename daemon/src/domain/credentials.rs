//! Two slots for tokens: a new one is promoted only after it worked, the old one stays until then.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Tokens that end sooner than this are not worth a connection.
const LEAST_LEFT: Duration = Duration::from_secs(20);

/// A device token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The JWT; never printed.
    pub jwt: String,
    /// When it was given, server time.
    pub issued_at: UnixMillis,
    /// When it ends, server time.
    pub expires_at: UnixMillis,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(… until {})", self.expires_at)
    }
}

impl Token {
    /// Whether it can still be used at `now`.
    fn is_usable(&self, now: UnixMillis) -> bool {
        self.expires_at.since_ms(now) > i64::try_from(LEAST_LEFT.as_millis()).unwrap_or(i64::MAX)
    }

    /// When to ask for the next one: two thirds into its life.
    pub fn renew_at(&self) -> UnixMillis {
        UnixMillis(self.issued_at.0.saturating_add(self.expires_at.since_ms(self.issued_at).max(0) / 3 * 2))
    }
}

/// Which token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The one that worked last.
    Current,
    /// A new one that has not worked yet.
    Candidate,
}

/// The tokens held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    current: Option<Token>,
    candidate: Option<Token>,
}

impl Credentials {
    /// The token to connect with at `now`; `None` if a new one must be had first.
    pub fn choose(&self, now: UnixMillis) -> Option<(Slot, &Token)> {
        let slots = [(Slot::Candidate, &self.candidate), (Slot::Current, &self.current)];
        slots.into_iter().find_map(|(slot, token)| Some((slot, token.as_ref().filter(|t| t.is_usable(now))?)))
    }

    /// A new token was given.
    pub fn renewed(&mut self, token: Token) {
        self.candidate = Some(token);
    }

    /// The broker took the token: a candidate becomes the current one. Returns whether something changed.
    pub fn accepted(&mut self, slot: Slot) -> bool {
        let promoted = (slot == Slot::Candidate).then(|| self.candidate.take()).flatten();
        promoted.is_some_and(|token| {
            self.current = Some(token);
            true
        })
    }

    /// The broker refused the token: it is not tried again.
    pub fn refused(&mut self, slot: Slot) {
        match slot {
            Slot::Candidate => self.candidate = None,
            Slot::Current => self.current = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(jwt: &str, expires_s: i64) -> Token {
        Token { jwt: jwt.into(), issued_at: UnixMillis(0), expires_at: UnixMillis(expires_s * 1000) }
    }

    fn chosen(credentials: &Credentials, now_s: i64) -> Option<&str> {
        credentials.choose(UnixMillis(now_s * 1000)).map(|(_, token)| token.jwt.as_str())
    }

    #[test]
    fn a_new_token_is_promoted_only_after_it_worked() {
        let mut credentials = Credentials::default();
        assert_eq!(chosen(&credentials, 0), None);
        credentials.renewed(token("first", 600));
        assert!(credentials.accepted(Slot::Candidate));
        credentials.renewed(token("second", 900));
        assert_eq!(chosen(&credentials, 0), Some("second"));
        credentials.refused(Slot::Candidate);
        assert_eq!(chosen(&credentials, 0), Some("first"), "the one that worked is still there");
        assert_eq!(chosen(&credentials, 590), None, "about to end");
        credentials.renewed(token("third", 2000));
        credentials.accepted(Slot::Candidate);
        assert!(!credentials.accepted(Slot::Current));
        assert_eq!(chosen(&credentials, 700), Some("third"));
        assert!(!format!("{credentials:?}").contains("third"), "tokens are never printed");
    }

    #[test]
    fn renewal_comes_two_thirds_in() {
        assert_eq!(token("t", 900).renew_at(), UnixMillis(600_000));
    }
}
