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
use crate::domain::access::{Access, Reach, Role};
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

/// A signed-in admin.
pub struct Admin(pub Caller);

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
        let token = bearer(parts)?;
        let claims = api.tokens.check_user(token, api.now()).map_err(|refused| {
            let detail = format!("access token refused: {refused}");
            api.refuse("anonymous".into(), address, "api.token", parts.uri.path(), detail.clone());
            ApiError::NotSignedIn(format!("{detail}; log in again"))
        })?;
        let user = api.store.user(claims.sub).await?;
        let user = user.ok_or_else(|| ApiError::NotSignedIn("this account is gone".into()))?;
        let access = Access::everywhere(user.role);
        Ok(Self { user, access, address, until: UnixMillis::from_unix_seconds(claims.exp) })
    }
}

impl FromRequestParts<Api> for Admin {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        if matches!(caller.user.role, Role::Owner | Role::Admin) {
            return Ok(Self(caller));
        }
        let target = format!("{} {}", parts.method, parts.uri.path());
        let detail = format!("role {} may not", caller.user.role.as_str());
        api.refuse(caller.actor(), caller.address, "api.forbidden", &target, detail);
        Err(ApiError::NotAllowed("this needs an account with the role admin".into()))
    }
}

/// A signed-in user who has a permission somewhere; where, says its reach.
///
/// Everything a handler reads or changes must lie within [`May::reach`]; what lies outside is answered as if it did not
/// exist.
pub struct May<P> {
    /// Who.
    pub caller: Caller,
    /// Where the permission holds; never nothing.
    pub reach: Reach,
    permission: PhantomData<P>,
}

impl<P> May<P> {
    /// Demands that the permission holds for the whole installation.
    ///
    /// # Errors
    /// [`ApiError::NotAllowed`] if it holds for some sites or doors only.
    pub fn everywhere(&self) -> Result<(), ApiError> {
        if self.reach.is_everything() {
            return Ok(());
        }
        Err(ApiError::NotAllowed("this needs a role over the whole installation; yours holds for a part of it".into()))
    }
}

impl<P: Needs> FromRequestParts<Api> for May<P> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let reach = caller.access.reach(P::PERMISSION);
        if !reach.is_nothing() {
            return Ok(Self { caller, reach, permission: PhantomData });
        }
        let target = format!("{} {}", parts.method, parts.uri.path());
        let needed = P::PERMISSION.as_str();
        api.refuse(caller.actor(), caller.address, "api.forbidden", &target, format!("without {needed}"));
        Err(ApiError::NotAllowed(format!("this needs the permission `{needed}`; an owner or admin can grant it")))
    }
}

fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let missing = || ApiError::NotSignedIn("send the header `Authorization: Bearer <access token>`".into());
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}
