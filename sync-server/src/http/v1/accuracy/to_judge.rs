//! Events to be judged, drawn at random: who judges what stands out finds errors, and learns nothing of how frequent they
//! are.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::time::UnixMillis;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::access::may::EventsJudge;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::ApiError;
use crate::http::v1::events::item::EventItem;

/// Events drawn from: the newest that nobody has judged.
const DRAWN_FROM: u32 = 2_000;
/// How old they may be.
const SINCE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Events drawn if nobody says how many.
const USUAL: usize = 20;

/// How many.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// At most so many, 1 to 100; 20 if it is not said.
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// Events to be judged.
#[derive(Serialize, ToSchema)]
pub struct ToJudge {
    /// The events, in no order.
    items: Vec<EventItem>,
}

/// Events of the last thirty days that nobody has judged, drawn at random. Judge them in turn, and rates are those of all
/// events.
#[utoipa::path(get, path = "/api/v1/accuracy/to-judge", operation_id = "accuracy_to_judge", tag = "accuracy",
    security(("bearer" = [])), params(Wanted),
    responses((status = 200, description = "The events", body = ToJudge)))]
#[tracing::instrument(name = "http.v1.accuracy.to_judge", skip_all)]
pub async fn to_judge(
    State(api): State<Api>,
    may: May<EventsJudge>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<ToJudge>, ApiError> {
    let past = i64::try_from(SINCE.as_millis()).unwrap_or(i64::MAX);
    let since = UnixMillis(api.now().0.saturating_sub(past));
    let mut ids = api.store.unjudged_within(&may.reach, since, DRAWN_FROM).await?;
    ids.shuffle(&mut rand::rng());
    let mut items = Vec::new();
    for id in ids.into_iter().take(wanted.limit.unwrap_or(USUAL)) {
        items.extend(api.within.event_within(&may.reach, id).await?.map(EventItem::from));
    }
    Ok(Json(ToJudge { items }))
}
