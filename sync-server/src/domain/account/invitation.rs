//! Invitations: a link that makes one account with the grants it carries.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::ids::InvitationId;
use super::login::Email;
use crate::domain::access::Grant;

/// An invitation to be kept.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Id.
    pub id: InvitationId,
    /// SHA-256 of the link's secret.
    pub token_hash: [u8; 32],
    /// Where the link was sent.
    pub email: Option<Email>,
    /// What the account will have.
    pub grants: Vec<Grant>,
    /// Who invited, as the audit log names them.
    pub invited_by: String,
    /// Now.
    pub created_at: UnixMillis,
    /// When the link ends.
    pub expires_at: UnixMillis,
}

/// What became of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits.
    Open,
    /// It was accepted.
    Accepted(UserId),
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Outcome {
    /// The outcome's name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted(_) => "accepted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// An invitation as stored.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Id.
    pub id: InvitationId,
    /// Where the link was sent.
    pub email: Option<Email>,
    /// What the account has or will have.
    pub grants: Vec<Grant>,
    /// Who invited.
    pub invited_by: String,
    /// When.
    pub created_at: UnixMillis,
    /// When the link ends.
    pub expires_at: UnixMillis,
    /// By whom it was accepted.
    pub accepted_by: Option<UserId>,
    /// Whether it was taken back.
    pub revoked: bool,
}

impl Invitation {
    /// What became of it by `now`.
    #[must_use]
    pub fn outcome(&self, now: UnixMillis) -> Outcome {
        match self.accepted_by {
            Some(account) => Outcome::Accepted(account),
            None if self.revoked => Outcome::Revoked,
            None if now >= self.expires_at => Outcome::Expired,
            None => Outcome::Open,
        }
    }
}
