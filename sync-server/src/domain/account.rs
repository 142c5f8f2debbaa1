//! Accounts of people.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

/// What an account may do. Finer roles and scopes come with the permission table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads events, persons and devices.
    Operator,
}

impl Role {
    /// The role's name in store, tokens and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// Reads a role's name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Admin, Self::Operator].into_iter().find(|role| role.as_str() == text)
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Login name, lower case, unique.
    pub login: String,
    /// Argon2id hash in PHC form.
    pub password_hash: String,
    /// Role.
    pub role: Role,
    /// Made at.
    pub created_at: UnixMillis,
}
