//! Accounts, the oldest first.

use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::grants::placed;
use super::view::{UserPage, UserView};
use crate::domain::access::Reach;
use crate::domain::access::may::UsersRead;
use crate::domain::account::Kind;
use crate::domain::account::giving;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Accounts of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
}

/// The accounts of people, as far as they may something within your reach.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "users_list", tag = "accounts", security(("bearer" = [])),
    params(Page), responses(
        (status = 200, description = "A page", body = UserPage),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.users.list", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<UsersRead>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<axum::Json<UserPage>, ApiError> {
    page_of(&api, &may.reach, Kind::Person, &page).await.map(axum::Json)
}

/// A page of accounts of a kind.
pub(in crate::http::v1) async fn page_of(
    api: &Api,
    reach: &Reach,
    kind: Kind,
    page: &Page,
) -> Result<UserPage, ApiError> {
    let limit = paging::limit(page.limit)?;
    let (mut items, mut after) = (Vec::new(), page.after.map(UserId));
    loop {
        let accounts = api.accounts.book.accounts(kind, after, limit).await?;
        let is_last = accounts.len() < limit as usize;
        for account in accounts {
            after = Some(account.id);
            let held = placed(api, account.access.grants()).await?;
            if reach.is_everything() || giving::visible(reach, &held).next().is_some() {
                items.push(UserView::new(&account, reach, &held));
            }
            if items.len() == limit as usize {
                return Ok(UserPage { items, next: after.map(|id| id.0) });
            }
        }
        if is_last {
            return Ok(UserPage { items, next: None });
        }
    }
}
