//! Undoing a merge or a split.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::PersonChangeId;
use serde_json::json;

use super::view::PersonChangeView;
use crate::domain::access::may::PersonsManage;
use crate::domain::mending::Undone;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};

/// Undo a merge or a split: templates, groups and past visits are as before, and doors are told. Photos that came since
/// stay with whom they came to. A person whom a split made must have none of their own.
#[utoipa::path(post, path = "/api/v1/person-changes/{id}/undo", operation_id = "person_changes_undo", tag = "persons",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The merge or split")),
    responses(
        (status = 200, description = "Undone", body = PersonChangeView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: undone already, too old, or something was built on it since",
            body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.person_changes.undo", skip_all, fields(change.id = %id))]
pub async fn undo(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonChangeId>,
) -> Result<Json<PersonChangeView>, ApiError> {
    let change = may.found(api.store.mending(id).await?, "change of persons")?;
    may.own_person(change.target).await?;
    let became = json!({ "change": id, "source": change.source, "target": change.target });
    let target = format!("person:{}", change.target);
    let note = api.note(&may.caller, "person.undo", target, None, Some(became));
    match api.store.undo_mending(id, api.now(), &note).await? {
        Some(Undone::Done(rev)) => api.link.gallery_changed(rev),
        Some(Undone::TooLate) => return Err(cannot("It was undone already, or is older than seven days.")),
        Some(Undone::BuiltUpon) => {
            return Err(cannot(
                "Something was built on it since: undo the later merge of these persons first, or take away the photos \
                 that the person whom the split made has got of their own.",
            ));
        }
        None => return Err(ApiError::NotFound("change of persons")),
    }
    let change = api.store.mending(id).await?.ok_or(ApiError::NotFound("change of persons"))?;
    Ok(Json(PersonChangeView::new(change, api.now())))
}

fn cannot(detail: &str) -> ApiError {
    ApiError::WrongState(detail.into())
}
