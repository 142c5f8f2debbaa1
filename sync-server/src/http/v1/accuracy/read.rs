//! Errors and their rates, overall and by door, person, pack or month.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use garde::Validate;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ostiary_common::ids::DoorId;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::filter::{filter, judgements};
use super::view::{AdviceView, CountsView, RatesView};
use crate::domain::access::Reach;
use crate::domain::access::may::EventsRead;
use crate::domain::event::{EventFilter, EventKind, EventTally};
use crate::domain::judgement::{Counts, Judgement, Rates, Scores, Totals, by_person};
use crate::domain::recognition::DEFAULT_FPIR;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::ApiError;
use crate::http::rules::{Rfc3339, one_of};
use crate::ports::judgements::JudgementFilter;

/// Doors whose events are counted for one answer.
const MOST_DOORS: usize = 200;
const BY: &[&str] = &["door", "person", "pack", "month"];

/// Which events, and by what they are told apart.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `door`, `person`, `pack` or `month` (of UTC); without it only the whole is told.
    #[garde(custom(one_of(BY)))]
    by: Option<String>,
    /// Of events at doors of this site.
    #[garde(skip)]
    site: Option<Uuid>,
    /// Of events at this door.
    #[garde(skip)]
    door: Option<Uuid>,
    /// Of events that name this person, or should have.
    #[garde(skip)]
    person: Option<Uuid>,
    /// Of events from this time on, RFC 3339; ninety days before `until` if it is not said.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Rfc3339>,
    /// Of events before this time, RFC 3339; now if it is not said.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Rfc3339>,
}

/// How right doors are.
#[derive(Serialize, ToSchema)]
pub struct Accuracy {
    /// All of it.
    overall: Part,
    /// By what was asked for, in order of `key`.
    items: Vec<Part>,
    /// What judged scores say of the threshold.
    advice: AdviceView,
}

/// A part of the judged events.
#[derive(Serialize, ToSchema)]
struct Part {
    /// The door's or person's id, the pack, or the month as `2026-11`; absent of the whole.
    key: Option<String>,
    /// How often what was said.
    counts: CountsView,
    /// Rates among the judged events alone. If rather errors than others are judged, they are too high.
    judged: RatesView,
    /// Rates among all events: matches and unknowns each by the shares among their judged ones. Absent by person and
    /// pack.
    all: Option<RatesView>,
}

/// How right doors are, by what people said of their events: errors, and rates with intervals of 95 % (Wilson's).
#[utoipa::path(get, path = "/api/v1/accuracy", operation_id = "accuracy_read", tag = "accuracy",
    security(("bearer" = [])), params(Wanted),
    responses((status = 200, description = "The figures", body = Accuracy)))]
#[tracing::instrument(name = "http.v1.accuracy.read", skip_all)]
pub async fn read(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<Accuracy>, ApiError> {
    let filter = filter(&api, (wanted.site, wanted.door, wanted.person), (wanted.from, wanted.until));
    let judged = judgements(&api, &may.reach, &filter).await?;
    let tally = tally(&api, &may.reach, &filter, filter.door).await?;
    let items = match wanted.by.as_deref() {
        Some("door") => by_door(&api, &may.reach, &filter, &judged).await?,
        Some("person") => parts(by_person(&judged).into_iter().map(|(person, counts)| (person.to_string(), counts))),
        Some("pack") => parts(counted(&judged, |judgement| judgement.pack.to_string())),
        Some("month") => by_month(&judged, &tally),
        _ => Vec::new(),
    };
    let overall = Part::new(None, counts(&judged), wanted.person.is_none().then(|| totals(&tally)));
    Ok(Json(Accuracy { overall, items, advice: advice(&api, &judged).await? }))
}

async fn advice(api: &Api, judged: &[Judgement]) -> Result<AdviceView, ApiError> {
    let (rules, forecast) = api.recognition.installation().await?;
    let target: f64 = rules.value.target_fpir.map_or(DEFAULT_FPIR, |share| share.get()).into();
    let mut scores = Scores::default();
    // Scores of two packs are never compared.
    judged.iter().filter(|judgement| judgement.pack == api.pack).for_each(|judgement| scores.add(judgement));
    Ok(AdviceView::new(scores.advice(target), target, forecast.rule.threshold))
}

async fn tally(
    api: &Api,
    reach: &Reach,
    filter: &JudgementFilter,
    door: Option<DoorId>,
) -> Result<Vec<EventTally>, ApiError> {
    let JudgementFilter { site, from, until, .. } = *filter;
    let kinds = vec![EventKind::Match, EventKind::Unknown];
    Ok(api.store.event_tally(reach, &EventFilter { door, site, from, until, kinds, ..EventFilter::default() }).await?)
}

fn totals<'a>(tally: impl IntoIterator<Item = &'a EventTally>) -> Totals {
    tally.into_iter().fold(Totals::default(), |mut totals, quarter| {
        match quarter.kind {
            EventKind::Match => totals.matches += quarter.count,
            EventKind::Unknown => totals.unknowns += quarter.count,
            _ => {}
        }
        totals
    })
}

fn counts(judged: &[Judgement]) -> Counts {
    let mut counts = Counts::default();
    judged.iter().for_each(|judgement| counts.add(judgement));
    counts
}

fn counted<K: Ord>(judged: &[Judgement], key: impl Fn(&Judgement) -> K) -> BTreeMap<K, Counts> {
    let mut counted: BTreeMap<K, Counts> = BTreeMap::new();
    for judgement in judged {
        counted.entry(key(judgement)).or_default().add(judgement);
    }
    counted
}

fn parts(counted: impl IntoIterator<Item = (String, Counts)>) -> Vec<Part> {
    counted.into_iter().map(|(key, counts)| Part::new(Some(key), counts, None)).collect()
}

async fn by_door(
    api: &Api,
    reach: &Reach,
    filter: &JudgementFilter,
    judged: &[Judgement],
) -> Result<Vec<Part>, ApiError> {
    let mut parts = Vec::new();
    for (door, counts) in counted(judged, |judgement| judgement.door) {
        let is_counted = parts.len() < MOST_DOORS;
        let totals = if is_counted { Some(totals(&tally(api, reach, filter, Some(door)).await?)) } else { None };
        parts.push(Part::new(Some(door.to_string()), counts, totals));
    }
    Ok(parts)
}

fn by_month(judged: &[Judgement], tally: &[EventTally]) -> Vec<Part> {
    let part = |(key, counts): (String, Counts)| {
        let totals = totals(tally.iter().filter(|quarter| month(quarter.at) == key));
        Part::new(Some(key), counts, Some(totals))
    };
    counted(judged, |judgement| month(judgement.at)).into_iter().map(part).collect()
}

fn month(at: UnixMillis) -> String {
    let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
    Zoned::new(at, TimeZone::UTC).strftime("%Y-%m").to_string()
}

impl Part {
    fn new(key: Option<String>, counts: Counts, totals: Option<Totals>) -> Self {
        Self {
            key,
            judged: Rates::of(&counts).into(),
            all: totals.map(|totals| Rates::weighted(&counts, totals).into()),
            counts: counts.into(),
        }
    }
}
