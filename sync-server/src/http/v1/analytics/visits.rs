//! Visits by hour, weekday, day or door; the known among them; the busiest times.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, json};

use super::table::{Asked, Figure, FigureRow};
use crate::domain::access::may::EventsRead;
use crate::domain::analytics::{By, KINDS, Tally, busiest, known_share, tally};
use crate::domain::notify::schedule;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::notify::settings::here;

/// Busiest times told.
const BUSIEST: usize = 5;

fn by(asked: &Asked) -> Result<By, ApiError> {
    match asked.by.as_deref().unwrap_or("day") {
        "hour" => Ok(By::Hour),
        "weekday" => Ok(By::Weekday),
        "day" => Ok(By::Day),
        "door" => Ok(By::Door),
        other => Err(ApiError::InvalidQuery {
            name: "by",
            detail: format!("must be hour, weekday, day or door, not {other:?}"),
        }),
    }
}

/// Visits within reach by hour, weekday, day or door, of each kind, by the installation's time zone; with the share of
/// known faces and the busiest rows. Counted from what names nobody, some seconds behind events, and kept when events go.
#[utoipa::path(get, path = "/api/v1/analytics/visits", operation_id = "analytics_visits", tag = "analytics",
    security(("bearer" = [])), params(Asked),
    responses(
        (status = 200, description = "The figure; as CSV or SVG if asked for", body = Figure),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn visits(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    let (by, span) = (by(&asked)?, asked.span(&may.reach, api.now())?);
    let zone = here(&*api.store).await?.time_zone;
    let counts = api.figures.visits(&span).await?;
    let mut tally = tally(&counts, by, &schedule::zone(&zone));
    if by == By::Door {
        tally = named(&api, &may, tally).await?;
    }
    let busiest: Vec<_> =
        busiest(&tally, BUSIEST).into_iter().map(|(label, visits)| json!({"label": label, "visits": visits})).collect();
    let facts = [
        ("time_zone", json!(zone)),
        ("known_share", json!(known_share(&tally))),
        ("busiest", json!(busiest)),
        ("from", json!(span.from.to_rfc3339())),
        ("until", json!(span.until.to_rfc3339())),
    ];
    let row = |(label, counts): (String, [u64; KINDS.len()])| FigureRow {
        label,
        values: counts.iter().map(|count| *count as f64).collect(),
    };
    let of = asked.by.clone().unwrap_or_else(|| "day".into());
    let figure = Figure {
        title: format!("Visits by {of}"),
        of,
        columns: KINDS.iter().map(|kind| kind.as_str().to_owned()).collect(),
        rows: tally.into_iter().map(row).collect(),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
    };
    figure.answer(asked.format.as_deref())
}

/// Doors by their names; those that are gone by their ids.
async fn named(api: &Api, may: &May<EventsRead>, tally: Tally) -> Result<Tally, ApiError> {
    let doors = api.within.doors_within(&may.reach).await?;
    let names: HashMap<String, String> = doors.into_iter().map(|door| (door.id.to_string(), door.name)).collect();
    let mut found = Tally::new();
    for (id, counts) in tally {
        let entry = found.entry(names.get(&id).cloned().unwrap_or(id)).or_default();
        entry.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    Ok(found)
}
