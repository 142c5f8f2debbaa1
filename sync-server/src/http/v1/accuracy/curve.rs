//! Both errors over all thresholds, for a drawing.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::filter::{filter, judgements};
use crate::domain::access::may::EventsRead;
use crate::domain::judgement::Scores;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::ApiError;
use crate::http::rules::Rfc3339;

/// Points of an answer; of more, every so many-th is told.
const MOST_POINTS: usize = 1_000;

/// Which events.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of events at doors of this site.
    #[garde(skip)]
    site: Option<Uuid>,
    /// Of events at this door.
    #[garde(skip)]
    door: Option<Uuid>,
    /// Of events from this time on, RFC 3339; ninety days before `until` if it is not said.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Rfc3339>,
    /// Of events before this time, RFC 3339; now if it is not said.
    #[garde(skip)]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Rfc3339>,
}

/// Both errors over all thresholds (a DET curve).
#[derive(Serialize, ToSchema)]
pub struct AccuracyCurve {
    /// The model pack; judgements of others are left out, since scores of two packs are never compared.
    pack: String,
    /// Judged visits of enrolled people.
    mated: usize,
    /// Judged visits of strangers.
    strangers: usize,
    /// By rising threshold.
    points: Vec<CurvePoint>,
}

/// The errors at a threshold.
#[derive(Serialize, ToSchema)]
struct CurvePoint {
    /// Least similarity (cosine) of a match.
    threshold: f64,
    /// Share of strangers' visits that would name somebody.
    fpir: f64,
    /// Share of enrolled people's visits that would not name them.
    fnir: f64,
}

/// Both errors over all thresholds, by judged events of the present model pack.
#[utoipa::path(get, path = "/api/v1/accuracy/curve", operation_id = "accuracy_curve", tag = "accuracy",
    security(("bearer" = [])), params(Wanted),
    responses((status = 200, description = "The curve", body = AccuracyCurve)))]
#[tracing::instrument(name = "http.v1.accuracy.curve", skip_all)]
pub async fn curve(
    State(api): State<Api>,
    may: May<EventsRead>,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<AccuracyCurve>, ApiError> {
    let filter = filter(&api, (wanted.site, wanted.door, None), (wanted.from, wanted.until));
    let mut scores = Scores::default();
    let judged = judgements(&api, &may.reach, &filter).await?;
    judged.iter().filter(|judgement| judgement.pack == api.pack).for_each(|judgement| scores.add(judgement));
    let curve = scores.curve();
    let told: Vec<CurvePoint> = curve
        .points()
        .iter()
        .filter(|point| point.threshold.is_finite())
        .map(|point| CurvePoint { threshold: point.threshold, fpir: point.false_match, fnir: point.false_non_match })
        .collect();
    let every = told.len().div_ceil(MOST_POINTS).max(1);
    Ok(Json(AccuracyCurve {
        pack: api.pack.to_string(),
        mated: scores.mated.len(),
        strangers: scores.strangers.len(),
        points: told.into_iter().step_by(every).collect(),
    }))
}
