//! Finding what was said.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sight;
use super::titles::Authors;
use super::view::MessageView;
use crate::domain::access::may::EventsRead;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::ApiError;
use crate::http::v1::me::searches::note;
use crate::ports::searches::SearchKind;

/// Messages looked through, of those that have the words, for those that may be seen.
const LOOKED_THROUGH: usize = 5_000;

/// What is looked for.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Words {
    /// Words that must all stand somewhere in a message, whatever case and accents, 2 to 100 characters.
    #[garde(length(chars, min = 2, max = 100))]
    q: String,
    /// Messages at most, 1 to 500.
    #[garde(skip)]
    limit: Option<u32>,
}

/// What was found, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Said {
    /// The messages.
    items: Vec<MessageView>,
}

/// Messages with these words, in conversations you may see, the newest first.
#[utoipa::path(get, path = "/api/v1/threads/search", operation_id = "threads_search", tag = "conversations",
    security(("bearer" = [])), params(Words),
    responses((status = 200, description = "The messages", body = Said)))]
pub async fn search(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(words): ValidQuery<Words>,
) -> Result<Json<Said>, ApiError> {
    let limit = paging::limit(words.limit)? as usize;
    let found = api.said.find(&words.q, LOOKED_THROUGH).await?;
    let mut threads: Vec<_> = found.iter().map(|(_, thread)| *thread).collect();
    threads.sort_unstable();
    threads.dedup();
    let visible = api.talk.visible(&sight(&api, &may).await?, &threads).await?;
    let (mut items, mut authors) = (Vec::new(), Authors::default());
    for (id, _) in found.iter().filter(|(_, thread)| visible.contains(thread)) {
        // It may have been taken back, or have ended, since it was found.
        if let Some(message) = api.talk.message(*id).await?.filter(|message| message.text.is_some()) {
            items.push(authors.view(&api, message).await?);
        }
        if items.len() == limit {
            break;
        }
    }
    note(&api, &may.caller, SearchKind::Talk, &words.q, items.len()).await;
    Ok(Json(Said { items }))
}
