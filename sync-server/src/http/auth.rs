//! Who is asking, and whether they may.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use ostiary_common::time::UnixMillis;

use super::api::Api;
use super::extract::ClientAddress;
use super::problem::ApiError;
use crate::domain::access::may::Needs;
use crate::domain::access::{Access, Permission, Reach};
use crate::domain::account::User;

/// A signed-in user; of any role.
pub struct Caller {
    /// The account as it is now, not as it was when the token was made.
    pub user: User,
    /// What it may, and where.
    pub access: Access,
    /// Where from.
    pub address: ClientAddress,
    /// When the token ends.
    pub until: UnixMillis,
}

impl Caller {
    /// The caller's name in the audit log.
    pub fn actor(&self) -> String {
        format!("user:{}", self.user.id)
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let address = ClientAddress::from_request_parts(parts, api).await?;
        let token = bearer(parts).inspect_err(|_| {
            api.refuse("anonymous".into(), address, "api.token", parts.uri.path(), "no access token".into());
        })?;
        let claims = api.tokens.check_user(token, api.now()).map_err(|refused| {
            let detail = format!("access token refused: {refused}");
            api.refuse("anonymous".into(), address, "api.token", parts.uri.path(), detail.clone());
            ApiError::NotSignedIn(format!("{detail}; log in again"))
        })?;
        api.limits.account(claims.sub).await?;
        let user = api.store.user(claims.sub).await?;
        let user = user.ok_or_else(|| ApiError::NotSignedIn("this account is gone".into()))?;
        let access = access_of(&user);
        Ok(Self { user, access, address, until: UnixMillis::from_unix_seconds(claims.exp) })
    }
}

/// What an account may now.
fn access_of(user: &User) -> Access {
    Access::everywhere(user.role)
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
    /// [`ApiError::NotSignedIn`] if the account is gone, [`ApiError::NotAllowed`] if the permission is.
    pub async fn renew(&mut self) -> Result<(), ApiError> {
        let user = self.api.store.user(self.caller.user.id).await?;
        let user = user.ok_or_else(|| ApiError::NotSignedIn("this account is gone".into()))?;
        self.caller.access = access_of(&user);
        self.caller.user = user;
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

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let missing = || ApiError::NotSignedIn("send the header `Authorization: Bearer <access token>`".into());
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}
