//! A new site.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::SiteId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::list::SiteView;
use crate::domain::access::may::DoorsManage;
use crate::domain::device::Site;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::name;

/// A new site.
#[derive(Deserialize, ToSchema, Validate)]
pub struct NewSite {
    /// Name, unique, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Head office")]
    name: String,
}

/// Add a site.
#[utoipa::path(post, path = "/api/v1/sites", operation_id = "sites_create", tag = "devices", security(("bearer" = [])), request_body = NewSite,
    responses(
        (status = 201, description = "Added", body = SiteView),
        (status = 409, description = "`taken`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.sites.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: Throughout<DoorsManage>,
    Valid(body): Valid<NewSite>,
) -> Result<(StatusCode, axum::Json<SiteView>), ApiError> {
    let site = Site { id: SiteId::generate(), name: name(&body.name)?, created_at: api.now() };
    api.store.add_site(&site).await?;
    api.audit_done(&may.caller, "site.create", format!("site:{}", site.id), String::new()).await?;
    Ok((StatusCode::CREATED, axum::Json(site.into())))
}
