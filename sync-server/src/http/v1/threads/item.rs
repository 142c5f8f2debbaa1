//! One conversation: look at it, resolve it, hand it to somebody, hold it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::UserId;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::ThreadView;
use super::{found, may_see, titles};
use crate::domain::access::Permission;
use crate::domain::access::may::{EventsJudge, EventsRead};
use crate::domain::account::State as AccountState;
use crate::domain::notify::ThreadId;
use crate::domain::recognition::Change;
use crate::domain::talk::{Thread, ThreadState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatch, etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::ports::talk::ThreadChange;

/// What changes; what is left out stays.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ThreadPatch {
    /// `open` or `resolved`.
    #[garde(custom(rules::one_of(&["open", "resolved"])))]
    state: Option<String>,
    /// Whose turn it is; `null` for nobody's.
    #[garde(skip)]
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Uuid>)]
    assignee: Option<Option<Uuid>>,
    /// Whether it is kept however old it is; needs `settings.manage` there.
    #[garde(skip)]
    held: Option<bool>,
}

/// Tells `null` from what is left out.
fn said<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Uuid>>, D::Error> {
    Option::<Uuid>::deserialize(deserializer).map(Some)
}

async fn answer(api: &Api, thread: Thread) -> Result<Response, ApiError> {
    Ok((etag(thread.version), axum::Json(titles::titled(api, thread).await?)).into_response())
}

/// One conversation.
#[utoipa::path(get, path = "/api/v1/threads/{id}", operation_id = "threads_read", tag = "conversations",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The conversation; the `ETag` is the version", body = ThreadView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<ThreadId>,
) -> Result<Response, ApiError> {
    answer(&api, found(&api, &may, id).await?).await
}

/// Resolve a conversation or open it again, hand it to somebody, hold it.
#[utoipa::path(patch, path = "/api/v1/threads/{id}", operation_id = "threads_update", tag = "conversations",
    security(("bearer" = [])), request_body = ThreadPatch,
    params(("id" = uuid::Uuid, Path, description = "The conversation"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "Changed", body = ThreadView),
        (status = 403, description = "`not-allowed`: to hold it", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`outdated`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: among others, an account that may not see it", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.threads.update", skip_all, fields(thread.id = %id))]
pub async fn update(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<ThreadId>,
    IfMatch(expected): IfMatch,
    Valid(patch): Valid<ThreadPatch>,
) -> Result<Response, ApiError> {
    let thread = found(&api, &may, id).await?;
    let became = became(&api, &may, &thread, &patch).await?;
    let shown = |state: ThreadState, assignee: Option<UserId>, held: bool| {
        Some(json!({"state": state.as_str(), "assignee": assignee, "held": held}))
    };
    let note = api.note(
        &may.caller,
        "thread.change",
        format!("thread:{id}"),
        shown(thread.state, thread.assignee, thread.held),
        shown(became.state, became.assignee, became.held),
    );
    let change = Change { expected, now: api.now() };
    api.talk.put_thread(id, became, change, &note).await?.ok_or(ApiError::NotFound("conversation"))?;
    answer(&api, found(&api, &may, id).await?).await
}

async fn became(
    api: &Api,
    may: &May<EventsJudge>,
    thread: &Thread,
    patch: &ThreadPatch,
) -> Result<ThreadChange, ApiError> {
    let invalid = |field, detail: &str| ApiError::Invalid { field, detail: detail.into() };
    let state = match &patch.state {
        Some(text) => ThreadState::parse(text).ok_or_else(|| invalid("state", "must be open or resolved"))?,
        None => thread.state,
    };
    let assignee = match patch.assignee {
        Some(Some(account)) => Some(able(api, thread, UserId(account), "assignee").await?),
        Some(None) => None,
        None => thread.assignee,
    };
    let held = patch.held.unwrap_or(thread.held);
    if held != thread.held && !may_see(api, &may.caller.access, Permission::SettingsManage, thread).await? {
        return Err(may.lacks(Permission::SettingsManage));
    }
    Ok(ThreadChange { state, assignee, held })
}

/// An account that is in use and may see the conversation; who may not is not told of it.
pub(super) async fn able(api: &Api, thread: &Thread, account: UserId, field: &'static str) -> Result<UserId, ApiError> {
    let known = api.accounts.book.account(account).await?.filter(|account| account.state == AccountState::Active);
    let may = match &known {
        Some(known) => may_see(api, &known.access, Permission::EventsRead, thread).await?,
        None => false,
    };
    let detail = format!("{account} is no account that may see this conversation");
    may.then_some(account).ok_or(ApiError::Invalid { field, detail })
}
