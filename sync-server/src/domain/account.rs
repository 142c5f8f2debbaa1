//! Accounts of people and services: who they are, what they may, how they come in.
//!
//! What an account may is its grants ([`super::access`]); who may give which is [`giving`]; how failed log-ins are
//! slowed is [`lockout`].

pub mod giving;
pub mod ids;
pub mod invitation;
pub mod lockout;
pub mod login;
pub mod service_key;
pub mod session;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

pub use self::ids::{ApiKeyId, InstallationId, InvitationId, SessionId};
pub use self::login::{Email, Login};
pub use super::access::Role;
use super::access::{Access, Grant, Scope};

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody, who logs in.
    Person,
    /// A program, which has keys.
    Service,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Yes.
    Active,
    /// Not yet: somebody registered and nobody has approved it.
    Pending,
    /// No more, until somebody lets it in again.
    ShutOut,
}

impl Kind {
    /// The kind's name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }

    /// Reads a kind's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Service].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl State {
    /// The state's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::ShutOut => "shut_out",
        }
    }

    /// Reads a state's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Pending, Self::ShutOut].into_iter().find(|state| state.as_str() == text)
    }
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Id.
    pub id: UserId,
    /// Of a person or a service.
    pub kind: Kind,
    /// Whether it may be used at once.
    pub state: State,
    /// Login name, unique; of a service, its id.
    pub login: Login,
    /// What people call it.
    pub name: String,
    /// Where links are sent.
    pub email: Option<Email>,
    /// Argon2id hash in PHC form; `None`: nobody can log in with a password.
    pub password_hash: Option<String>,
    /// What it may.
    pub grants: Vec<Grant>,
    /// Made at.
    pub created_at: UnixMillis,
}

impl NewAccount {
    /// A person who may log in at once.
    #[must_use]
    pub fn person(login: Login, password_hash: String, grants: Vec<Grant>, now: UnixMillis) -> Self {
        Self {
            id: UserId::generate(),
            kind: Kind::Person,
            state: State::Active,
            name: login.to_string(),
            login,
            email: None,
            password_hash: Some(password_hash),
            grants,
            created_at: now,
        }
    }

    /// A program's account.
    #[must_use]
    pub fn service(name: String, grants: Vec<Grant>, now: UnixMillis) -> Self {
        let id = UserId::generate();
        Self {
            id,
            kind: Kind::Service,
            state: State::Active,
            login: Login::of_service(id),
            name,
            email: None,
            password_hash: None,
            grants,
            created_at: now,
        }
    }
}

/// An account as stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Id.
    pub id: UserId,
    /// Of a person or a service.
    pub kind: Kind,
    /// Whether it may be used.
    pub state: State,
    /// Login name.
    pub login: Login,
    /// What people call it.
    pub name: String,
    /// Where links are sent.
    pub email: Option<Email>,
    /// What it may.
    pub access: Access,
    /// Whether a second factor is asked for.
    pub second_factor: bool,
    /// Made at.
    pub created_at: UnixMillis,
    /// When somebody last logged in.
    pub last_login_at: Option<UnixMillis>,
    /// Rises with every change of names, state or grants.
    pub version: u64,
}

/// What a log-in is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub account: UserId,
    /// Whether it may be used.
    pub state: State,
    /// Argon2id hash in PHC form.
    pub password_hash: Option<String>,
    /// Whether a second factor is asked for.
    pub second_factor: bool,
}

/// Who asks, as known at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account.
    pub account: UserId,
    /// Of a person or a service.
    pub kind: Kind,
    /// What it may, by this session or key.
    pub access: Access,
    /// When this session or key ends.
    pub until: UnixMillis,
}

/// Which role over everything is the installation's last resort: somebody must always have it.
pub const LAST_RESORT: Grant = Grant { role: Role::Owner, scope: Scope::Everything };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in [Kind::Person, Kind::Service] {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        for state in [State::Active, State::Pending, State::ShutOut] {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
