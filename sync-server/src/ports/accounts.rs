//! Accounts, and how they prove who they are. [`AccountBook`] is all of it as one object.

use std::time::Duration;

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::access::Grant;
use crate::domain::account::invitation::{Invitation, NewInvitation};
use crate::domain::account::lockout::Place;
use crate::domain::account::service_key::{ApiKey, NewApiKey};
use crate::domain::account::session::{Ended, Lasting, NewSession, Refreshed, Session};
use crate::domain::account::{
    Account, ApiKeyId, Credentials, Email, InvitationId, Kind, Login, NewAccount, SessionId, Standing, State,
};
use crate::domain::recognition::Change;

/// SHA-256 of something secret.
pub type Hash = [u8; 32];

/// Accounts and their grants.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds an account; [`StoreError::Conflict`] if the login is taken, [`StoreError::NoSuch`] if a place of its grants
    /// is not there.
    async fn add_account(&self, account: &NewAccount) -> Result<(), StoreError>;
    /// One account.
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;
    /// A page of accounts by id, after `after`.
    async fn accounts(&self, kind: Kind, after: Option<UserId>, limit: u32) -> Result<Vec<Account>, StoreError>;
    /// How many people have accounts, in whatever state.
    async fn count_people(&self) -> Result<u64, StoreError>;
    /// Whether an active account of a person is owner of everything.
    async fn has_owner(&self) -> Result<bool, StoreError>;
    /// What a log-in by this name is checked against; services have none.
    async fn credentials(&self, login: &Login) -> Result<Option<Credentials>, StoreError>;
    /// The same of an account.
    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError>;
    /// Active people with this address.
    async fn people_by_email(&self, email: &Email) -> Result<Vec<UserId>, StoreError>;
    /// Sets a password; in the same transaction every session but `keep` ends, and links and half log-ins are void.
    /// `false` if there is no such account.
    async fn put_password(
        &self,
        id: UserId,
        hash: &str,
        keep: Option<SessionId>,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Puts a hash of the same password with other parameters in place of `from`, if that is still the one.
    async fn rehash_password(&self, id: UserId, from: &str, to: &str) -> Result<(), StoreError>;
    /// Sets name and address and returns the new version; `None` if there is no such account,
    /// [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_profile(
        &self,
        id: UserId,
        name: &str,
        email: Option<&Email>,
        change: Change,
    ) -> Result<Option<u64>, StoreError>;
    /// Sets what an account may and returns the new version; `None` if there is no such account,
    /// [`StoreError::Outdated`] if it was changed meanwhile, [`StoreError::NoSuch`] if a place is not there,
    /// [`StoreError::LastOwner`] if nobody would own everything any more.
    async fn put_grants(&self, id: UserId, grants: &[Grant], change: Change) -> Result<Option<u64>, StoreError>;
    /// Lets an account in or shuts it out, whereby its sessions end, and returns the new version; errors as above.
    async fn put_state(&self, id: UserId, state: State, change: Change) -> Result<Option<u64>, StoreError>;
    /// Removes an account with everything of it, its key too. `false` if there is no such account,
    /// [`StoreError::LastOwner`] as above.
    async fn remove_account(&self, id: UserId) -> Result<bool, StoreError>;
}

/// Sessions.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Begins a session of an active account, which has thereby logged in. `false` if the account is not active (any
    /// more).
    async fn begin_session(&self, session: &NewSession) -> Result<bool, StoreError>;
    /// Who has this session, if it has not ended and the account is active.
    async fn session_standing(&self, id: SessionId, now: UnixMillis) -> Result<Option<Standing>, StoreError>;
    /// The same by cookie. A session that was used is kept for longer, written down once a minute.
    async fn cookie_standing(
        &self,
        cookie: &Hash,
        now: UnixMillis,
        lasting: Lasting,
    ) -> Result<Option<(SessionId, Standing)>, StoreError>;
    /// Uses up a refresh token and puts `next` in its place. A token used before ends its session.
    async fn refresh(
        &self,
        token: &Hash,
        next: &Hash,
        lasting: Lasting,
        from: &str,
        now: UnixMillis,
    ) -> Result<Refreshed, StoreError>;
    /// The sessions of an account, the newest first, those lately ended too.
    async fn sessions(&self, account: UserId) -> Result<Vec<Session>, StoreError>;
    /// Ends one session of an account; `false` if there is no such session going on.
    async fn end_session(
        &self,
        account: UserId,
        id: SessionId,
        why: Ended,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Ends every session of an account but `keep`; returns how many.
    async fn end_sessions(
        &self,
        account: UserId,
        keep: Option<SessionId>,
        why: Ended,
        now: UnixMillis,
    ) -> Result<u64, StoreError>;
    /// Forgets what has been over for long: sessions, links, counted failures.
    async fn forget_old(&self, now: UnixMillis) -> Result<(), StoreError>;
}

/// What a one-time token is for; a token of one purpose is unknown for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The second step of a log-in.
    SecondFactor,
    /// A new password by link.
    PasswordReset,
    /// A live connection.
    Ticket,
}

impl Purpose {
    /// The purpose's name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SecondFactor => "second_factor",
            Self::PasswordReset => "password_reset",
            Self::Ticket => "ticket",
        }
    }
}

/// A one-time token, without its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneTime {
    /// Whose.
    pub account: UserId,
    /// The session it stands for, of a ticket.
    pub session: Option<SessionId>,
    /// The key it stands for, of a service's ticket.
    pub api_key: Option<ApiKeyId>,
}

/// What serves once.
#[async_trait]
pub trait OneTimeStore: Send + Sync {
    /// Keeps a token until `expires_at`. Of links for a new password, the account's earlier ones are void.
    async fn put_one_time(
        &self,
        purpose: Purpose,
        token: &Hash,
        of: OneTime,
        expires_at: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Looks at a token without using it.
    async fn one_time(&self, purpose: Purpose, token: &Hash, now: UnixMillis) -> Result<Option<OneTime>, StoreError>;
    /// Uses a token; `None` if it is unknown, used or too old.
    async fn take_one_time(
        &self,
        purpose: Purpose,
        token: &Hash,
        now: UnixMillis,
    ) -> Result<Option<OneTime>, StoreError>;
}

/// A second factor as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFactor {
    /// The shared secret.
    pub secret: Vec<u8>,
    /// Whether a code of it was shown once; before, it is not asked for.
    pub confirmed: bool,
    /// The last time step a code was taken for.
    pub last_step: u64,
}

/// Second factors.
#[async_trait]
pub trait SecondFactorStore: Send + Sync {
    /// The second factor of an account.
    async fn second_factor(&self, account: UserId) -> Result<Option<StoredFactor>, StoreError>;
    /// Keeps a secret that is not confirmed yet; `false` if there is a confirmed one.
    async fn put_second_factor(&self, account: UserId, secret: &[u8], now: UnixMillis) -> Result<bool, StoreError>;
    /// Confirms the secret by a code of `step`, with these recovery codes; `false` if there is none to be confirmed.
    async fn confirm_second_factor(
        &self,
        account: UserId,
        step: u64,
        recovery_codes: &[String],
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Takes a code of `step`; `false` if one of this or a later step was taken before.
    async fn use_step(&self, account: UserId, step: u64) -> Result<bool, StoreError>;
    /// Puts new recovery codes in place of the old.
    async fn put_recovery_codes(&self, account: UserId, codes: &[String]) -> Result<(), StoreError>;
    /// Uses a recovery code up.
    async fn use_recovery_code(&self, account: UserId, code: &str) -> Result<bool, StoreError>;
    /// How many recovery codes are left.
    async fn recovery_codes_left(&self, account: UserId) -> Result<u64, StoreError>;
    /// Removes factor and codes; `false` if there is none.
    async fn remove_second_factor(&self, account: UserId) -> Result<bool, StoreError>;
}

/// Invitations.
#[async_trait]
pub trait InvitationStore: Send + Sync {
    /// Keeps an invitation.
    async fn add_invitation(&self, invitation: &NewInvitation) -> Result<(), StoreError>;
    /// The newest first, those older than `before`.
    async fn invitations(&self, before: Option<InvitationId>, limit: u32) -> Result<Vec<Invitation>, StoreError>;
    /// One.
    async fn invitation(&self, id: InvitationId) -> Result<Option<Invitation>, StoreError>;
    /// By its link's secret.
    async fn invitation_by_token(&self, token: &Hash) -> Result<Option<Invitation>, StoreError>;
    /// Uses the invitation and adds the account, in one transaction. `false` if it is not open (any more);
    /// [`StoreError`] as of [`AccountStore::add_account`], by which it is not used.
    async fn accept_invitation(
        &self,
        id: InvitationId,
        account: &NewAccount,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Takes an invitation back; `false` if it is not open.
    async fn revoke_invitation(&self, id: InvitationId, now: UnixMillis) -> Result<bool, StoreError>;
}

/// API keys of services.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a key; [`StoreError::NoSuch`] if there is no such service.
    async fn add_api_key(&self, key: &NewApiKey) -> Result<(), StoreError>;
    /// The keys of a service, the newest first.
    async fn api_keys(&self, account: UserId) -> Result<Vec<ApiKey>, StoreError>;
    /// Revokes a key; `false` if there is no such key in use.
    async fn revoke_api_key(&self, account: UserId, id: ApiKeyId, now: UnixMillis) -> Result<bool, StoreError>;
    /// Who has this key, if it is good and the service active. Its use is written down once a minute.
    async fn key_standing(
        &self,
        key: &Hash,
        from: &str,
        now: UnixMillis,
    ) -> Result<Option<(ApiKeyId, Standing)>, StoreError>;
    /// The same by id, for what was given to a key.
    async fn key_standing_by_id(&self, id: ApiKeyId, now: UnixMillis) -> Result<Option<Standing>, StoreError>;
}

/// Whether something may be tried; it is counted as failed until it is forgiven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Yes.
    Counted,
    /// Not for so long.
    Blocked(Duration),
}

/// Failed log-ins. An attempt is counted before it is judged, so that many at once are not let through together.
#[async_trait]
pub trait LockoutStore: Send + Sync {
    /// Whether a log-in by this name from this network has been seen to succeed before.
    async fn is_known_place(&self, login: &Login, network: &str, now: UnixMillis) -> Result<bool, StoreError>;
    /// Counts a log-in by this name from this network.
    async fn count_login(&self, login: &Login, network: &str, now: UnixMillis) -> Result<Attempt, StoreError>;
    /// The log-in was right: its count is taken back, and the place is known from now on.
    async fn forgive_login(&self, login: &Login, network: &str, now: UnixMillis) -> Result<(), StoreError>;
    /// Counts a second step, at places known and new apart: who has only the password does not block its owner.
    async fn count_second_step(&self, account: UserId, place: Place, now: UnixMillis) -> Result<Attempt, StoreError>;
    /// The second step was right.
    async fn forgive_second_step(&self, account: UserId, place: Place) -> Result<(), StoreError>;
}

/// Everything there is to accounts.
pub trait AccountBook:
    AccountStore + SessionStore + OneTimeStore + SecondFactorStore + InvitationStore + ApiKeyStore + LockoutStore
{
}

impl<T> AccountBook for T where
    T: AccountStore + SessionStore + OneTimeStore + SecondFactorStore + InvitationStore + ApiKeyStore + LockoutStore
{
}
