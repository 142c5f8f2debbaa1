//! Being logged in: sessions, and why they end.

use std::time::Duration;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::ids::SessionId;

/// The longest name of a browser or program kept, in characters.
pub const MAX_USER_AGENT_CHARS: usize = 200;

/// How a session is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Access tokens in a header, renewed by refresh tokens.
    Bearer,
    /// A cookie of a browser.
    Cookie,
}

impl SessionKind {
    /// The kind's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Cookie => "cookie",
        }
    }

    /// Reads a kind's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Bearer, Self::Cookie].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Logged out there.
    LoggedOut,
    /// Ended from another session of the same account.
    ByOwner,
    /// Ended by an admin.
    ByAdmin,
    /// A refresh token came a second time: somebody has a copy.
    Reuse,
    /// The password was changed.
    PasswordChanged,
    /// The account was shut out.
    ShutOut,
}

impl Ended {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::LoggedOut, Self::ByOwner, Self::ByAdmin, Self::Reuse, Self::PasswordChanged, Self::ShutOut];

    /// The reason's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::ByOwner => "ended_by_owner",
            Self::ByAdmin => "ended_by_admin",
            Self::Reuse => "refresh_token_reused",
            Self::PasswordChanged => "password_changed",
            Self::ShutOut => "shut_out",
        }
    }

    /// Reads a reason's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How long sessions of a kind last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// Without being used.
    pub idle: Duration,
    /// At most, however much it is used; then the password is asked for again.
    pub at_most: Duration,
}

impl Lasting {
    /// When a session that began at `created_at` and is used now ends.
    #[must_use]
    pub fn expiry(&self, created_at: UnixMillis, now: UnixMillis) -> UnixMillis {
        now.plus(self.idle).min(created_at.plus(self.at_most))
    }
}

/// A session to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Id.
    pub id: SessionId,
    /// Whose.
    pub account: UserId,
    /// How it is carried.
    pub kind: SessionKind,
    /// Hash of its first refresh token, or of its cookie.
    pub secret_hash: [u8; 32],
    /// What the client says it is.
    pub user_agent: String,
    /// From where.
    pub address: String,
    /// Now.
    pub at: UnixMillis,
    /// When it ends unless it is used.
    pub expires_at: UnixMillis,
}

/// A session as stored.
#[derive(Clone, Debug)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// How it is carried.
    pub kind: SessionKind,
    /// What the client says it is.
    pub user_agent: String,
    /// From where it was last used.
    pub address: String,
    /// When it began.
    pub created_at: UnixMillis,
    /// When it was last renewed or seen; within a minute.
    pub last_used_at: UnixMillis,
    /// When it ends unless it is used.
    pub expires_at: UnixMillis,
    /// When and why it ended.
    pub ended: Option<(UnixMillis, Ended)>,
}

/// What came of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The session goes on with the next token.
    Renewed {
        /// The session.
        session: SessionId,
        /// Whose.
        account: UserId,
    },
    /// It was used before: the session has been ended.
    Reused {
        /// The session.
        session: SessionId,
        /// Whose.
        account: UserId,
    },
    /// Unknown, ended, or too old.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_keeps_a_session_but_not_for_ever() {
        let lasting = Lasting { idle: Duration::from_secs(10), at_most: Duration::from_secs(25) };
        let check = |now_s: u64, expected_s: u64| {
            let at = |s| UnixMillis(0).plus(Duration::from_secs(s));
            assert_eq!(lasting.expiry(at(0), at(now_s)), at(expected_s));
        };
        check(0, 10);
        check(9, 19);
        check(18, 25);
    }

    #[test]
    fn reasons_read_back() {
        for reason in Ended::ALL {
            assert_eq!(Ended::parse(reason.as_str()), Some(reason));
        }
    }
}
