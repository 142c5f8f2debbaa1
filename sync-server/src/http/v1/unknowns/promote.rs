//! An unknown visitor becomes a person.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{EventId, PersonId, UnknownId};
use ostiary_models::face_crop::FaceCrop;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::PersonsManage;
use crate::domain::consent::ConsentMissing;
use crate::domain::person::{Person, Template};
use crate::domain::unknown::{Promoted, Promotion};
use crate::enroll::visits::templates_of_visits;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::rules::{self, Rfc3339};
use crate::http::v1::consents::body::{ConsentSaid, facts};
use crate::http::v1::name;
use crate::http::v1::persons::photos::consent_missing;
use crate::http::v1::persons::terms::{groups, validity};
use crate::http::v1::persons::view::PersonView;

/// Visits templates may be made of.
const LOOKED_AT: u32 = 100;

/// Who it is.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewlyKnown {
    /// Display name, 1 to 100 characters.
    #[garde(custom(rules::name))]
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// The person's consent to be recognised, without which nobody becomes a person: `true` for one just given to the text
    /// in force, or what is known of it.
    #[garde(dive)]
    #[serde(default)]
    consent: ConsentSaid,
    /// Not known at any door before this time; RFC 3339.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_from: Option<Rfc3339>,
    /// Not known at any door from this time on; RFC 3339.
    #[garde(skip)]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Rfc3339>,
    /// The groups the person is in, at most 100.
    #[garde(length(max = 100))]
    #[serde(default)]
    #[schema(max_items = 100)]
    groups: Vec<Uuid>,
}

/// The person an unknown visitor became.
#[derive(Serialize, ToSchema)]
pub struct NowKnown {
    /// The person.
    person: PersonView,
    /// Past visits that are the person's now.
    visits: u64,
    /// Templates made of the best of them.
    templates: u64,
    /// The gallery's new revision, if there are any.
    revision: Option<u64>,
    /// Others who look alike: check that this is not somebody enrolled already; if so, merge the two.
    lookalikes: Vec<Uuid>,
}

/// Make a person of an unknown visitor: past visits become theirs, the best faces become templates, and doors know them
/// from the next revision on. The person must have agreed.
#[utoipa::path(post, path = "/api/v1/unknowns/{id}/promote", operation_id = "unknowns_promote", tag = "unknowns",
    security(("bearer" = [])), request_body = NewlyKnown,
    params(("id" = uuid::Uuid, Path, description = "The unknown visitor")),
    responses(
        (status = 201, description = "The person", body = NowKnown),
        (status = 404, description = "No such unknown visitor or group", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`consent-missing`, `invalid-value`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.unknowns.promote", skip_all, fields(unknown.id = %id))]
pub async fn promote(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<UnknownId>,
    Valid(body): Valid<NewlyKnown>,
) -> Result<(StatusCode, Json<NowKnown>), ApiError> {
    let unknown = may.unknown(id).await?;
    let groups = groups(&body.groups)?;
    may.groups_for(&groups).await?;
    if unknown.elsewhere > 0 {
        return Err(may.beyond("every door this visitor was seen at"));
    }
    let Some(said) = body.consent.record() else {
        let (actor, address) = (may.caller.actor(), may.caller.address);
        api.refuse(actor, address, "unknown.promote", &format!("unknown:{id}"), "no consent".into());
        return Err(consent_missing(ConsentMissing::Never));
    };
    let (now, person) = (api.now(), PersonId::generate());
    let consent = said.consent(&api, &may.caller, person, "consent").await?;
    let person = Person {
        validity: validity(body.valid_from.map(|at| at.0), body.valid_until.map(|at| at.0))?,
        groups,
        ..Person::new(person, name(&body.name)?, now, Some(consent.given_at))
    };
    let faces = api.store.faces_of_unknown(unknown.id, LOOKED_AT).await?;
    let templates = with_pictures(&api, templates_of_visits(person.id, &faces, &api.faces, now)).await?;
    let made = templates.len() as u64;
    let became =
        json!({ "unknown": unknown.id.0, "visits": unknown.visits, "templates": made, "agreed": facts(&consent) });
    let note = api.note(&may.caller, "unknown.promote", format!("person:{}", person.id), None, Some(became));
    let promotion = Promotion { id: unknown.id, person: person.clone(), consent, templates, now, note };
    let promoted = api.store.promote_unknown(&promotion).await?;
    let Promoted { revision, visits } = may.found(promoted, "unknown visitor")?;
    api.tell_gallery(revision);
    let lookalikes = lookalikes(&api, &may, person.id).await?;
    let person = api.store.person(person.id).await?.ok_or(ApiError::NotFound("person"))?;
    let revision = revision.map(|rev| rev.0);
    Ok((StatusCode::CREATED, Json(NowKnown { person: person.into(), visits, templates: made, revision, lookalikes })))
}

/// Templates of visits with the visits' pictures, as far as there are any.
async fn with_pictures(
    api: &Api,
    templates: Vec<(Template, EventId)>,
) -> Result<Vec<(Template, Option<FaceCrop>)>, ApiError> {
    let mut with = Vec::with_capacity(templates.len());
    for (template, event) in templates {
        // A picture that cannot be read is none: the template is worth having without.
        let jpeg = api.store.crop(event).await?;
        let crop = jpeg.and_then(|jpeg| FaceCrop::of_jpeg(jpeg).ok().flatten());
        with.push((template, api.enrollment.crop_to_keep(crop).await?));
    }
    Ok(with)
}

async fn lookalikes(api: &Api, may: &May<PersonsManage>, id: PersonId) -> Result<Vec<Uuid>, ApiError> {
    // Whom a door would take for the other is named, whatever it takes by the settings to be named as alike.
    let same_from = api.recognition.rule().await?.threshold;
    let limit = api.recognition.lookalike_limit().await?.min(same_from);
    let faces = api.enrollment.faces_of(id).await?;
    let found = api.enrollment.others(id, &faces, limit, &may.circle().await?, 5).await?;
    Ok(found.into_iter().map(|other| other.candidate.person.0).collect())
}
