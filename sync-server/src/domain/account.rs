//! Accounts of people.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

pub use super::access::Role;

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
