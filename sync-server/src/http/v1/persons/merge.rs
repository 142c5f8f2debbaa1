//! Two persons who are one, and one who is two.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{PersonChangeId, PersonId, TemplateId};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::photos::consent_missing;
use crate::domain::access::may::PersonsManage;
use crate::domain::consent::ConsentMissing;
use crate::domain::mending::{MergeOrder, SplitOrder};
use crate::domain::person::Person;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::consents::body::{ConsentSaid, facts};
use crate::http::v1::name;
use crate::http::v1::person_changes::view::PersonChangeView;

/// Who else it is.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct MergePersons {
    /// The person who is the same one.
    #[garde(skip)]
    with: Uuid,
}

/// What is somebody else's.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SplitPerson {
    /// Templates that are somebody else's, 1 to 100.
    #[garde(length(min = 1, max = 100))]
    #[schema(min_items = 1, max_items = 100)]
    templates: Vec<Uuid>,
    /// That one's display name, 1 to 100 characters.
    #[garde(custom(rules::name))]
    name: String,
    /// That they, too, have agreed to be recognised: `true` for a consent just given to the text in force, or what is
    /// known of it.
    #[garde(dive)]
    #[serde(default)]
    consent: ConsentSaid,
}

/// Say that another person is this one, enrolled twice: templates and past visits become this one's, whose name, groups and
/// validity hold; the other is nobody any more, and doors are told at once. For seven days it can be undone; then the other
/// is erased.
#[utoipa::path(post, path = "/api/v1/persons/{id}/merge", operation_id = "persons_merge", tag = "persons",
    security(("bearer" = [])), request_body = MergePersons,
    params(("id" = uuid::Uuid, Path, description = "The person who stays")),
    responses(
        (status = 201, description = "What was done, to be undone by its id", body = PersonChangeView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`: the same person", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.merge", skip_all, fields(person.id = %id))]
pub async fn merge(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    Valid(body): Valid<MergePersons>,
) -> Result<(StatusCode, Json<PersonChangeView>), ApiError> {
    let source = PersonId(body.with);
    may.own_person(id).await?;
    may.own_person(source).await?;
    if source == id {
        return Err(ApiError::Invalid { field: "with", detail: "must be another person".into() });
    }
    let change = PersonChangeId::generate();
    let became = json!({ "change": change, "source": source, "target": id });
    let note = api.note(&may.caller, "person.merge", format!("person:{id}"), None, Some(became));
    let order = MergeOrder { id: change, source, target: id, now: api.now(), note };
    let rev = api.store.merge_persons(&order).await?.ok_or(ApiError::NotFound("person"))?;
    api.link.gallery_changed(rev);
    told(&api, change).await
}

/// Say that some of a person's templates are somebody else's, who comes into being with them, in the same groups and for
/// the same time. Past visits stay where they are. For seven days it can be undone.
#[utoipa::path(post, path = "/api/v1/persons/{id}/split", operation_id = "persons_split", tag = "persons",
    security(("bearer" = [])), request_body = SplitPerson,
    params(("id" = uuid::Uuid, Path, description = "The person")),
    responses(
        (status = 201, description = "What was done: `target` is the new person", body = PersonChangeView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, `consent-missing`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.split", skip_all, fields(person.id = %id))]
pub async fn split(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    Valid(body): Valid<SplitPerson>,
) -> Result<(StatusCode, Json<PersonChangeView>), ApiError> {
    may.own_person(id).await?;
    let Some(said) = body.consent.record() else { return Err(consent_missing(ConsentMissing::Never)) };
    let (now, other) = (api.now(), PersonId::generate());
    let consent = said.consent(&api, &may.caller, other, "consent").await?;
    let of = api.store.person(id).await?.ok_or(ApiError::NotFound("person"))?;
    let person = Person {
        validity: of.validity,
        groups: of.groups,
        ..Person::new(other, name(&body.name)?, now, Some(consent.given_at))
    };
    let mut templates: Vec<TemplateId> = body.templates.into_iter().map(TemplateId).collect();
    templates.sort_unstable();
    templates.dedup();
    let change = PersonChangeId::generate();
    let became = json!({ "change": change, "source": id, "target": person.id, "templates": templates.len(), "agreed": facts(&consent) });
    let note = api.note(&may.caller, "person.split", format!("person:{id}"), None, Some(became));
    let order = SplitOrder { id: change, source: id, person, consent, templates, now, note };
    let rev = api
        .store
        .split_person(&order)
        .await?
        .ok_or_else(|| ApiError::Invalid { field: "templates", detail: "must be templates of this person".into() })?;
    api.link.gallery_changed(rev);
    told(&api, change).await
}

async fn told(api: &Api, id: PersonChangeId) -> Result<(StatusCode, Json<PersonChangeView>), ApiError> {
    let change = api.store.mending(id).await?.ok_or(ApiError::NotFound("change"))?;
    Ok((StatusCode::CREATED, Json(PersonChangeView::new(change, api.now()))))
}
