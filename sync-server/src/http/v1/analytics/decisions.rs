//! How long decisions took.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, json};

use super::table::{Asked, Figure, FigureRow};
use crate::domain::access::may::EventsRead;
use crate::domain::analytics::{DECISION_MS, quantile};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};

/// How long doors took from the deciding frame to the decision: how many within each time, and within what time half,
/// nine of ten and ninety-nine of a hundred were made.
#[utoipa::path(get, path = "/api/v1/analytics/decisions", operation_id = "analytics_decisions", tag = "analytics",
    security(("bearer" = [])), params(Asked),
    responses(
        (status = 200, description = "The figure; as CSV or SVG if asked for", body = Figure),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn decisions(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    let span = asked.span(&may.reach, api.now())?;
    let mut counts = [0; DECISION_MS.len() + 1];
    for (bucket, count) in api.figures.decisions(&span).await? {
        counts[bucket.min(DECISION_MS.len())] += count;
    }
    let within = |share| json!(quantile(&counts, share));
    let facts = [
        ("count", json!(counts.iter().sum::<u64>())),
        ("p50_ms", within(0.5)),
        ("p90_ms", within(0.9)),
        ("p99_ms", within(0.99)),
    ];
    let label = |place: usize| match DECISION_MS.get(place) {
        Some(end) => format!("<= {end} ms"),
        None => "more".into(),
    };
    let row = |(place, count): (usize, &u64)| FigureRow { label: label(place), values: vec![*count as f64] };
    let figure = Figure {
        title: "Time to a decision".into(),
        of: "time".into(),
        columns: vec!["decisions".into()],
        rows: counts.iter().enumerate().map(row).collect(),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
    };
    figure.answer(asked.format.as_deref())
}
