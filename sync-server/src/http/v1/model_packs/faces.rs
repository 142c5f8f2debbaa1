//! Whom a pack would not know: pictures it could make nothing of, persons of whom no picture is kept.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::found;
use crate::domain::access::may::SettingsRead;
use crate::domain::model_pack::CropPlace;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::{TextInPath, ValidQuery};
use crate::http::problem::{ApiError, Problem};

/// Rows of a page if nobody asks for another number.
const PAGE: u32 = 100;

/// Which rows.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `next` of the page before.
    #[garde(length(max = 120))]
    after: Option<String>,
    /// Rows at most, 1 to 1000.
    #[garde(range(min = 1, max = 1000))]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A kept picture a pack made no template of.
#[derive(Serialize, ToSchema)]
pub struct RefusedFace {
    /// Whose face.
    person: Uuid,
    /// Why, as of photos: `no-face`, …
    reason: String,
    /// When it was tried.
    at: String,
}

/// Kept pictures a pack made no template of.
#[derive(Serialize, ToSchema)]
pub struct RefusedFaces {
    /// In order of persons.
    items: Vec<RefusedFace>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Persons a pack would not know.
#[derive(Serialize, ToSchema)]
pub struct MissingPersons {
    /// Their ids, in order.
    items: Vec<Uuid>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Kept pictures of which the pack could make no template, and why.
#[utoipa::path(get, path = "/api/v1/model-packs/{id}/refusals", operation_id = "model_packs_refusals",
    tag = "model-packs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pack, `name@version`"), Wanted),
    responses(
        (status = 200, description = "A page", body = RefusedFaces),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.refusals", skip_all)]
pub async fn refusals(
    State(api): State<Api>,
    _may: Throughout<SettingsRead>,
    TextInPath(id): TextInPath,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<RefusedFaces>, ApiError> {
    let pack = found(&api, &id).await?;
    let after = wanted.after.as_deref().map(place).transpose()?;
    let limit = wanted.limit.unwrap_or(PAGE);
    let page = api.packs.store.pack_refusals(&pack.id, after, limit).await?;
    let last = page.last().filter(|_| page.len() >= limit as usize).map(|refusal| refusal.place);
    let next = last.map(|place| format!("{}.{}", place.person, hex::encode(place.source_sha256)));
    let items = page
        .into_iter()
        .map(|refusal| RefusedFace {
            person: refusal.place.person.0,
            reason: refusal.reason,
            at: refusal.at.to_rfc3339(),
        })
        .collect();
    Ok(Json(RefusedFaces { items, next }))
}

/// Persons who are known by another pack and would not be by this one, since no usable picture of them is kept: they need
/// new photos.
#[utoipa::path(get, path = "/api/v1/model-packs/{id}/missing", operation_id = "model_packs_missing",
    tag = "model-packs", security(("bearer" = [])),
    params(("id" = String, Path, description = "The pack, `name@version`"), Wanted),
    responses(
        (status = 200, description = "A page", body = MissingPersons),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.missing", skip_all)]
pub async fn missing(
    State(api): State<Api>,
    _may: Throughout<SettingsRead>,
    TextInPath(id): TextInPath,
    ValidQuery(wanted): ValidQuery<Wanted>,
) -> Result<Json<MissingPersons>, ApiError> {
    let pack = found(&api, &id).await?;
    let after = wanted.after.as_deref().map(|text| text.parse::<PersonId>().map_err(|_| unreadable())).transpose()?;
    let limit = wanted.limit.unwrap_or(PAGE);
    let page = api.packs.store.pack_missing(&pack.id, after, limit).await?;
    let next = page.last().filter(|_| page.len() >= limit as usize).map(ToString::to_string);
    Ok(Json(MissingPersons { items: page.into_iter().map(|person| person.0).collect(), next }))
}

fn unreadable() -> ApiError {
    ApiError::InvalidQuery { name: "after", detail: "is `next` of another page of this list".into() }
}

fn place(text: &str) -> Result<CropPlace, ApiError> {
    let parsed = text.split_once('.').and_then(|(person, photo)| {
        let source_sha256 = hex::decode(photo).ok()?.try_into().ok()?;
        Some(CropPlace { person: person.parse().ok()?, source_sha256 })
    });
    parsed.ok_or_else(unreadable)
}
