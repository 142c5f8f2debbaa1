//! One site: look at it, rename it, remove it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::SiteId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::list::SiteView;
use crate::domain::access::may::{DoorsManage, DoorsRead};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::{name, removed};

/// What is to change of a site; what is left out stays as it is.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SitePatch {
    /// Name, unique, 1 to 100 characters.
    #[garde(inner(custom(rules::name)))]
    #[schema(example = "Head office")]
    name: Option<String>,
}

/// One site.
#[utoipa::path(get, path = "/api/v1/sites/{id}", operation_id = "sites_read", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The site")),
    responses((status = 200, description = "The site; the `ETag` is its version", body = SiteView)))]
pub async fn read(
    State(api): State<Api>,
    may: May<DoorsRead>,
    InPath(id): InPath<SiteId>,
) -> Result<Response, ApiError> {
    let seen = api.within.sites_within(&may.reach).await?.into_iter().find(|site| site.id == id);
    may.found(seen, "site")?;
    answer(&api, id).await
}

/// Rename a site.
#[utoipa::path(patch, path = "/api/v1/sites/{id}", operation_id = "sites_update", tag = "devices",
    security(("bearer" = [])), request_body = SitePatch,
    params(("id" = uuid::Uuid, Path, description = "The site"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "The site as it is now", body = SiteView),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.sites.update", skip_all, fields(site.id = %id))]
pub async fn update(
    State(api): State<Api>,
    may: May<DoorsManage>,
    InPath(id): InPath<SiteId>,
    IfMatch(expected): IfMatch,
    Valid(body): Valid<SitePatch>,
) -> Result<Response, ApiError> {
    let site = may.found(api.store.site(may.site(id)?).await?, "site")?;
    if let Some(text) = body.name {
        let name = name(&text)?;
        let (was, became) = (json!({ "name": site.name }), json!({ "name": name }));
        let note = api.note(&may.caller, "site.update", format!("site:{id}"), Some(was), Some(became));
        let change = Change { expected, now: api.now() };
        api.store.rename_site(id, &name, change, &note).await?.ok_or(ApiError::NotFound("site"))?;
    }
    answer(&api, id).await
}

/// Remove a site that has no doors, devices and groups.
#[utoipa::path(delete, path = "/api/v1/sites/{id}", operation_id = "sites_delete", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The site")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "`in-use`: `counts` says what hangs on it", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.sites.delete", skip_all, fields(site.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<DoorsManage>,
    InPath(id): InPath<SiteId>,
) -> Result<StatusCode, ApiError> {
    let site = may.found(api.store.site(may.site(id)?).await?, "site")?;
    let was = json!({ "name": site.name });
    let note = api.note(&may.caller, "site.delete", format!("site:{id}"), Some(was), None);
    removed("site", api.store.remove_site(id, &note).await?)
}

async fn answer(api: &Api, id: SiteId) -> Result<Response, ApiError> {
    let site = api.store.site(id).await?.ok_or(ApiError::NotFound("site"))?;
    let version = api.store.site_version(id).await?.ok_or(ApiError::NotFound("site"))?;
    Ok((etag(version), axum::Json(SiteView::from(site))).into_response())
}
