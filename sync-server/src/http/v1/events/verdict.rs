//! What people say of an event.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{EventId, JudgementId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::{EventsJudge, EventsRead};
use crate::domain::event::StoredEvent;
use crate::domain::judgement::{Judgement, Verdict};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};

/// What is said of an event.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewVerdict {
    /// Of a match: `right`, `wrong_person`, `not_a_face`, `spoof`. Of an unknown: `right` (a stranger), `known_as`,
    /// `not_a_face`, `spoof`. Of a suspected spoof: `right`, `live`, `known_as`, `not_a_face`. Of an unusable visit:
    /// `right`, `known_as`, `not_a_face`.
    #[garde(length(max = 20))]
    #[schema(example = "wrong_person")]
    verdict: String,
    /// Who it was: needed with `known_as`, possible with `wrong_person`, where it is left out of a stranger.
    #[garde(skip)]
    person: Option<Uuid>,
}

/// A judgement.
#[derive(Serialize, ToSchema)]
pub struct JudgementView {
    /// Id.
    id: Uuid,
    /// What was said.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// Who it was.
    person: Option<Uuid>,
    /// Who said so: `user:<id>` or `service:<id>`.
    judged_by: String,
    /// When.
    judged_at: String,
    /// Who withdrew it, or said something else instead.
    withdrawn_by: Option<String>,
    /// When.
    withdrawn_at: Option<String>,
}

/// Everything that was said of an event.
#[derive(Serialize, ToSchema)]
pub struct Verdicts {
    /// What stands; absent if nothing does.
    standing: Option<JudgementView>,
    /// All of it, the newest first.
    history: Vec<JudgementView>,
}

/// Say of an event whether it was right. It takes the place of what was said before, which stays in the history.
#[utoipa::path(post, path = "/api/v1/events/{id}/verdict", operation_id = "events_judge", tag = "accuracy",
    security(("bearer" = [])), request_body = NewVerdict,
    params(("id" = uuid::Uuid, Path, description = "The event")),
    responses(
        (status = 201, description = "The judgement", body = JudgementView),
        (status = 404, description = "No such event or person", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: that cannot be said of such an event", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.events.judge", skip_all, fields(event.id = %id))]
pub async fn judge(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<EventId>,
    Valid(body): Valid<NewVerdict>,
) -> Result<(StatusCode, Json<JudgementView>), ApiError> {
    let event = may.event(id).await?;
    let person = body.person.map(PersonId);
    if let Some(person) = person {
        may.person(person).await?;
    }
    let (verdict, (score, threshold, named, nearest, pack)) = (verdict(&body, &event)?, said(&event)?);
    if person.is_some() && person == named {
        let detail = "is whom the event names; if that is right, say so".into();
        return Err(ApiError::Invalid { field: "person", detail });
    }
    let judgement = Judgement {
        id: JudgementId::generate(),
        event: id,
        site: event.site,
        door: event.door,
        pack,
        at: event.at,
        kind: event.kind(),
        score,
        threshold,
        named,
        nearest,
        verdict,
        person,
        judged_by: may.caller.actor(),
        judged_at: api.now(),
        withdrawn_by: None,
        withdrawn_at: None,
    };
    let became = json!({ "verdict": verdict.as_str(), "person": body.person });
    let note = api.note(&may.caller, "event.judge", format!("event:{id}"), None, Some(became));
    api.store.judge(&judgement, &note).await?;
    Ok((StatusCode::CREATED, Json(judgement.into())))
}

/// What was said of an event, with its history.
#[utoipa::path(get, path = "/api/v1/events/{id}/verdict", operation_id = "events_verdict", tag = "accuracy",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The event")),
    responses(
        (status = 200, description = "What was said", body = Verdicts),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn read(
    State(api): State<Api>,
    may: May<EventsRead>,
    InPath(id): InPath<EventId>,
) -> Result<Json<Verdicts>, ApiError> {
    may.event(id).await?;
    let said = api.store.judgements_of(id).await?;
    let standing = said.iter().find(|judgement| judgement.withdrawn_at.is_none()).cloned();
    let history = said.into_iter().map(JudgementView::from).collect();
    Ok(Json(Verdicts { standing: standing.map(JudgementView::from), history }))
}

/// Withdraw what stands of an event; it stays in the history.
#[utoipa::path(delete, path = "/api/v1/events/{id}/verdict", operation_id = "events_verdict_withdraw", tag = "accuracy",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The event")),
    responses(
        (status = 204, description = "Nothing stands any more"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.events.verdict_withdraw", skip_all, fields(event.id = %id))]
pub async fn withdraw(
    State(api): State<Api>,
    may: May<EventsJudge>,
    InPath(id): InPath<EventId>,
) -> Result<StatusCode, ApiError> {
    may.event(id).await?;
    let note = api.note(&may.caller, "event.verdict_withdraw", format!("event:{id}"), None, None);
    api.store.withdraw_judgement(id, &may.caller.actor(), api.now(), &note).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn verdict(body: &NewVerdict, event: &StoredEvent) -> Result<Verdict, ApiError> {
    let invalid = |field, detail: String| Err(ApiError::Invalid { field, detail });
    let names = body.person.is_some();
    match Verdict::parse(&body.verdict) {
        Some(verdict) if verdict.fits(event.kind(), names) => Ok(verdict),
        Some(verdict) if verdict.fits(event.kind(), !names) => {
            let must = if names { "must be left out" } else { "must say who it was" };
            invalid("person", format!("{must} with `{}`", verdict.as_str()))
        }
        _ => invalid("verdict", format!("cannot be said of an event of the kind `{}`", event.kind().as_str())),
    }
}

/// What the event says that is needed to count it.
type Said = (Option<f32>, Option<f32>, Option<PersonId>, Option<PersonId>, ostiary_common::ids::PackId);

fn said(event: &StoredEvent) -> Result<Said, ApiError> {
    let Some(visit) = &event.record.visit else {
        return Err(ApiError::Invalid { field: "verdict", detail: "cannot be said of a device's report".into() });
    };
    let nearest = visit.nearest.map(|nearest| nearest.person);
    let named = visit.matched.and(event.person);
    let score = visit.matched.or(visit.nearest).map(|candidate| candidate.similarity);
    Ok((score, Some(visit.threshold), named, nearest, visit.pack.clone()))
}

impl From<Judgement> for JudgementView {
    fn from(judgement: Judgement) -> Self {
        Self {
            id: judgement.id.0,
            verdict: judgement.verdict.as_str(),
            person: judgement.person.map(|person| person.0),
            judged_by: judgement.judged_by,
            judged_at: judgement.judged_at.to_rfc3339(),
            withdrawn_by: judgement.withdrawn_by,
            withdrawn_at: judgement.withdrawn_at.map(|at| at.to_rfc3339()),
        }
    }
}
