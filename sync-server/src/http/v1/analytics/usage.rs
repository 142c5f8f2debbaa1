//! How the program is used, and how its store grows.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use ostiary_common::time::UnixMillis;

use super::table::{Asked, Figure, FigureRow};
use crate::domain::access::Reach;
use crate::domain::access::may::HealthRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::ports::figures::DayCount;
use crate::usage::{API, ENROLLMENT, day};

/// Names shown as columns; the rest comes together as `other`.
const MOST_COLUMNS: usize = 20;

fn days(asked: &Asked, now: UnixMillis) -> Result<(i64, i64), ApiError> {
    let span = asked.span(&Reach::Everything, now)?;
    Ok((day(span.from), day(span.until) + 1))
}

/// A row for each day, a column for each name.
fn by_day(title: &str, counts: &[DayCount]) -> Figure {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    counts.iter().for_each(|count| *totals.entry(&count.name).or_default() += count.count);
    let mut names: Vec<&str> = totals.keys().copied().collect();
    names.sort_by_key(|name| (std::cmp::Reverse(totals[name]), *name));
    names.truncate(MOST_COLUMNS);
    let shown: BTreeSet<&str> = names.iter().copied().collect();
    let has_other = shown.len() < totals.len();
    let mut rows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for count in counts {
        let row = rows.entry(count.day).or_insert_with(|| vec![0.0; names.len() + usize::from(has_other)]);
        let place = names.iter().position(|name| *name == count.name).unwrap_or(names.len());
        row[place] += count.count as f64;
    }
    let mut columns: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    if has_other {
        columns.push("other".into());
    }
    let label = |day: i64| UnixMillis(day * 86_400_000).to_rfc3339().chars().take(10).collect();
    Figure {
        title: title.into(),
        of: "day".into(),
        columns,
        rows: rows.into_iter().map(|(day, values)| FigureRow { label: label(day), values }).collect(),
        facts: serde_json::Map::new(),
    }
}

/// Enrollment by day: photos accepted, and photos refused by reason.
#[utoipa::path(get, path = "/api/v1/analytics/enrollment", operation_id = "analytics_enrollment", tag = "analytics",
    security(("bearer" = [])), params(Asked),
    responses((status = 200, description = "The figure; as CSV or SVG if asked for", body = Figure)))]
pub async fn enrollment(
    State(api): State<Api>,
    _may: Throughout<HealthRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    let (from, until) = days(&asked, api.now())?;
    by_day("Enrollment", &api.figures.usage(ENROLLMENT, from, until).await?).answer(asked.format.as_deref())
}

/// Requests by day and route.
#[utoipa::path(get, path = "/api/v1/analytics/api-use", operation_id = "analytics_api_use", tag = "analytics",
    security(("bearer" = [])), params(Asked),
    responses(
        (status = 200, description = "The figure; as CSV or SVG if asked for", body = Figure),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn api_use(
    State(api): State<Api>,
    _may: Throughout<HealthRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    let (from, until) = days(&asked, api.now())?;
    by_day("Requests", &api.figures.usage(API, from, until).await?).answer(asked.format.as_deref())
}

/// How large the store was, by day: bytes, and rows of its larger tables.
#[utoipa::path(get, path = "/api/v1/analytics/storage", operation_id = "analytics_storage", tag = "analytics",
    security(("bearer" = [])), params(Asked),
    responses((status = 200, description = "The figure; as CSV or SVG if asked for", body = Figure)))]
pub async fn storage(
    State(api): State<Api>,
    _may: Throughout<HealthRead>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    let (from, until) = days(&asked, api.now())?;
    by_day("Storage", &api.figures.storage(from, until).await?).answer(asked.format.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_rows_and_names_columns_the_most_first() {
        let count = |day, name: &str, count| DayCount { day, name: name.into(), count };
        let figure = by_day("x", &[count(1, "a", 1), count(1, "b", 5), count(2, "a", 2)]);
        assert_eq!(figure.columns, ["b", "a"]);
        let rows: Vec<(&str, &[f64])> = figure.rows.iter().map(|row| (&*row.label, &*row.values)).collect();
        assert_eq!(rows, [("1970-01-02", &[5.0, 1.0][..]), ("1970-01-03", &[0.0, 2.0][..])]);
        let many: Vec<DayCount> = (0..30).map(|n| count(1, &format!("n{n:02}"), 1)).collect();
        let figure = by_day("x", &many);
        assert_eq!((figure.columns.len(), figure.rows[0].values[20]), (21, 10.0));
    }
}
