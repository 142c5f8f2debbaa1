//! What would follow, without changing anything.

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::outlook::Outlook;
use super::values::{derivable, share, similarity};
use crate::domain::access::may::SettingsRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::recognition::forecast::Question;

/// The most persons that can be asked for.
const MOST_PERSONS: u64 = 10_000_000;

/// What to try; what is left out is as it is now.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct WhatIf {
    /// Share of strangers' visits that may be taken for someone, above 0 and below 1.
    #[garde(inner(custom(rules::share)))]
    #[schema(example = 0.001)]
    target_fpir: Option<f32>,
    /// Share of enrolled people's visits that may go unrecognised, above 0 and below 1.
    #[garde(inner(custom(rules::share)))]
    target_fnir: Option<f32>,
    /// A threshold set by hand, 0 to 1.
    #[garde(inner(custom(rules::similarity)))]
    match_threshold: Option<f32>,
    /// A margin set by hand, 0 to 1.
    #[garde(inner(custom(rules::similarity)))]
    match_margin: Option<f32>,
    /// Persons the doors know, at most 10 000 000.
    #[garde(range(max = 10_000_000))]
    #[schema(example = 500)]
    persons: Option<u64>,
}

/// What would follow from a target, from figures set by hand, or from more people. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/recognition/preview", operation_id = "recognition_preview", tag = "recognition",
    security(("bearer" = [])), request_body = WhatIf,
    responses(
        (status = 200, description = "What would follow", body = Outlook),
        (status = 422, description = "`invalid-value`, or `pack-not-calibrated`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.recognition.preview", skip_all)]
pub async fn preview(
    State(api): State<Api>,
    _may: Throughout<SettingsRead>,
    Valid(asked): Valid<WhatIf>,
) -> Result<axum::Json<Outlook>, ApiError> {
    derivable(&api, asked.target_fpir)?;
    let now = api.store.recognition().await?.value;
    let persons = match asked.persons {
        Some(persons) if persons > MOST_PERSONS => {
            return Err(ApiError::Invalid { field: "persons", detail: format!("must be 0 to {MOST_PERSONS}") });
        }
        Some(persons) => persons,
        None => api.recognition.persons().await?,
    };
    let question = Question {
        target_fpir: share("target_fpir", asked.target_fpir)?.or(now.target_fpir),
        target_fnir: share("target_fnir", asked.target_fnir)?.unwrap_or(now.target_fnir),
        threshold: similarity("match_threshold", asked.match_threshold)?,
        margin: similarity("match_margin", asked.match_margin)?,
        persons,
    };
    Ok(axum::Json(Outlook::new(&api, api.recognition.answer(question).await)))
}
