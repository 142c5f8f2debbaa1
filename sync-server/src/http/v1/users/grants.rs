//! What an account may, and who may say so.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{GrantView, UserView};
use crate::domain::access::may::UsersManage;
use crate::domain::access::{Access, Grant, Reach, Scope};
use crate::domain::account::giving::{self, MAX_GRANTS, Placed};
use crate::domain::account::{Account, Kind};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// All an account may.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// At most 100; none: it may nothing.
    #[garde(length(max = MAX_GRANTS), dive)]
    grants: Vec<GrantView>,
}

/// Grants with the places of their doors.
pub async fn placed(api: &Api, grants: &[Grant]) -> Result<Vec<Placed>, ApiError> {
    let mut placed = Vec::with_capacity(grants.len());
    for grant in grants {
        let site_of_door = match grant.scope {
            Scope::Door(door) => api.store.door(door).await?.map(|door| door.site),
            Scope::Everything | Scope::Site(_) => None,
        };
        placed.push(Placed { grant: *grant, site_of_door });
    }
    Ok(placed)
}

/// Grants as sent, checked: they are the caller's to give, and their places are there.
pub async fn given(api: &Api, giver: &Access, views: &[GrantView]) -> Result<Vec<Grant>, ApiError> {
    let invalid = |detail: String| ApiError::Invalid { field: "grants", detail };
    if views.len() > MAX_GRANTS {
        return Err(invalid(format!("at most {MAX_GRANTS} grants, not {}", views.len())));
    }
    let grants = views.iter().map(Grant::try_from).collect::<Result<Vec<_>, _>>()?;
    let grants = Access::new(grants).grants().to_vec();
    for grant in &placed(api, &grants).await? {
        let is_there = match grant.grant.scope {
            Scope::Everything => true,
            Scope::Site(site) => api.store.site(site).await?.is_some(),
            Scope::Door(_) => grant.site_of_door.is_some(),
        };
        // A place that is not there is answered like one beyond the caller's reach.
        if !is_there || !giving::may_give(giver, grant) {
            let words = "nobody gives what he does not have, and only an owner makes owners and admins";
            return Err(ApiError::NotAllowed(format!(
                "the role {} there is not yours to give: {words}",
                grant.grant.role.as_str()
            )));
        }
    }
    Ok(grants)
}

/// An account the caller may see: one of whose grants lies within his reach, or, for who sees everything, any.
pub async fn seen(api: &Api, reach: &Reach, id: UserId, kind: Kind) -> Result<(Account, Vec<Placed>), ApiError> {
    let account = api.accounts.book.account(id).await?.filter(|account| account.kind == kind);
    let account = account.ok_or(ApiError::NotFound("account"))?;
    let held = placed(api, account.access.grants()).await?;
    if !reach.is_everything() && giving::visible(reach, &held).next().is_none() {
        return Err(ApiError::NotFound("account"));
    }
    Ok((account, held))
}

/// An account the caller may change: all its grants are his to give.
pub async fn managed(
    api: &Api,
    may: &May<impl crate::domain::access::may::Needs>,
    id: UserId,
    kind: Kind,
) -> Result<Account, ApiError> {
    let (account, held) = seen(api, &may.reach, id, kind).await?;
    if giving::may_manage(&may.caller.access, &held) {
        return Ok(account);
    }
    let (caller, target) = (&may.caller, format!("user:{id}"));
    api.refuse(caller.actor(), caller.address, "api.forbidden", &target, "the account may more than the caller".into());
    Err(ApiError::NotAllowed(
        "this account may things that you may not; only somebody who may them can change it".into(),
    ))
}

/// Set all an account may. It takes effect with the account's next request.
#[utoipa::path(put, path = "/api/v1/users/{id}/grants", operation_id = "users_set_grants", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The account")), request_body = Grants,
    responses(
        (status = 200, description = "Set", body = UserView),
        (status = 403, description = "`not-allowed`: not yours to give", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: the last owner", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.grants", skip_all)]
pub async fn set(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<UserId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<Grants>,
) -> Result<impl IntoResponse, ApiError> {
    replace(&api, &may, id, Kind::Person, expected, &body.grants).await
}

/// The same for a service.
pub(in crate::http::v1) async fn replace(
    api: &Api,
    may: &May<impl crate::domain::access::may::Needs>,
    id: UserId,
    kind: Kind,
    expected: Option<u64>,
    views: &[GrantView],
) -> Result<([(HeaderName, HeaderValue); 1], axum::Json<UserView>), ApiError> {
    let before = managed(api, may, id, kind).await?;
    let grants = given(api, &may.caller.access, views).await?;
    let change = Change { expected, now: api.now() };
    let version = api.accounts.book.put_grants(id, &grants, change).await?.ok_or(ApiError::NotFound("account"))?;
    api.accounts.changed();
    let detail = format!("from {} to {}", words(before.access.grants()), words(&grants));
    api.audit_done(&may.caller, "account.grants", format!("user:{id}"), detail).await?;
    let after = Account { access: Access::new(grants), version, ..before };
    let held = placed(api, after.access.grants()).await?;
    Ok((etag(version), axum::Json(UserView::new(&after, &may.reach, &held))))
}

/// Grants for the audit log.
pub fn words(grants: &[Grant]) -> String {
    let word = |grant: &Grant| match grant.scope {
        Scope::Everything => grant.role.as_str().to_owned(),
        Scope::Site(site) => format!("{} at site:{site}", grant.role.as_str()),
        Scope::Door(door) => format!("{} at door:{door}", grant.role.as_str()),
    };
    if grants.is_empty() { "nothing".into() } else { grants.iter().map(word).collect::<Vec<_>>().join(", ") }
}
