//! Changing a person: name, notes, fields, and when and by which groups the person may be known.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::detail::{FieldInput, PersonDetail, detail};
use super::terms::{groups, validity};
use crate::domain::access::may::PersonsManage;
use crate::domain::fields::FieldSchema;
use crate::domain::gallery::{TermsChange, Validity};
use crate::domain::person::Person;
use crate::domain::profile::{PersonPatch, PersonStamp, Profile};
use crate::domain::recognition::Change;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::etag::{IfMatchPerson, person_etag};
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, FieldError, Problem};
use crate::http::rules::{self, Rfc3339};
use crate::http::v1::settings::person_fields::schema;
use crate::http::within::Found;

/// What is to change; what is left out stays as it is.
#[derive(Default, Deserialize, ToSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct PersonChange {
    /// Display name, 1 to 100 characters.
    #[garde(inner(custom(rules::name)))]
    name: Option<String>,
    /// Notes, at most 4000 characters; empty for none.
    #[garde(inner(custom(rules::notes)))]
    #[schema(max_length = 4000)]
    notes: Option<String>,
    /// Values by field, of those that `/api/v1/settings/person-fields` has; `null` takes a value away.
    #[garde(length(max = 50))]
    #[schema(value_type = Option<Object>)]
    fields: Option<BTreeMap<String, Option<FieldInput>>>,
    /// Not known at any door before this time, RFC 3339; `null` for no beginning.
    #[garde(skip)]
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-21T08:00:00Z")]
    valid_from: Option<Option<Rfc3339>>,
    /// Not known at any door from this time on, RFC 3339; `null` for no end.
    #[garde(skip)]
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Option<Rfc3339>>,
    /// All groups the person is in from now on, at most 100.
    #[garde(length(max = 100))]
    #[schema(max_items = 100)]
    groups: Option<Vec<Uuid>>,
}

/// Tells `null` from what is not said.
fn said<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<Rfc3339>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl PersonChange {
    fn terms(&self, present: Validity) -> Result<Option<TermsChange>, ApiError> {
        if self.valid_from.is_none() && self.valid_until.is_none() && self.groups.is_none() {
            return Ok(None);
        }
        let from = self.valid_from.map_or(present.from(), |at| at.map(|at| at.0));
        let until = self.valid_until.map_or(present.until(), |at| at.map(|at| at.0));
        let groups = self.groups.as_deref().map(groups).transpose()?;
        Ok(Some(TermsChange { validity: Some(validity(from, until)?), groups }))
    }

    /// What is to change, beside what is there.
    fn patch(self, person: &Person, profile: Profile, schema: &FieldSchema) -> Result<PersonPatch, ApiError> {
        let terms = self.terms(person.validity)?;
        let name = self.name.as_deref().map(rules::parsed_name).transpose()?;
        let fields = match self.fields {
            Some(changes) => Some(merged(profile, changes, schema)?),
            None => None,
        };
        Ok(PersonPatch { name, notes: self.notes, fields, terms })
    }

    /// What changes, for the audit log, which is to tell nobody's name.
    fn named(&self) -> Vec<String> {
        let said = [("name", self.name.is_some()), ("notes", self.notes.is_some())];
        let plain = said.into_iter().filter(|(_, said)| *said).map(|(name, _)| name.to_owned());
        let fields = self.fields.iter().flat_map(BTreeMap::keys).map(|key| format!("fields.{key}"));
        plain.chain(fields).collect()
    }
}

/// The values there are with those changed that were sent.
fn merged(
    profile: Profile,
    changes: BTreeMap<String, Option<FieldInput>>,
    schema: &FieldSchema,
) -> Result<BTreeMap<String, crate::domain::fields::FieldValue>, ApiError> {
    let mut values = schema.shown(profile.fields);
    let mut sent = BTreeMap::new();
    for (key, value) in changes {
        match value {
            Some(value) => drop(sent.insert(key, value.into())),
            None => drop(values.remove(&key)),
        }
    }
    schema.check(&sent).map_err(|wrong| {
        let error = |misfit: crate::domain::fields::Misfit| {
            FieldError::of_body(&format!("fields.{}", misfit.field), misfit.reason)
        };
        ApiError::InvalidFields(wrong.into_iter().map(error).collect())
    })?;
    values.append(&mut sent);
    Ok(values)
}

/// Change a person. Doors that may no longer know the person forget at once.
#[utoipa::path(patch, path = "/api/v1/persons/{id}", operation_id = "persons_update", tag = "persons",
    security(("bearer" = [])), request_body = PersonChange,
    params(("id" = uuid::Uuid, Path, description = "The person"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` the change was made against")),
    responses(
        (status = 200, description = "The person as it is now", body = PersonDetail),
        (status = 404, description = "No such person or group", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`outdated`: changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.persons.update", skip_all, fields(person.id = %id))]
pub async fn update(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    IfMatchPerson(expected): IfMatchPerson,
    Valid(body): Valid<PersonChange>,
) -> Result<Response, ApiError> {
    let (Found { person, .. }, profile, stamp) = may.own_profiled(id).await?;
    // Values are merged here, so nobody may have changed them in between.
    let expected = expected.or_else(|| body.fields.is_some().then_some(stamp));
    let (schema, _) = schema(&*api.store).await?;
    let named = body.named();
    let patch = body.patch(&person, profile, &schema)?;
    if let Some(groups) = patch.terms.as_ref().and_then(|terms| terms.groups.as_ref()) {
        may.groups_for(groups).await?;
    }
    let done = change(&api, &may, &person, (named, patch), expected).await?;
    api.tell_gallery(done.rev);
    let (found, profile, stamp) = may.profiled(id).await?;
    let view = detail(&api, found.person, profile).await?;
    Ok((person_etag(stamp), axum::Json(view)).into_response())
}

async fn change(
    api: &Api,
    may: &May<PersonsManage>,
    person: &Person,
    (named, patch): (Vec<String>, PersonPatch),
    expected: Option<PersonStamp>,
) -> Result<crate::domain::profile::Patched, ApiError> {
    let (was, became) = match &patch.terms {
        Some(terms) => {
            let validity = terms.validity.unwrap_or(person.validity);
            let groups = terms.groups.as_ref().unwrap_or(&person.groups);
            (terms_of(person.validity, &person.groups), terms_of(validity, groups))
        }
        None => (json!({}), json!({})),
    };
    let mut became = became;
    became["changed"] = json!(named);
    let note = api.note(&may.caller, "person.update", format!("person:{}", person.id), Some(was), Some(became));
    let made = Change { expected: None, now: api.now() };
    let done = api.store.patch_person(person.id, &patch, expected, made, &note).await?;
    done.ok_or(ApiError::NotFound("person"))
}

fn terms_of(validity: Validity, groups: &[ostiary_common::ids::GroupId]) -> Value {
    let groups: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
    let time = |at: Option<ostiary_common::time::UnixMillis>| at.map(|at| at.to_rfc3339());
    json!({ "valid_from": time(validity.from()), "valid_until": time(validity.until()), "groups": groups })
}
