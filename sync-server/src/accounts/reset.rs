//! Passwords: changed by who knows the old one, set anew by link by who has lost it.

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::invite::{NotMade, about};
use super::log_in::LogInRefused;
use super::mail;
use super::secrets::{self, Kind};
use super::{Accounts, AccountsError};
use crate::domain::account::{Account, Email, Login, SessionId, State};
use crate::identity::password::{Checked, Guard, Password, WeakPassword};
use crate::ports::accounts::{Attempt, OneTime, Purpose};

/// Where somebody is who is logged in already, to count failures by; no address looks like it.
fn inside(account: &Account) -> String {
    format!("inside {}", account.id)
}

/// A link for a new password.
pub struct ResetLink {
    /// Shown once.
    pub link: Zeroizing<String>,
    /// When it ends.
    pub expires_at: UnixMillis,
}

/// How much a password of this account has to stand up to.
pub const fn guard(account: &Account) -> Guard {
    if account.second_factor { Guard::WithSecondFactor } else { Guard::Alone }
}

impl Accounts {
    /// Sees that whoever asks knows the account's password. Counted and slowed like a log-in, since whoever sits at a
    /// session that was left open must not be able to guess.
    ///
    /// # Errors
    /// [`LogInRefused::Wrong`], [`LogInRefused::Blocked`].
    pub async fn confirm_password(&self, account: &Account, password: Password) -> Result<(), LogInRefused> {
        let (now, inside) = (self.now(), inside(account));
        if let Attempt::Blocked(left) = self.book.count_login(&account.login, &inside, now).await? {
            return Err(LogInRefused::Blocked(left));
        }
        let known = self.book.credentials_of(account.id).await?;
        let stored = known.and_then(|known| known.password_hash);
        if self.passwords.check(password, stored).await.map_err(AccountsError::from)? == Checked::Wrong {
            return Err(LogInRefused::Wrong);
        }
        Ok(self.book.forgive_login(&account.login, &inside, now).await?)
    }

    /// Sets a password; every session but `keep` ends.
    ///
    /// # Errors
    /// [`NotMade::Password`] if it may not be set.
    pub async fn set_password(
        &self,
        account: &Account,
        password: Password,
        keep: Option<SessionId>,
    ) -> Result<(), NotMade> {
        password.acceptable(guard(account), &about(account))?;
        let hash = self.passwords.hash(password).await.map_err(AccountsError::from)?;
        self.book.put_password(account.id, &hash, keep, self.now()).await?;
        self.changed();
        if let Some(to) = account.email.clone() {
            self.post.take(mail::password_changed(to));
        }
        Ok(())
    }

    /// A link for a new password, to be handed on or sent.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn reset_link(&self, account: UserId) -> Result<ResetLink, AccountsError> {
        let (secret, hash) = secrets::fresh(Kind::PasswordReset)?;
        let expires_at = self.now().plus(self.rules.password_reset_life());
        let of = OneTime { account, session: None, api_key: None };
        self.book.put_one_time(Purpose::PasswordReset, &hash, of, expires_at).await?;
        Ok(ResetLink { link: self.links.password_reset(&secret), expires_at })
    }

    /// Sends links to whoever is known by this login name or address, if anybody is. To be run apart from the answer,
    /// which must neither say nor take longer if somebody is.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn send_reset_links(&self, login_or_email: &str) -> Result<Vec<UserId>, AccountsError> {
        let mut asked = Vec::new();
        if let Ok(email) = Email::parse(login_or_email) {
            asked = self.book.people_by_email(&email).await?;
        }
        if let Ok(login) = Login::parse(login_or_email) {
            asked.extend(self.book.credentials(&login).await?.map(|known| known.account));
        }
        asked.sort_unstable();
        asked.dedup();
        let mut sent = Vec::new();
        for id in asked {
            let Some(account) = self.book.account(id).await? else { continue };
            let Some(to) = account.email.filter(|_| account.state == State::Active) else { continue };
            let link = self.reset_link(id).await?.link;
            if self.post.take(mail::password_reset(to, &link, self.rules.password_reset_life())) {
                sent.push(id);
            }
        }
        Ok(sent)
    }

    /// Sets a password by link. The second factor stays asked for at the next log-in.
    ///
    /// # Errors
    /// [`NotMade`].
    pub async fn reset_password(&self, secret: &str, password: Password) -> Result<UserId, NotMade> {
        let (now, hash) = (self.now(), secrets::hash(Kind::PasswordReset, secret));
        let of = self.book.one_time(Purpose::PasswordReset, &hash, now).await?.ok_or(NotMade::Link)?;
        let account = self.book.account(of.account).await?.ok_or(NotMade::Link)?;
        // Before the link is used, so that a weak password does not cost it.
        password.acceptable(guard(&account), &about(&account))?;
        self.book.take_one_time(Purpose::PasswordReset, &hash, now).await?.ok_or(NotMade::Link)?;
        self.set_password(&account, password, None).await?;
        Ok(account.id)
    }

    /// Whether the account could do without its second factor: its password alone must be long enough.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn stands_alone(account: &Account, password: &Password) -> Result<(), WeakPassword> {
        password.acceptable(Guard::Alone, &about(account))
    }
}
