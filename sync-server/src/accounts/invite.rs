//! Invitations: made with the grants they carry, accepted once.

use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::mail;
use super::secrets::{self, Kind};
use super::{Accounts, AccountsError};
use crate::domain::access::Grant;
use crate::domain::account::invitation::{Invitation, NewInvitation, Outcome};
use crate::domain::account::{Account, Email, InvitationId, Login, NewAccount, State};
use crate::identity::password::{Guard, Password, WeakPassword};
use crate::ports::StoreError;

/// An invitation that was made.
pub struct Invited {
    /// Id.
    pub id: InvitationId,
    /// To be handed to whoever is invited; shown once.
    pub link: Zeroizing<String>,
    /// When it ends.
    pub expires_at: UnixMillis,
    /// Whether a message with the link is under way.
    pub mailed: bool,
}

/// What somebody chooses who makes an account.
pub struct Choice {
    /// Login name.
    pub login: Login,
    /// What people call him.
    pub name: String,
    /// Where links are sent.
    pub email: Option<Email>,
    /// The password.
    pub password: Password,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// The link is unknown, used, taken back or too old.
    #[error("this link is not good (any more); ask for a new one")]
    Link,
    /// The password may not be set.
    #[error(transparent)]
    Password(#[from] WeakPassword),
    /// The store refused, or something failed.
    #[error(transparent)]
    Failed(#[from] AccountsError),
}

impl From<StoreError> for NotMade {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Choice {
    /// Whether the password stands up to what is known of its owner.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn check_password(&self) -> Result<(), WeakPassword> {
        let mut about = vec![self.login.as_str(), self.name.as_str()];
        about.extend(self.email.as_ref().map(Email::as_str));
        self.password.acceptable(Guard::Alone, &about)
    }
}

/// Names a password must not be made of.
pub fn about(account: &Account) -> Vec<&str> {
    let mut about = vec![account.login.as_str(), account.name.as_str()];
    about.extend(account.email.as_ref().map(Email::as_str));
    about
}

impl Accounts {
    /// Makes an invitation. Whether the grants may be given is for the caller to know.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn invite(
        &self,
        grants: Vec<Grant>,
        email: Option<Email>,
        invited_by: String,
    ) -> Result<Invited, AccountsError> {
        let (secret, token_hash) = secrets::fresh(Kind::Invitation)?;
        let (now, life) = (self.now(), self.rules.invitation_life());
        let (id, expires_at) = (InvitationId::generate(), now.plus(life));
        let kept =
            NewInvitation { id, token_hash, email: email.clone(), grants, invited_by, created_at: now, expires_at };
        self.book.add_invitation(&kept).await?;
        let link = self.links.invitation(&secret);
        let mailed = email.is_some_and(|to| self.post.take(mail::invitation(to, &link, life)));
        Ok(Invited { id, link, expires_at, mailed })
    }

    /// The invitation of a link, if it is open.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn open_invitation(&self, secret: &str) -> Result<Option<Invitation>, AccountsError> {
        let found = self.book.invitation_by_token(&secrets::hash(Kind::Invitation, secret)).await?;
        Ok(found.filter(|invitation| invitation.outcome(self.now()) == Outcome::Open))
    }

    /// Makes the account of an invitation.
    ///
    /// # Errors
    /// [`NotMade`].
    pub async fn accept(&self, secret: &str, choice: Choice) -> Result<(NewAccount, Invitation), NotMade> {
        let invitation = self.open_invitation(secret).await?.ok_or(NotMade::Link)?;
        choice.check_password()?;
        let now = self.now();
        let password_hash = self.passwords.hash(choice.password).await.map_err(AccountsError::from)?;
        let account = NewAccount {
            name: choice.name,
            // An address the link was sent to has been proven by it; what is typed has not, but is the account's own.
            email: choice.email.or_else(|| invitation.email.clone()),
            state: State::Active,
            ..NewAccount::person(choice.login, password_hash, invitation.grants.clone(), now)
        };
        if !self.book.accept_invitation(invitation.id, &account, now).await? {
            return Err(NotMade::Link);
        }
        Ok((account, invitation))
    }
}
