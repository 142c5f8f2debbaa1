//! A page of events: by the time they happened, or in the order they were stored.

use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::filter::Filters;
use super::item::EventItem;
use super::pages::{Asked, Place};
use crate::domain::access::may::EventsRead;
use crate::domain::event::{EventFilter, Page, StoredEvent, TimePage};
use crate::http::answer::LongJson;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules::Rfc3339;

/// Name of the list in cursors.
const LIST: &str = "events";

/// Which events, and which page of them.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `match`, `unknown`, `spoof_suspected`, `unusable` or `report`, or several with commas between.
    #[garde(length(max = 100))]
    kind: Option<String>,
    /// At doors of this site.
    #[garde(skip)]
    site: Option<Uuid>,
    /// At this door.
    #[garde(skip)]
    door: Option<Uuid>,
    /// Of this device.
    #[garde(skip)]
    device: Option<Uuid>,
    /// Visits of this person.
    #[garde(skip)]
    person: Option<Uuid>,
    /// Visits put together as this unknown visitor.
    #[garde(skip)]
    unknown: Option<Uuid>,
    /// That happened from this time on, RFC 3339.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Rfc3339>,
    /// That happened before this time, RFC 3339.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Rfc3339>,
    /// Whose similarity, to the person matched or to the nearest one, is at least this, 0 to 1.
    #[garde(range(min = 0.0, max = 1.0))]
    #[param(minimum = 0, maximum = 1)]
    score_min: Option<f64>,
    /// Whose similarity is at most this, 0 to 1.
    #[garde(range(min = 0.0, max = 1.0))]
    #[param(minimum = 0, maximum = 1)]
    score_max: Option<f64>,
    /// Events of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next` or `previous` of another page of this list, with the same filters.
    #[garde(length(max = 300))]
    #[param(max_length = 300)]
    cursor: Option<String>,
    /// To follow along: events in the order they were stored, after this `cursor` of an item. Alone of the three.
    #[garde(skip)]
    after: Option<i64>,
    /// Events in the order they were stored, the newest first, before this `cursor` of an item. Alone of the three.
    #[garde(skip)]
    before: Option<i64>,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct Events {
    /// The events.
    items: Vec<EventItem>,
    /// Pass it as `cursor` for the next page; absent on the last.
    next: Option<String>,
    /// Pass it as `cursor` for the page before this one; absent where a list begins.
    previous: Option<String>,
}

/// A page of events, the newest first by the time they happened; or, with `after` or `before`, in the order they were
/// stored, by which nothing is missed that comes in late.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "events_list", tag = "events", security(("bearer" = [])),
    params(Wanted),
    responses(
        (status = 200, description = "The events", body = Events),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.events.list", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<LongJson<Events>, ApiError> {
    let limit = paging::limit(wanted.limit)?;
    let filter = wanted.filters().parse()?;
    let about = format!("{filter:?}");
    let asked = wanted.asked(&api, &about)?;
    // One more than asked for tells whether there is another page.
    let events = read(&api, &may, &filter, asked, limit + 1).await?;
    let page = asked.page(events, limit as usize);
    let cursor = |place: Place| api.cursors.seal(LIST, &about, place.to_numbers());
    Ok(LongJson(Events {
        next: page.next.map(cursor),
        previous: page.previous.map(cursor),
        items: page.items.into_iter().map(EventItem::from).collect(),
    }))
}

async fn read(
    api: &Api,
    may: &May<EventsRead>,
    filter: &EventFilter,
    asked: Asked,
    limit: u32,
) -> Result<Vec<StoredEvent>, ApiError> {
    Ok(match asked {
        Asked::ByTime(at) => api.store.events_by_time(&may.reach, filter, at, limit).await?,
        Asked::AsStored(at) => api.within.events_within(&may.reach, filter, at, limit).await?,
    })
}

impl Wanted {
    fn filters(&self) -> Filters {
        Filters {
            kind: self.kind.clone(),
            site: self.site,
            door: self.door,
            device: self.device,
            person: self.person,
            unknown: self.unknown,
            from: self.from,
            until: self.until,
            score_min: self.score_min,
            score_max: self.score_max,
        }
    }

    fn asked(&self, api: &Api, about: &str) -> Result<Asked, ApiError> {
        let several = |name| ApiError::InvalidQuery { name, detail: "only one of after, before and cursor".into() };
        match (&self.cursor, self.after, self.before) {
            (Some(cursor), None, None) => {
                let place = Place::from_numbers(api.cursors.open(LIST, about, cursor)?);
                place.map(Asked::from).ok_or_else(|| several("cursor"))
            }
            (None, Some(after), None) => Ok(Asked::AsStored(Page::After(after))),
            (None, None, Some(before)) => Ok(Asked::AsStored(Page::Before(Some(before)))),
            (None, None, None) => Ok(Asked::ByTime(TimePage::Older(None))),
            (Some(_), ..) => Err(several("cursor")),
            (None, Some(_), Some(_)) => Err(several("after")),
        }
    }
}
