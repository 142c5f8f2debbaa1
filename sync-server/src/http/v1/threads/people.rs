//! Whom one can name in a conversation, or hand it to.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{found, may_see};
use crate::domain::access::Permission;
use crate::domain::access::may::EventsRead;
use crate::domain::account::{Account, Kind, State as AccountState};
use crate::domain::notify::ThreadId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Accounts looked at together.
const PAGE: u32 = 500;
/// The most accounts that are answered with.
const MOST: usize = 500;

/// Somebody who may see a conversation.
#[derive(Serialize, ToSchema)]
pub struct Participant {
    /// The account.
    id: Uuid,
    /// What people call them.
    name: String,
}

/// Everybody who may see a conversation.
#[derive(Serialize, ToSchema)]
pub struct Participants {
    /// By name, 500 at most.
    items: Vec<Participant>,
}

/// Who may see this conversation: whom one can name in it, or hand it to. Of each the name alone.
#[utoipa::path(get, path = "/api/v1/threads/{id}/people", operation_id = "threads_people", tag = "conversations",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The people", body = Participants),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<ThreadId>,
) -> Result<Json<Participants>, ApiError> {
    let thread = found(&api, &may, id).await?;
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page = api.accounts.book.accounts(Kind::Person, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for account in page.into_iter().filter(is_in_use) {
            if may_see(&api, &account.access, Permission::EventsRead, &thread).await? {
                items.push(Participant { id: account.id.0, name: account.name });
            }
        }
        if items.len() >= MOST {
            items.truncate(MOST);
            break;
        }
    }
    items.sort_by_cached_key(|one| one.name.to_lowercase());
    Ok(Json(Participants { items }))
}

fn is_in_use(account: &Account) -> bool {
    account.state == AccountState::Active
}
