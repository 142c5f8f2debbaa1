//! Recording that a consent was withdrawn.

use axum::Json;
use axum::extract::State;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::body::method;
use crate::domain::access::may::PersonsManage;
use crate::domain::consent::{ConsentId, Withdrawal, Withdrawn};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;

/// How a consent was withdrawn.
#[derive(Debug, Default, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct WithdrawalBody {
    /// `written`, `electronic`, `verbal`, `imported` or `unspecified`, which it is if nothing is said.
    #[garde(skip)]
    #[schema(example = "verbal")]
    method: Option<String>,
    /// What else there is to say. Kept sealed.
    #[garde(length(chars, max = 1000), custom(rules::notes))]
    #[schema(max_length = 1000)]
    note: String,
}

/// What follows from a withdrawal.
#[derive(Debug, Serialize, ToSchema)]
pub struct WithdrawnView {
    /// From this revision of the gallery on no device knows the person.
    revision: u64,
    /// When the person is erased.
    erased_at: String,
}

/// Record that a person withdrew a consent: no door knows the person from now on, and the person is erased after the
/// days that the text says (`/api/v1/settings/consent-text`).
#[utoipa::path(post, path = "/api/v1/persons/{id}/consents/{consent}/withdraw",
    operation_id = "persons_consent_withdraw", tag = "persons", security(("bearer" = [])),
    request_body = WithdrawalBody,
    params(("id" = uuid::Uuid, Path, description = "The person"),
        ("consent" = uuid::Uuid, Path, description = "The consent")),
    responses(
        (status = 200, description = "Recorded", body = WithdrawnView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it had ended before", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.consents.withdraw", skip_all, fields(person.id = %id))]
pub async fn withdraw(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath((id, consent)): InPath<(PersonId, ConsentId)>,
    Valid(body): Valid<WithdrawalBody>,
) -> Result<Json<WithdrawnView>, ApiError> {
    may.own_person(id).await?;
    let withdrawal =
        Withdrawal { method: method(body.method.as_deref())?, note: body.note, by: may.caller.actor(), at: api.now() };
    let said = json!({"consent": consent, "method": withdrawal.method.as_str()});
    let note = api.note(&may.caller, "person.consent_withdraw", format!("person:{id}"), None, Some(said));
    let done = api.store.withdraw_consent(id, consent, &withdrawal, &note).await?;
    match done.ok_or(ApiError::NotFound("consent"))? {
        Withdrawn::Done { rev, erase_at } => {
            api.tell_gallery(Some(rev));
            Ok(Json(WithdrawnView { revision: rev.0, erased_at: erase_at.to_rfc3339() }))
        }
        Withdrawn::EndedBefore(how) => {
            Err(ApiError::WrongState(format!("this consent had ended before ({}); see the one in force", how.as_str())))
        }
    }
}
