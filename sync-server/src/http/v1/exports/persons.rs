//! Everybody within reach, as a table that an import takes back.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use garde::Validate;
use ostiary_common::ids::PersonId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::access::Circle;
use crate::domain::access::may::PersonsExport;
use crate::domain::person::Person;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::settings::person_fields::schema;
use crate::imports::export::{Exported, Format, Writer};
use crate::ports::StoreError;

/// Persons read at once.
const PAGE: u32 = 200;

/// How it is written.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `csv` (as without it) or `jsonl`.
    #[garde(custom(rules::one_of(&["csv", "jsonl"])))]
    format: Option<String>,
}

/// Everybody within reach, as a table with the columns of an import. Photos are not kept, and embeddings do not leave:
/// neither is in it.
#[utoipa::path(get, path = "/api/v1/exports/persons", operation_id = "exports_persons", tag = "persons",
    security(("bearer" = [])), params(Asked),
    responses(
        (status = 200, description = "The table", content((String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.exports.persons", skip_all)]
pub async fn persons(
    State(api): State<Api>,
    may: May<PersonsExport>,
    ValidQuery(asked): ValidQuery<Asked>,
) -> Result<Response, ApiError> {
    let (format, kind, name) = match asked.format.as_deref() {
        None | Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "persons.csv"),
        Some("jsonl") => (Format::JsonLines, "application/x-ndjson", "persons.jsonl"),
        Some(_) => return Err(ApiError::InvalidQuery { name: "format", detail: "must be csv or jsonl".into() }),
    };
    api.limits.export(may.caller.account).await?;
    api.audit_done(&may.caller, "person.export_all", String::new(), name.into()).await?;
    let groups = api.within.groups_within(&may.reach).await?.into_iter().map(|group| (group.id, group.name)).collect();
    let writer = Arc::new(Writer::new(format, groups, &schema(&*api.store).await?.0));
    let circle = may.circle().await?;
    let head = writer.head();
    let state = Some((api, circle, None::<PersonId>));
    let pages = stream::try_unfold((state, Some(head), writer), |(state, head, writer)| async move {
        if let Some(head) = head {
            return Ok(Some((Bytes::from(head), (state, None, writer))));
        }
        let Some((api, circle, after)) = state else { return Ok(None) };
        let persons = api.within.persons_within(&circle, after, PAGE).await?;
        let next = persons.last().filter(|_| persons.len() == PAGE as usize).map(|person| person.id);
        let lines = writer.lines(&exported(&api, &circle, persons).await?);
        let state = next.map(|last| (api, circle, Some(last)));
        Ok::<_, StoreError>(Some((Bytes::from(lines), (state, None, writer))))
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], Body::from_stream(pages))
        .into_response())
}

async fn exported(api: &Api, circle: &Circle, persons: Vec<Person>) -> Result<Vec<Exported>, StoreError> {
    let ids: Vec<PersonId> = persons.iter().map(|person| person.id).collect();
    let mut externals: std::collections::HashMap<_, _> = api.jobs.store.externals(&ids).await?.into_iter().collect();
    let mut all = Vec::with_capacity(persons.len());
    for mut person in persons {
        // Gone between the two reads.
        let Some((profile, _)) = api.store.profile(person.id).await? else { continue };
        person.groups.retain(|group| circle.shows(*group));
        let external = externals.remove(&person.id);
        all.push(Exported { person, profile, external });
    }
    Ok(all)
}
