//! Conversations: all that may be seen, or mine.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::ThreadView;
use super::{sight, titles};
use crate::domain::access::may::EventsRead;
use crate::domain::notify::ThreadId;
use crate::domain::talk::{About, ThreadState};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;
use crate::http::rules;
use crate::ports::talk::ThreadFilter;

/// Which conversations, and which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Conversations of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(length(max = 300))]
    cursor: Option<String>,
    /// `open` or `resolved`.
    #[garde(custom(rules::one_of(&["open", "resolved"])))]
    state: Option<String>,
    /// Only those in which you wrote, were named, or are to act.
    #[garde(skip)]
    #[serde(default)]
    mine: bool,
    /// Only those where it is your turn.
    #[garde(skip)]
    #[serde(default)]
    assigned: bool,
    /// About what: `event`, `person`, `door`, `unknown`; with `subject`.
    #[garde(custom(rules::one_of(&["event", "person", "door", "unknown"])))]
    about: Option<String>,
    /// The event, person, door or unknown visitor.
    #[garde(skip)]
    subject: Option<Uuid>,
}

/// A page of conversations, the last spoken in first.
#[derive(Serialize, ToSchema)]
pub struct Threads {
    /// The conversations.
    items: Vec<ThreadView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    next: Option<String>,
}

fn filter(asked: &Asked, me: ostiary_common::ids::UserId) -> Result<ThreadFilter, ApiError> {
    let invalid = |name, detail: &str| ApiError::InvalidQuery { name, detail: detail.into() };
    let state = asked
        .state
        .as_deref()
        .map(|text| ThreadState::parse(text).ok_or_else(|| invalid("state", "must be open or resolved")));
    let about = match (&asked.about, asked.subject) {
        (None, None) => None,
        (Some(kind), Some(id)) => {
            Some(About::parse(kind, id).ok_or_else(|| invalid("about", "must be event, person, door or unknown"))?)
        }
        _ => return Err(invalid("subject", "goes with `about`")),
    };
    Ok(ThreadFilter {
        state: state.transpose()?,
        assignee: asked.assigned.then_some(me),
        of: asked.mine.then_some(me),
        about,
    })
}

/// The conversations you may see, the last spoken in first.
#[utoipa::path(get, path = "/api/v1/threads", operation_id = "threads_list", tag = "conversations",
    security(("bearer" = [])), params(Asked),
    responses((status = 200, description = "The conversations", body = Threads)))]
pub async fn list(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Json<Threads>, ApiError> {
    let limit = paging::limit(asked.limit)?;
    let filter = filter(&asked, may.caller.account)?;
    let named = format!("{}/{filter:?}", may.caller.account);
    let before = match &asked.cursor {
        Some(cursor) => {
            let [at, high, low] = api.cursors.open("threads", &named, cursor)?;
            Some((UnixMillis(at), ThreadId(Uuid::from_u64_pair(high.cast_unsigned(), low.cast_unsigned()))))
        }
        None => None,
    };
    let threads = api.talk.threads(&sight(&api, &may).await?, filter, before, limit).await?;
    let next = threads.last().filter(|_| threads.len() == limit as usize).map(|last| {
        let (high, low) = last.id.0.as_u64_pair();
        api.cursors.seal("threads", &named, [last.last_at.0, high.cast_signed(), low.cast_signed()])
    });
    let mut items = Vec::with_capacity(threads.len());
    for thread in threads {
        items.push(titles::titled(&api, thread).await?);
    }
    Ok(Json(Threads { items, next }))
}
