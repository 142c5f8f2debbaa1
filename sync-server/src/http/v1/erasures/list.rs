//! A page of erasures.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::ErasureId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::ErasureView;
use crate::domain::access::may::ErasuresRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Erasures of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// A page of erasures, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Erasures {
    /// The erasures.
    items: Vec<ErasureView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// A page of erasures, the newest first.
#[utoipa::path(get, path = "/api/v1/erasures", operation_id = "erasures_list", tag = "erasures", security(("bearer" = [])), params(Page),
    responses((status = 200, description = "The erasures", body = Erasures)))]
pub async fn list(
    State(api): State<Api>,
    _may: Throughout<ErasuresRead>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Erasures>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let erasures = api.store.erasures(page.before.map(ErasureId), limit).await?;
    let full = erasures.len() == limit as usize;
    let next = erasures.last().filter(|_| full).map(|erasure| erasure.id.0);
    Ok(Json(Erasures { items: erasures.iter().map(ErasureView::from).collect(), next }))
}
