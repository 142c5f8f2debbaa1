//! Logging in: a password, and a second step where the account has one.
//!
//! Every attempt is counted before it is judged, takes as long whether the account exists or not, and is answered alike.

use std::time::Duration;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::secrets::{self, Kind};
use super::sessions::Begun;
use super::totp::{self, Proof};
use super::{Accounts, AccountsError, Client};
use crate::domain::account::lockout::Place;
use crate::domain::account::login::MAX_LOGIN_CHARS;
use crate::domain::account::session::SessionKind;
use crate::domain::account::{Login, State};
use crate::identity::password::{Checked, Password};
use crate::ports::StoreError;
use crate::ports::accounts::{Attempt, OneTime, Purpose};

/// How long the second step may take.
const SECOND_STEP_LIFE: Duration = Duration::from_secs(300);

/// What came of a right password.
pub enum LoggedIn {
    /// The session has begun.
    In {
        /// The session.
        begun: Begun,
        /// Whether the account has been in before, but never from there.
        from_new_place: bool,
    },
    /// A second step is wanted.
    SecondStep {
        /// To be sent with it.
        challenge: Zeroizing<String>,
        /// Until then.
        expires_at: UnixMillis,
    },
}

/// Why somebody does not come in.
#[derive(Debug, thiserror::Error)]
pub enum LogInRefused {
    /// Name, password or code is wrong; which, is not told.
    #[error("wrong login name or password")]
    Wrong,
    /// Too many failures; try again later.
    #[error("too many failed attempts; the next is allowed in {} s", .0.as_secs().max(1))]
    Blocked(Duration),
    /// The password is right, but the account may not be used.
    #[error("this account {0}")]
    NotActive(&'static str),
    /// The second step came too late, or without a first.
    #[error("this log-in has taken too long; begin again with the password")]
    ChallengeOver,
    /// It could not be judged.
    #[error(transparent)]
    Failed(#[from] AccountsError),
}

impl From<StoreError> for LogInRefused {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Who is meant by what was typed, to be named in the audit log: known accounts only, since people type passwords into
/// the wrong field.
pub struct Tried {
    /// The account, if there is one.
    pub account: Option<UserId>,
    /// What came of it.
    pub result: Result<LoggedIn, LogInRefused>,
}

impl Accounts {
    /// The first step.
    pub async fn log_in(&self, login: &str, password: Password, client: &Client, kind: SessionKind) -> Tried {
        let login = Login::parse(login).unwrap_or_else(|_| {
            let cut: String = login.chars().take(MAX_LOGIN_CHARS).collect();
            Login::stored(&cut)
        });
        let mut account = None;
        let result = self.first_step(&login, password, client, kind, &mut account).await;
        Tried { account, result }
    }

    async fn first_step(
        &self,
        login: &Login,
        password: Password,
        client: &Client,
        kind: SessionKind,
        tried: &mut Option<UserId>,
    ) -> Result<LoggedIn, LogInRefused> {
        let now = self.now();
        if let Attempt::Blocked(left) = self.book.count_login(login, &client.network, now).await? {
            return Err(LogInRefused::Blocked(left));
        }
        let known = self.book.credentials(login).await?;
        *tried = known.as_ref().map(|known| known.account);
        let stored = known.as_ref().and_then(|known| known.password_hash.clone());
        let checked = self.passwords.check(password, stored.clone()).await.map_err(AccountsError::from)?;
        let (Some(known), Checked::Right { rehashed }) = (known, checked) else { return Err(LogInRefused::Wrong) };
        if let (Some(from), Some(to)) = (&stored, &rehashed) {
            self.book.rehash_password(known.account, from, to).await?;
        }
        match known.state {
            State::Active => {}
            State::Pending => return Err(LogInRefused::NotActive("waits for an admin's approval")),
            State::ShutOut => return Err(LogInRefused::NotActive("has been shut out by an admin")),
        }
        if known.second_factor {
            return self.ask_for_second_step(known.account, now).await;
        }
        self.come_in(known.account, login, client, kind).await
    }

    async fn ask_for_second_step(&self, account: UserId, now: UnixMillis) -> Result<LoggedIn, LogInRefused> {
        let (challenge, hash) = secrets::fresh(Kind::SecondStep)?;
        let expires_at = now.plus(SECOND_STEP_LIFE);
        let of = OneTime { account, session: None, api_key: None };
        self.book.put_one_time(Purpose::SecondFactor, &hash, of, expires_at).await?;
        Ok(LoggedIn::SecondStep { challenge, expires_at })
    }

    async fn come_in(
        &self,
        account: UserId,
        login: &Login,
        client: &Client,
        kind: SessionKind,
    ) -> Result<LoggedIn, LogInRefused> {
        let now = self.now();
        let has_been_in = self.book.account(account).await?.is_some_and(|account| account.last_login_at.is_some());
        let from_new_place = has_been_in && !self.book.is_known_place(login, &client.network, now).await?;
        let begun = self.begin_session(account, client, kind).await?;
        let begun = begun.ok_or(LogInRefused::NotActive("may not be used"))?;
        self.book.forgive_login(login, &client.network, now).await?;
        Ok(LoggedIn::In { begun, from_new_place })
    }

    /// The second step, with a code of the app or a recovery code.
    pub async fn second_step(&self, challenge: &str, proof: &Proof, client: &Client, kind: SessionKind) -> Tried {
        let mut account = None;
        let result = self.judge_second_step(challenge, proof, client, kind, &mut account).await;
        Tried { account, result }
    }

    async fn judge_second_step(
        &self,
        challenge: &str,
        proof: &Proof,
        client: &Client,
        kind: SessionKind,
        tried: &mut Option<UserId>,
    ) -> Result<LoggedIn, LogInRefused> {
        let (now, hash) = (self.now(), secrets::hash(Kind::SecondStep, challenge));
        let of = self.book.one_time(Purpose::SecondFactor, &hash, now).await?.ok_or(LogInRefused::ChallengeOver)?;
        *tried = Some(of.account);
        let account = self.book.account(of.account).await?.ok_or(LogInRefused::ChallengeOver)?;
        let known = self.book.is_known_place(&account.login, &client.network, now).await?;
        let place = if known { Place::Known } else { Place::New };
        if let Attempt::Blocked(left) = self.book.count_second_step(account.id, place, now).await? {
            return Err(LogInRefused::Blocked(left));
        }
        if !self.is_proven(account.id, proof, now).await? {
            return Err(LogInRefused::Wrong);
        }
        // Of two right answers at once, one gets in.
        self.book.take_one_time(Purpose::SecondFactor, &hash, now).await?.ok_or(LogInRefused::ChallengeOver)?;
        self.book.forgive_second_step(account.id, place).await?;
        self.come_in(account.id, &account.login, client, kind).await
    }

    /// Whether the code is right; a right one is used up.
    pub(super) async fn is_proven(
        &self,
        account: UserId,
        proof: &Proof,
        now: UnixMillis,
    ) -> Result<bool, AccountsError> {
        match proof {
            Proof::Code(code) => {
                let Some(factor) = self.book.second_factor(account).await?.filter(|factor| factor.confirmed) else {
                    return Ok(false);
                };
                match totp::step_of(&factor.secret, code, now) {
                    Some(step) => Ok(self.book.use_step(account, step).await?),
                    None => Ok(false),
                }
            }
            Proof::Recovery(code) => Ok(self.book.use_recovery_code(account, &totp::folded(code)).await?),
        }
    }
}
