//! A figure: a table with what follows from it, answered as JSON, CSV or SVG.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::{DoorId, SiteId};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::analytics::chart::Chart;
use crate::http::problem::ApiError;
use crate::http::rules::Rfc3339;
use crate::ports::figures::Span;

/// The longest span, days.
const MOST_DAYS: i64 = 400;
const DAY_MS: i64 = 86_400_000;
/// The span if none is asked for, days.
const DEFAULT_DAYS: i64 = 30;

/// Where and when, and in what form.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// What visits are counted by: `hour`, `weekday`, `day` (the default), `door`.
    #[garde(length(max = 30))]
    pub by: Option<String>,
    /// From this time on, RFC 3339; 30 days before `until` if absent.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Rfc3339>,
    /// Before this time, RFC 3339; now if absent. The span is 400 days at most.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Rfc3339>,
    /// At doors of this site.
    #[garde(skip)]
    pub site: Option<Uuid>,
    /// At this door.
    #[garde(skip)]
    pub door: Option<Uuid>,
    /// `json` (the default), `csv`, or `svg`.
    #[garde(length(max = 30))]
    pub format: Option<String>,
}

impl Asked {
    /// Where and when.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`].
    pub fn span(&self, reach: &Reach, now: UnixMillis) -> Result<Span, ApiError> {
        let until = self.until.map_or(now, |until| until.0);
        let from = self.from.map_or(UnixMillis(until.0 - DEFAULT_DAYS * DAY_MS), |from| from.0);
        if !(0..=MOST_DAYS * DAY_MS).contains(&(until.0 - from.0)) {
            let detail = format!("must lie before `until`, by {MOST_DAYS} days at most");
            return Err(ApiError::InvalidQuery { name: "from", detail });
        }
        let (site, door) = (self.site.map(SiteId), self.door.map(DoorId));
        Ok(Span { reach: reach.clone(), site, door, from, until })
    }
}

/// A row of a figure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FigureRow {
    /// What it is about.
    pub label: String,
    /// Its numbers, in the order of the columns.
    pub values: Vec<f64>,
}

/// A figure.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// What the labels are.
    pub of: String,
    /// What the numbers are.
    pub columns: Vec<String>,
    /// The table.
    pub rows: Vec<FigureRow>,
    /// What follows from it.
    pub facts: Map<String, Value>,
}

impl Figure {
    /// As it was asked for.
    ///
    /// # Errors
    /// [`ApiError::InvalidQuery`] for another form.
    pub fn answer(self, format: Option<&str>) -> Result<Response, ApiError> {
        match format.unwrap_or("json") {
            "json" => Ok(axum::Json(self).into_response()),
            "csv" => Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], self.csv()?).into_response()),
            "svg" => Ok(([(CONTENT_TYPE, "image/svg+xml")], self.svg()).into_response()),
            other => Err(ApiError::InvalidQuery {
                name: "format",
                detail: format!("must be json, csv or svg, not {other:?}"),
            }),
        }
    }

    fn csv(&self) -> Result<Vec<u8>, ApiError> {
        let failed = |e: csv::Error| ApiError::Internal(e.to_string());
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(std::iter::once(&self.of).chain(&self.columns)).map_err(failed)?;
        for row in &self.rows {
            let numbers = row.values.iter().map(f64::to_string);
            csv.write_record(std::iter::once(guarded(&row.label)).chain(numbers)).map_err(failed)?;
        }
        csv.into_inner().map_err(|e| ApiError::Internal(e.to_string()))
    }

    fn svg(self) -> String {
        let rows = self.rows.into_iter().map(|row| (row.label, row.values)).collect();
        Chart { title: self.title, columns: self.columns, rows }.svg()
    }
}

/// A text that no spreadsheet takes for a formula.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_as_others_read_it() {
        let row = |label: &str, values: &[f64]| FigureRow { label: label.into(), values: values.to_vec() };
        let figure = Figure {
            title: "Visits".into(),
            of: "door".into(),
            columns: vec!["match".into(), "share".into()],
            rows: vec![row("Front, \"main\"", &[3.0, 0.5]), row("=1+1", &[0.0, 0.25])],
            facts: Map::new(),
        };
        let csv = String::from_utf8(figure.csv().unwrap()).unwrap();
        assert_eq!(csv, "door,match,share\n\"Front, \"\"main\"\"\",3,0.5\n'=1+1,0,0.25\n");
        assert!(figure.answer(Some("pdf")).is_err());
    }

    #[test]
    fn spans_have_an_end_and_a_bound() {
        let now = UnixMillis(1_795_424_400_000);
        let at = |days: i64| Some(Rfc3339(UnixMillis(now.0 - days * DAY_MS)));
        let check = |from, until, expected: Option<i64>| {
            let asked = Asked { from, until, ..Asked::default() };
            let span = asked.span(&Reach::Everything, now).ok();
            assert_eq!(span.map(|span| (span.until.0 - span.from.0) / DAY_MS), expected);
        };
        check(None, None, Some(30));
        check(at(400), None, Some(400));
        check(at(401), None, None);
        check(at(1), at(2), None);
        check(None, at(7), Some(30));
    }
}
