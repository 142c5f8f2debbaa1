//! Services, the oldest first.

use axum::extract::State;

use crate::domain::access::may::KeysManage;
use crate::domain::account::Kind;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::users::list::{Page, page_of};
use crate::http::v1::users::view::UserPage;

/// The accounts of services, as far as they may something within your reach.
#[utoipa::path(get, path = "/api/v1/service-accounts", operation_id = "service_accounts_list", tag = "accounts",
    security(("bearer" = [])), params(Page), responses(
        (status = 200, description = "A page", body = UserPage),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.service_accounts.list", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<KeysManage>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<axum::Json<UserPage>, ApiError> {
    page_of(&api, &may.reach, Kind::Service, &page).await.map(axum::Json)
}
