//! Two slots for tokens: a new one is promoted only after it worked, the old one stays until then.
//!
//! How long a token still lives is counted from its receipt on the clock that never jumps. Only after a restart the
//! wall clock is asked, and then the worst it can do is to have a token asked for too soon or refused too late.

use std::time::Duration;

use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Tokens that end sooner than this are not worth a connection.
const LEAST_LEFT: Duration = Duration::from_secs(20);

/// The present moment by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Wall time; it may jump.
    pub wall: UnixMillis,
    /// Time since the program started; it never jumps.
    pub elapsed: Duration,
}

/// A device token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The JWT; never printed.
    pub jwt: String,
    /// When it was given, server time.
    pub issued_at: UnixMillis,
    /// When it ends, server time.
    pub expires_at: UnixMillis,
    /// When it came, counted from the program's start; `None` for one that an earlier run got.
    #[serde(skip)]
    pub received: Option<Duration>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(… until {})", self.expires_at)
    }
}

impl Token {
    fn life(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.expires_at.since_ms(self.issued_at)).unwrap_or(0))
    }

    /// How long it still lives at `now`; never longer than it was given for, whatever the wall clock says.
    fn left(&self, now: Moment) -> Duration {
        let by_wall = || Duration::from_millis(u64::try_from(self.expires_at.since_ms(now.wall)).unwrap_or(0));
        match self.received {
            Some(at) => self.life().saturating_sub(now.elapsed.saturating_sub(at)),
            None => by_wall().min(self.life()),
        }
    }

    /// How long until the next one should be asked for: two thirds into its life.
    pub fn renew_in(&self, now: Moment) -> Duration {
        self.left(now).saturating_sub(self.life() / 3)
    }
}

/// Which token, or which certificate.
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
    pub fn choose(&self, now: Moment) -> Option<(Slot, &Token)> {
        let slots = [(Slot::Candidate, &self.candidate), (Slot::Current, &self.current)];
        let usable = |token: &&Token| token.left(now) > LEAST_LEFT;
        slots.into_iter().find_map(|(slot, token)| Some((slot, token.as_ref().filter(usable)?)))
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
#[path = "credentials_tests.rs"]
mod tests;
