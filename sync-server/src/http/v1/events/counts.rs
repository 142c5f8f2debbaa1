//! How many events there were, by hours or days.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, Unit, ZonedRound};
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::filter::Filters;
use crate::domain::access::may::EventsRead;
use crate::domain::event::EventTally;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::ApiError;
use crate::http::rules::{self, Rfc3339};
use crate::http::v1::settings::general::installation;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// The longest span counted by hours.
const MOST_BY_HOUR_MS: i64 = 31 * 24 * HOUR_MS;
/// The longest span counted by days.
const MOST_BY_DAY_MS: i64 = 366 * 24 * HOUR_MS;

/// Which events, and how they are counted.
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
    /// Matches of this person.
    #[garde(skip)]
    person: Option<Uuid>,
    /// That happened from this time on, RFC 3339.
    #[garde(skip)]
    #[param(value_type = String, format = DateTime)]
    from: Rfc3339,
    /// That happened before this time, RFC 3339.
    #[garde(skip)]
    #[param(value_type = String, format = DateTime)]
    until: Rfc3339,
    /// Whose similarity, to the person matched or to the nearest one, is at least this, 0 to 1.
    #[garde(range(min = 0.0, max = 1.0))]
    #[param(minimum = 0, maximum = 1)]
    score_min: Option<f64>,
    /// Whose similarity is at most this, 0 to 1.
    #[garde(range(min = 0.0, max = 1.0))]
    #[param(minimum = 0, maximum = 1)]
    score_max: Option<f64>,
    /// `hour`, over at most 31 days, or `day`, over at most 366, as the installation's time zone has them.
    #[garde(custom(rules::one_of(&["hour", "day"])))]
    by: Option<String>,
}

/// How many events there were.
#[derive(Serialize, ToSchema)]
pub struct Counts {
    /// The time zone hours and days are taken from.
    time_zone: String,
    /// Spans with any events, in order of time.
    items: Vec<CountItem>,
}

/// How many events there were in a span.
#[derive(Serialize, ToSchema)]
pub struct CountItem {
    /// When the hour or day began.
    from: String,
    /// How many.
    count: u64,
    /// How many of each kind.
    kinds: BTreeMap<&'static str, u64>,
}

/// How many events there were, by hours or days of the installation's time zone.
#[utoipa::path(get, path = "/api/v1/events/counts", operation_id = "events_counts", tag = "events",
    security(("bearer" = [])), params(Wanted),
    responses((status = 200, description = "Spans with any events", body = Counts)))]
#[tracing::instrument(name = "http.v1.events.counts", skip_all)]
pub async fn counts(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<Counts>, ApiError> {
    let unit = wanted.unit()?;
    let filter = wanted.filters().parse()?;
    let (installation, _) = installation(&*api.store).await?;
    let zone = TimeZone::get(&installation.time_zone).unwrap_or(TimeZone::UTC);
    let tally = api.store.event_tally(&may.reach, &filter).await?;
    Ok(Json(Counts { time_zone: installation.time_zone, items: gathered(&tally, unit, &zone) }))
}

impl Wanted {
    fn unit(&self) -> Result<Unit, ApiError> {
        let (unit, most) = match self.by.as_deref() {
            Some("hour") => (Unit::Hour, MOST_BY_HOUR_MS),
            _ => (Unit::Day, MOST_BY_DAY_MS),
        };
        match self.until.0.0.saturating_sub(self.from.0.0) {
            span if span > most => {
                let detail = format!("must be at most {} days after `from`", most / (24 * HOUR_MS));
                Err(ApiError::InvalidQuery { name: "until", detail })
            }
            _ => Ok(unit),
        }
    }

    fn filters(&self) -> Filters {
        Filters {
            kind: self.kind.clone(),
            site: self.site,
            door: self.door,
            device: self.device,
            person: self.person,
            unknown: None,
            from: Some(self.from),
            until: Some(self.until),
            score_min: self.score_min,
            score_max: self.score_max,
        }
    }
}

/// Quarters of an hour, gathered into the hours or days of a time zone.
fn gathered(tally: &[EventTally], unit: Unit, zone: &TimeZone) -> Vec<CountItem> {
    let mut spans: BTreeMap<i64, BTreeMap<&'static str, u64>> = BTreeMap::new();
    for quarter in tally {
        let kinds = spans.entry(begin(quarter.at, unit, zone).0).or_default();
        *kinds.entry(quarter.kind.as_str()).or_default() += quarter.count;
    }
    let item = |(from, kinds): (i64, BTreeMap<&'static str, u64>)| CountItem {
        from: UnixMillis(from).to_rfc3339(),
        count: kinds.values().sum(),
        kinds,
    };
    spans.into_iter().map(item).collect()
}

/// When the hour or day began; a time beyond the calendar is its own.
fn begin(at: UnixMillis, unit: Unit, zone: &TimeZone) -> UnixMillis {
    let Ok(time) = Timestamp::from_millisecond(at.0) else { return at };
    let down = ZonedRound::new().smallest(unit).mode(RoundMode::Floor);
    time.to_zoned(zone.clone()).round(down).map_or(at, |begin| UnixMillis(begin.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_place() {
        let check = |at: &str, unit, zone: &str, expected: &str| {
            let zone = TimeZone::get(zone).unwrap();
            let begin = begin(UnixMillis::parse_rfc3339(at).unwrap(), unit, &zone);
            assert_eq!(begin, UnixMillis::parse_rfc3339(expected).unwrap(), "{at} {unit:?}");
        };
        check("2026-11-21T23:30:00Z", Unit::Day, "UTC", "2026-11-21T00:00:00Z");
        check("2026-11-21T23:30:00Z", Unit::Day, "Europe/Vienna", "2026-11-21T23:00:00Z");
        check("2026-07-01T21:59:00Z", Unit::Day, "Europe/Vienna", "2026-06-30T22:00:00Z");
        check("2026-11-21T10:15:00Z", Unit::Hour, "Asia/Kathmandu", "2026-11-21T10:15:00Z");
        check("2026-11-21T10:00:00Z", Unit::Hour, "Asia/Kathmandu", "2026-11-21T09:15:00Z");
        // The day the clocks went back is 25 hours long.
        check("2026-10-25T22:59:00Z", Unit::Day, "Europe/Vienna", "2026-10-24T22:00:00Z");
    }
}
