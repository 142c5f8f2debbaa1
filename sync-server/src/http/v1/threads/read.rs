//! Having read.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::found;
use crate::domain::access::may::EventsRead;
use crate::domain::notify::{MessageId, ThreadId};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// How far.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Upto {
    /// The last message you have read.
    #[garde(skip)]
    message: Uuid,
}

/// Say how far you have read; further back than before is no change.
#[utoipa::path(post, path = "/api/v1/threads/{id}/read", operation_id = "threads_mark_read", tag = "conversations",
    security(("bearer" = [])), request_body = Upto,
    params(("id" = uuid::Uuid, Path, description = "The conversation")),
    responses(
        (status = 204, description = "Noted"),
        (status = 404, description = "No such conversation, or no such message in it", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn mark(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<ThreadId>,
    Valid(upto): Valid<Upto>,
) -> Result<StatusCode, ApiError> {
    found(&api, &may, id).await?;
    let message = api.talk.message(MessageId(upto.message)).await?.filter(|message| message.thread == id);
    let message = may.found(message, "message")?;
    api.talk.read_upto(may.caller.account, id, message.id, api.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
