//! What is said: read it, say something, change or take back what one said.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{EventId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::item::able;
use super::view::MessageView;
use super::{found, titles};
use crate::domain::access::may::{EventsJudge, EventsRead, Needs};
use crate::domain::notify::{MessageId, Place, Signal, ThreadId, What};
use crate::domain::talk::{self, MOST_NAMED, Message, Thread};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid, ValidQuery};
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::ports::notify::Reason;
use crate::ports::talk::NewMessage;

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Messages of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// A page of messages, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Messages {
    /// The messages.
    items: Vec<MessageView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

/// Something to be said.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Saying {
    /// Plain text, 1 to 4000 characters.
    #[garde(length(max = 16_000))]
    text: String,
    /// Accounts that are told, at most 20; each must be able to see the conversation.
    #[garde(length(max = MOST_NAMED))]
    #[serde(default)]
    mentions: Vec<Uuid>,
    /// Events it points to, at most 20.
    #[garde(length(max = MOST_NAMED))]
    #[serde(default)]
    events: Vec<Uuid>,
}

/// A text in place of the one before.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// Plain text, 1 to 4000 characters.
    #[garde(length(max = 16_000))]
    text: String,
}

fn text(said: &str) -> Result<String, ApiError> {
    talk::text(said).map_err(|e| ApiError::Invalid { field: "text", detail: e.to_string() })
}

/// What is said in a conversation.
#[utoipa::path(get, path = "/api/v1/threads/{id}/messages", operation_id = "threads_messages", tag = "conversations",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The conversation"), Page),
    responses(
        (status = 200, description = "The messages", body = Messages),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn list(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<ThreadId>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<Json<Messages>, ApiError> {
    let limit = paging::limit(page.limit)?;
    found(&api, &may, id).await?;
    let messages = api.talk.messages(id, page.before.map(MessageId), limit).await?;
    let next = messages.last().filter(|_| messages.len() == limit as usize).map(|last| last.id.0);
    Ok(Json(Messages { items: titles::messages(&api, messages).await?, next }))
}

/// Say something. Who is named is told; a resolved conversation is open again.
#[utoipa::path(post, path = "/api/v1/threads/{id}/messages", operation_id = "threads_say", tag = "conversations",
    security(("bearer" = [])), request_body = Saying,
    params(("id" = uuid::Uuid, Path, description = "The conversation")),
    responses(
        (status = 201, description = "Said", body = MessageView),
        (status = 404, description = "No such conversation or event", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.threads.say", skip_all, fields(thread.id = %id))]
pub async fn say(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<ThreadId>,
    Valid(saying): Valid<Saying>,
) -> Result<(StatusCode, Json<MessageView>), ApiError> {
    let thread = found(&api, &may, id).await?;
    let message = NewMessage {
        id: MessageId::generate(),
        thread: id,
        author: may.caller.account,
        at: api.now(),
        text: text(&saying.text)?,
        mentions: named(&api, &thread, &saying.mentions).await?,
        events: pointed_to(&may, &saying.events).await?,
    };
    let said = api.talk.say(&message).await?;
    may.found(said.then_some(()), "conversation")?;
    tell_named(&api, &thread, &message).await?;
    let kept = api.talk.message(message.id).await?.ok_or(ApiError::NotFound("message"))?;
    Ok((StatusCode::CREATED, Json(titles::message(&api, kept).await?)))
}

async fn named(api: &Api, thread: &Thread, accounts: &[Uuid]) -> Result<Vec<UserId>, ApiError> {
    let mut named = Vec::with_capacity(accounts.len());
    for account in accounts {
        let account = able(api, thread, UserId(*account), "mentions").await?;
        if !named.contains(&account) {
            named.push(account);
        }
    }
    Ok(named)
}

async fn pointed_to(may: &May<EventsJudge>, events: &[Uuid]) -> Result<Vec<EventId>, ApiError> {
    let mut found = Vec::with_capacity(events.len());
    for event in events {
        found.push(may.event(EventId(*event)).await?.record.id);
    }
    Ok(found)
}

async fn tell_named(api: &Api, thread: &Thread, message: &NewMessage) -> Result<(), ApiError> {
    let place = thread.place.map_or_else(Place::default, |(site, door)| Place::at(site, door, None));
    for account in message.mentions.iter().filter(|account| **account != message.author) {
        let signal = Signal::new(What::Mention, message.at, place);
        let signal = Signal { thread: Some(thread.id), account: Some(*account), ..signal };
        api.notices.direct.tell(*account, &signal, Reason::First).await?;
    }
    Ok(())
}

/// A message in a conversation the caller may see.
async fn one<P: Needs>(api: &Api, may: &May<P>, id: MessageId) -> Result<Message, ApiError> {
    let message = may.found(api.talk.message(id).await?, "message")?;
    match found(api, may, message.thread).await {
        Ok(_) => Ok(message),
        Err(ApiError::NotFound(_)) => Err(ApiError::NotFound("message")),
        Err(error) => Err(error),
    }
}

/// A message of the caller's own.
async fn own(api: &Api, may: &May<EventsJudge>, id: MessageId) -> Result<Message, ApiError> {
    let message = one(api, may, id).await?;
    if message.author == Some(may.caller.account) {
        return Ok(message);
    }
    Err(ApiError::NotAllowed("only who wrote a message changes it or takes it back".into()))
}

/// Change what you said; what it said before stays to be seen.
#[utoipa::path(patch, path = "/api/v1/messages/{id}", operation_id = "messages_update", tag = "conversations",
    security(("bearer" = [])), request_body = Correction,
    params(("id" = uuid::Uuid, Path, description = "The message")),
    responses(
        (status = 200, description = "Changed", body = MessageView),
        (status = 403, description = "`not-allowed`: not yours", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it was taken back", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.messages.update", skip_all, fields(message.id = %id))]
pub async fn update(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<MessageId>,
    Valid(correction): Valid<Correction>,
) -> Result<Json<MessageView>, ApiError> {
    own(&api, &may, id).await?;
    let text = text(&correction.text)?;
    if !api.talk.edit(id, Some(&text), api.now()).await? {
        return Err(ApiError::WrongState("this message was taken back".into()));
    }
    Ok(Json(titles::message(&api, one(&api, &may, id).await?).await?))
}

/// Take back what you said: its text and its earlier texts are removed, and that something was said stays.
#[utoipa::path(delete, path = "/api/v1/messages/{id}", operation_id = "messages_delete", tag = "conversations",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The message")),
    responses(
        (status = 204, description = "Taken back"),
        (status = 403, description = "`not-allowed`: not yours", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: the conversation is held", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.messages.delete", skip_all, fields(message.id = %id))]
pub async fn delete(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<MessageId>,
) -> Result<StatusCode, ApiError> {
    let message = own(&api, &may, id).await?;
    if found(&api, &may, message.thread).await?.held {
        return Err(ApiError::WrongState("this conversation is held: nothing of it is removed".into()));
    }
    api.talk.edit(id, None, api.now()).await?;
    let target = format!("thread:{}", message.thread);
    api.audit_done(&may.caller, "message.take_back", target, format!("message {id}")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a message said before.
#[derive(Serialize, ToSchema)]
pub struct Earlier {
    /// Until when it said so.
    until: String,
    /// What it said.
    text: String,
}

/// What a message said before, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct History {
    /// The texts.
    items: Vec<Earlier>,
}

/// What a message said before, the oldest first.
#[utoipa::path(get, path = "/api/v1/messages/{id}/history", operation_id = "messages_history", tag = "conversations",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The message")),
    responses(
        (status = 200, description = "The texts", body = History),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn history(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<MessageId>,
) -> Result<Json<History>, ApiError> {
    one(&api, &may, id).await?;
    let earlier = api.talk.history(id).await?;
    let items = earlier.into_iter().map(|(until, text)| Earlier { until: until.to_rfc3339(), text }).collect();
    Ok(Json(History { items }))
}
