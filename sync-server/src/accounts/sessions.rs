//! Sessions: how they begin and go on, and who somebody is by what he shows.

use std::time::Duration;

use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;
use zeroize::Zeroizing;

use super::secrets::{self, Kind};
use super::standings::Shown;
use super::{Accounts, AccountsError, Client};
use crate::domain::account::session::{Lasting, NewSession, Refreshed, SessionKind};
use crate::domain::account::{ApiKeyId, SessionId, Standing, service_key};
use crate::identity::tokens::{Issued, TokenRefused};
use crate::ports::StoreError;
use crate::ports::accounts::{OneTime, Purpose};

/// How long a ticket for a live connection may be used.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);

/// A session that has begun, or goes on.
pub struct Begun {
    /// Whose.
    pub account: UserId,
    /// Which.
    pub session: SessionId,
    /// The access token.
    pub access: Issued,
    /// The refresh token, or the cookie.
    pub secret: Zeroizing<String>,
    /// When the session ends unless it is used.
    pub ends_at: UnixMillis,
}

/// By what somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// An access token.
    Bearer(SessionId),
    /// A browser's cookie.
    Cookie(SessionId),
    /// A service's key.
    Key(ApiKeyId),
}

impl Via {
    /// The session, if it is one.
    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Bearer(session) | Self::Cookie(session) => Some(*session),
            Self::Key(_) => None,
        }
    }

    const fn one_time(&self, account: UserId) -> OneTime {
        let api_key = match self {
            Self::Key(key) => Some(*key),
            Self::Bearer(_) | Self::Cookie(_) => None,
        };
        OneTime { account, session: self.session(), api_key }
    }
}

/// Why somebody is not let in by what he shows.
#[derive(Debug, thiserror::Error)]
pub enum NotKnown {
    /// The token itself is refused.
    #[error("access token refused: {0}")]
    Token(#[from] TokenRefused),
    /// Its session has ended, or its account may not be used.
    #[error("this session has ended")]
    SessionEnded,
    /// No such key, or it has ended, or its service may not be used.
    #[error("this API key is not good (any more)")]
    Key,
    /// The ticket is unknown, used, or too old.
    #[error("this ticket is not good (any more); get a new one")]
    Ticket,
    /// It cannot be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    fn lasting(&self, kind: SessionKind) -> Lasting {
        match kind {
            SessionKind::Bearer => self.rules.bearer(),
            SessionKind::Cookie => self.rules.browser(),
        }
    }

    /// Begins a session; `None` if the account may not be used.
    pub(super) async fn begin_session(
        &self,
        account: UserId,
        client: &Client,
        kind: SessionKind,
    ) -> Result<Option<Begun>, AccountsError> {
        let now = self.now();
        let (secret, secret_hash) = secrets::fresh(match kind {
            SessionKind::Bearer => Kind::Refresh,
            SessionKind::Cookie => Kind::Cookie,
        })?;
        let ends_at = self.lasting(kind).expiry(now, now);
        let session = NewSession {
            id: SessionId::generate(),
            account,
            kind,
            secret_hash,
            user_agent: client.user_agent.clone(),
            address: client.address.clone(),
            at: now,
            expires_at: ends_at,
        };
        if !self.book.begin_session(&session).await? {
            return Ok(None);
        }
        let access = self.tokens.issue_user(account, session.id, ends_at, now);
        Ok(Some(Begun { account, session: session.id, access, secret, ends_at }))
    }

    /// The next tokens of a session.
    ///
    /// # Errors
    /// [`AccountsError`]; a token that is not good is an answer, not an error.
    pub async fn refresh(&self, token: &str, client: &Client) -> Result<(Refreshed, Option<Begun>), AccountsError> {
        let now = self.now();
        let (next, next_hash) = secrets::fresh(Kind::Refresh)?;
        let used = secrets::hash(Kind::Refresh, token);
        let refreshed = self.book.refresh(&used, &next_hash, self.rules.bearer(), &client.address, now).await?;
        let Refreshed::Renewed { session, account } = refreshed else {
            if matches!(refreshed, Refreshed::Reused { .. }) {
                self.changed();
            }
            return Ok((refreshed, None));
        };
        let Some(standing) = self.book.session_standing(session, now).await? else {
            return Ok((Refreshed::Refused, None));
        };
        let access = self.tokens.issue_user(account, session, standing.until, now);
        let begun = Begun { account, session, access, secret: next, ends_at: standing.until };
        Ok((refreshed, Some(begun)))
    }

    /// Who has this access token.
    ///
    /// # Errors
    /// [`NotKnown`].
    pub async fn by_token(&self, token: &str) -> Result<(Standing, Via), NotKnown> {
        let now = self.now();
        let claims = self.tokens.check_user(token, now)?;
        let standing = self.session(claims.sid).await?.ok_or(NotKnown::SessionEnded)?;
        if standing.account != claims.sub {
            return Err(NotKnown::SessionEnded);
        }
        let until = standing.until.min(UnixMillis::from_unix_seconds(claims.exp));
        Ok((Standing { until, ..standing }, Via::Bearer(claims.sid)))
    }

    /// Who has this cookie.
    ///
    /// # Errors
    /// [`NotKnown`].
    pub async fn by_cookie(&self, cookie: &str) -> Result<(Standing, Via), NotKnown> {
        let hash = secrets::hash(Kind::Cookie, cookie);
        let now = self.now();
        let read = async {
            let found = self.book.cookie_standing(&hash, now, self.rules.browser()).await?;
            Ok::<_, StoreError>(found.map(|(session, standing)| (Via::Cookie(session), standing)))
        };
        let found = self.standings.of(Shown::Cookie(hash), now, read).await?;
        let (via, standing) = found.ok_or(NotKnown::SessionEnded)?;
        Ok((standing, via))
    }

    /// Which service has this key.
    ///
    /// # Errors
    /// [`NotKnown`].
    pub async fn by_key(&self, key: &str, client: &Client) -> Result<(Standing, Via), NotKnown> {
        if !service_key::is_well_formed(key) {
            return Err(NotKnown::Key);
        }
        let hash = secrets::hash(Kind::ApiKey, key);
        let now = self.now();
        let read = async {
            let found = self.book.key_standing(&hash, &client.address, now).await?;
            Ok::<_, StoreError>(found.map(|(id, standing)| (Via::Key(id), standing)))
        };
        let (via, standing) = self.standings.of(Shown::Key(hash), now, read).await?.ok_or(NotKnown::Key)?;
        Ok((standing, via))
    }

    /// A ticket for one live connection.
    ///
    /// # Errors
    /// [`AccountsError`].
    pub async fn ticket(&self, account: UserId, via: &Via) -> Result<Zeroizing<String>, AccountsError> {
        let (ticket, hash) = secrets::fresh(Kind::Ticket)?;
        let expires_at = self.now().plus(TICKET_LIFE);
        self.book.put_one_time(Purpose::Ticket, &hash, via.one_time(account), expires_at).await?;
        Ok(ticket)
    }

    /// Who got this ticket, which is thereby used.
    ///
    /// # Errors
    /// [`NotKnown`].
    pub async fn by_ticket(&self, ticket: &str) -> Result<(Standing, Via), NotKnown> {
        let now = self.now();
        let hash = secrets::hash(Kind::Ticket, ticket);
        let of = self.book.take_one_time(Purpose::Ticket, &hash, now).await?.ok_or(NotKnown::Ticket)?;
        let via = match (of.session, of.api_key) {
            (Some(session), _) => Via::Bearer(session),
            (None, Some(key)) => Via::Key(key),
            (None, None) => return Err(NotKnown::Ticket),
        };
        let standing = self.still_stands(&via).await?.ok_or(NotKnown::SessionEnded)?;
        Ok((standing, via))
    }

    /// What somebody who is connected may now; `None` if nothing any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn still_stands(&self, via: &Via) -> Result<Option<Standing>, StoreError> {
        match via {
            Via::Bearer(session) | Via::Cookie(session) => self.session(*session).await,
            Via::Key(key) => self.key(*key).await,
        }
    }

    async fn session(&self, id: SessionId) -> Result<Option<Standing>, StoreError> {
        let now = self.now();
        let read = async {
            let standing = self.book.session_standing(id, now).await?;
            Ok::<_, StoreError>(standing.map(|standing| (Via::Bearer(id), standing)))
        };
        Ok(self.standings.of(Shown::Session(id), now, read).await?.map(|(_, standing)| standing))
    }

    async fn key(&self, id: ApiKeyId) -> Result<Option<Standing>, StoreError> {
        let now = self.now();
        let read = async {
            let standing = self.book.key_standing_by_id(id, now).await?;
            Ok::<_, StoreError>(standing.map(|standing| (Via::Key(id), standing)))
        };
        Ok(self.standings.of(Shown::KeyById(id), now, read).await?.map(|(_, standing)| standing))
    }
}
