//! Who is asking, and whether they may.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use axum::http::request::Parts;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

use super::api::Api;
use super::cookies;
use super::extract::ClientAddress;
use super::problem::ApiError;
use crate::accounts::Client;
use crate::accounts::csrf::{self, Provenance};
use crate::accounts::sessions::{NotKnown, Via};
use crate::domain::access::may::Needs;
use crate::domain::access::{Access, Permission, Reach};
use crate::domain::account::{Kind, Standing, service_key};

/// The header that repeats a session's CSRF token.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// What the WebSocket sub-protocol that carries a ticket begins with.
pub const TICKET_PROTOCOL: &str = "ostiary.ticket.";
/// The WebSocket sub-protocol that is spoken.
pub const LIVE_PROTOCOL: &str = "ostiary.live";
/// The only place a ticket is good for.
const LIVE_PATH: &str = "/api/v1/events/live";

/// Somebody signed in, of any role: by access token, by cookie, by API key, or, for a live connection, by ticket.
pub struct Caller {
    /// The account.
    pub account: UserId,
    /// Of a person or a service.
    pub kind: Kind,
    /// What it may now, and where, not as it was when the token was made.
    pub access: Access,
    /// By what it is known.
    pub via: Via,
    /// Where from.
    pub address: ClientAddress,
    /// When the token, session or key ends.
    pub until: UnixMillis,
}

impl Caller {
    /// The caller's name in the audit log.
    pub fn actor(&self) -> String {
        actor(self.kind, self.account)
    }
}

/// An account's name in the audit log.
pub fn actor(kind: Kind, account: UserId) -> String {
    match kind {
        Kind::Person => format!("user:{account}"),
        Kind::Service => format!("service:{account}"),
    }
}

/// Who is at the other end, for sessions and failures.
impl FromRequestParts<Api> for Client {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let address = ClientAddress::from_request_parts(parts, api).await?;
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self::new(address.to_string(), address.network().to_string(), user_agent))
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let address = ClientAddress::from_request_parts(parts, api).await?;
        let (standing, via) = who(parts, api, address).await?;
        let Standing { account, kind, access, until } = standing;
        match &via {
            Via::Key(key) => api.limits.key(key.0).await?,
            Via::Bearer(_) | Via::Cookie(_) => api.limits.account(account).await?,
        }
        Ok(Self { account, kind, access, via, address, until })
    }
}

async fn who(parts: &mut Parts, api: &Api, address: ClientAddress) -> Result<(Standing, Via), ApiError> {
    let found = if parts.headers.contains_key(AUTHORIZATION) {
        let client = Client::from_request_parts(parts, api).await?;
        let token = bearer(parts).inspect_err(|_| unsigned(parts, api, address))?;
        if token.starts_with(service_key::PREFIX) {
            api.accounts.by_key(token, &client).await
        } else {
            api.accounts.by_token(token).await
        }
    } else if let Some(ticket) = ticket(parts) {
        api.accounts.by_ticket(ticket).await
    } else if let Some(cookie) = cookies::session(&parts.headers) {
        ours(parts, &cookie).inspect_err(|_| {
            let words = "a cookie without proof that the request is from a page of ours";
            api.refuse("anonymous".into(), address, "api.csrf", parts.uri.path(), words.into());
        })?;
        api.accounts.by_cookie(&cookie).await
    } else {
        unsigned(parts, api, address);
        return Err(not_signed_in());
    };
    found.map_err(|refused| match refused {
        NotKnown::Store(error) => error.into(),
        other => {
            api.refuse("anonymous".into(), address, "api.token", parts.uri.path(), other.to_string());
            ApiError::NotSignedIn(format!("{other}; log in again"))
        }
    })
}

fn unsigned(parts: &Parts, api: &Api, address: ClientAddress) {
    api.refuse("anonymous".into(), address, "api.token", parts.uri.path(), "no access token".into());
}

fn not_signed_in() -> ApiError {
    ApiError::NotSignedIn("send the header `Authorization: Bearer <access token or API key>`".into())
}

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let (scheme, token) = header.and_then(|text| text.split_once(' ')).ok_or_else(not_signed_in)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(not_signed_in()) }
}

/// Browsers cannot set headers on a WebSocket, but sub-protocols; so a ticket stands in no URL and no log.
fn ticket(parts: &Parts) -> Option<&str> {
    let offered = parts.headers.get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let ticket = offered.split(',').find_map(|protocol| protocol.trim().strip_prefix(TICKET_PROTOCOL));
    ticket.filter(|_| parts.uri.path() == LIVE_PATH)
}

/// A browser sends cookies whoever has it send a request; what comes with one must be from a page of ours, and what
/// changes something must carry the session's token as well.
fn ours(parts: &Parts, cookie: &str) -> Result<(), ApiError> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host = parts.uri.authority().map(|authority| authority.as_str()).or_else(|| text(HOST.as_str()));
    let from = Provenance { fetch_site: text("sec-fetch-site"), origin: text(ORIGIN.as_str()), host };
    // A WebSocket is not bound to an origin by the browser, and a read of ours changes nothing.
    let is_read = matches!(parts.method, Method::GET | Method::HEAD) && parts.uri.path() != LIVE_PATH;
    let proven = text(CSRF_HEADER).is_some_and(|header| csrf::matches(cookie, header));
    if from.is_ours() && (is_read || proven) {
        return Ok(());
    }
    Err(ApiError::NotAllowed(format!(
        "a cookie alone does not do: send the session's `{CSRF_HEADER}` from a page of ours"
    )))
}

/// A signed-in user who has a permission somewhere; where, says its reach.
///
/// Everything a handler reads or changes must lie within [`May::reach`]; what lies outside is answered as if it did not
/// exist. What is found within is found by the methods of [`within`](super::within).
pub struct May<P> {
    /// Who.
    pub caller: Caller,
    /// Where the permission holds; never nothing.
    pub reach: Reach,
    /// Where to look.
    pub(super) api: Api,
    /// `GET /api/v1/…`, for the audit log.
    asked: String,
    permission: PhantomData<P>,
}

/// A signed-in user who has a permission over the whole installation.
pub struct Throughout<P> {
    /// Who.
    pub caller: Caller,
    permission: PhantomData<P>,
}

impl<P: Needs> FromRequestParts<Api> for May<P> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let reach = caller.access.reach(P::PERMISSION);
        let may = Self { caller, reach, api: api.clone(), asked: asked(parts), permission: PhantomData };
        if may.reach.is_nothing() { Err(may.beyond("anything")) } else { Ok(may) }
    }
}

impl<P: Needs> FromRequestParts<Api> for Throughout<P> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let may = May::<P>::from_request_parts(parts, api).await?;
        may.everywhere()?;
        Ok(Self { caller: may.caller, permission: PhantomData })
    }
}

impl<P: Needs> May<P> {
    /// What was looked for within the reach. What is not there, and what is there for others, is the same: not there.
    /// Both leave the same trace, unless nothing is out of reach.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub fn found<T>(&self, found: Option<T>, what: &'static str) -> Result<T, ApiError> {
        if found.is_none() && !self.reach.is_everything() {
            let detail = format!("no {what} within reach of {}", P::PERMISSION.as_str());
            let caller = &self.caller;
            self.api.refuse(caller.actor(), caller.address, "api.out_of_reach", &self.asked, detail);
        }
        found.ok_or(ApiError::NotFound(what))
    }

    /// Demands the permission over the whole installation.
    ///
    /// # Errors
    /// [`ApiError::NotAllowed`], audited.
    pub fn everywhere(&self) -> Result<(), ApiError> {
        if self.reach.is_everything() { Ok(()) } else { Err(self.beyond("everything")) }
    }

    /// Reads anew what the caller may, for what goes on after the answer.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`] if the session has ended, [`ApiError::NotAllowed`] if the permission is.
    pub async fn renew(&mut self) -> Result<(), ApiError> {
        let standing = self.api.accounts.still_stands(&self.caller.via).await?;
        let standing = standing.ok_or_else(|| ApiError::NotSignedIn("this session has ended".into()))?;
        self.caller.access = standing.access;
        self.reach = self.caller.access.reach(P::PERMISSION);
        if self.reach.is_nothing() { Err(self.beyond("anything")) } else { Ok(()) }
    }

    /// The refusal, audited, of what may be seen and not be done: the permission would have to hold `over` more.
    pub fn beyond(&self, over: &str) -> ApiError {
        self.refused(P::PERMISSION, over)
    }

    /// The refusal, audited, of what needs another permission over everything beside this one.
    pub fn lacks(&self, other: Permission) -> ApiError {
        self.refused(other, "everything")
    }

    fn refused(&self, needed: Permission, over: &str) -> ApiError {
        let (needed, caller) = (needed.as_str(), &self.caller);
        let detail = format!("without {needed} over {over}");
        self.api.refuse(caller.actor(), caller.address, "api.forbidden", &self.asked, detail);
        ApiError::NotAllowed(format!(
            "this needs the permission `{needed}` over {over}; an owner or admin can grant it"
        ))
    }
}

fn asked(parts: &Parts) -> String {
    format!("{} {}", parts.method, parts.uri.path())
}
