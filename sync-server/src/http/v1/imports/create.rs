//! An archive or a table of persons, worked on after the answer.

use std::collections::HashMap;

use axum::body::BodyDataStream;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use futures_util::StreamExt;
use garde::Validate;
use ostiary_common::ids::GroupId;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use uuid::Uuid;

use crate::domain::access::may::PersonsManage;
use crate::domain::job::JobKind;
use crate::enroll::batch::json;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::persons::photo_batch::not_filled;
use crate::http::v1::settings::person_fields::schema;
use crate::imports::prepare::{Prepared, prepare};
use crate::imports::row::Rules;
use crate::imports::table::Columns;
use crate::imports::{ImportPlan, ImportRefused, UPLOAD};
use crate::jobs::filling::{Filling, Order};
use crate::jobs::spool::Upload;

/// The multipart field the file comes in.
const FIELD: &str = "archive";

/// The route. The size is bounded by `limits.import_max_megabytes`, counted as the bytes come in.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(create).layer(DefaultBodyLimit::disable()))
}

/// What is asked of an import.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Say what would become of every row and photo, and change nothing.
    #[garde(skip)]
    #[serde(default)]
    dry_run: bool,
    /// Take faces that are not those of a person's other photos, too. The audit log says so.
    #[garde(skip)]
    #[serde(default)]
    insist: bool,
    /// Everyone in the table has consented, whatever its rows say.
    #[garde(skip)]
    #[serde(default)]
    consent: bool,
    /// Which of the table's columns are which, as `name=Full name;external_id=No.`
    #[garde(length(max = 4000))]
    columns: Option<String>,
}

/// An import that was taken.
#[derive(Serialize, ToSchema)]
pub struct Import {
    /// The job, to be watched at `/api/v1/jobs/{id}`; `/items` has a line for each row and each photo.
    job: Uuid,
    /// Rows of the table.
    rows: u64,
    /// Photos, those that rows name and those nobody names.
    photos: u64,
    /// Rows and photos of which nothing can be made, as far as is known by now; their items say why.
    problems: u64,
    /// Columns nothing is known of; they are left out.
    ignored_columns: Vec<String>,
}

/// Import persons and photos: a ZIP with `persons.csv` (or `.jsonl`) and photos, or the table alone, as the body or in
/// the multipart field `archive`. Columns: `external_id` and `name`; `consent`, `consent_at`, `valid_from`,
/// `valid_until`, `groups`, `notes`, `photos`, `field:<key>`. A person whose `external_id` is known is changed. What is
/// wrong with the file as a whole is answered at once (`archive-…`, `table-…`); what is wrong with a row or photo stands
/// in its item.
#[utoipa::path(post, path = "/api/v1/imports", operation_id = "imports_create", tag = "jobs", security(("bearer" = [])),
    params(Asked),
    request_body(content((Vec<u8> = "application/zip"), (String = "text/csv"), (String = "application/x-ndjson"),
        (Object = "multipart/form-data")), description = "An archive or a table"),
    responses(
        (status = 202, description = "It is worked on", body = Import),
        (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`archive-…`, `table-…`: the file cannot be taken", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.imports.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<PersonsManage>,
    ValidQuery(asked): ValidQuery<Asked>,
    request: Request,
) -> Result<(StatusCode, axum::Json<Import>), ApiError> {
    let caller = &may.caller;
    api.limits.upload(caller.account).await?;
    let columns = Columns::parse(asked.columns.as_deref().unwrap_or_default())
        .map_err(|detail| ApiError::InvalidQuery { name: "columns", detail })?;
    let rules = rules(&api, &may).await?;
    let plan = ImportPlan {
        dry_run: asked.dry_run,
        insist: asked.insist,
        consent: asked.consent,
        source: caller.address.to_string(),
        with_photos: true,
    };
    let order =
        Order { kind: JobKind::Import, account: Some(caller.account), person: None, uploads: true, plan: json(&plan) };
    let mut filling = api.jobs.begin(order).await.map_err(not_filled)?;
    receive(&api, request, &filling).await?;
    let prepared = read(&api, &filling, columns, rules).await?;
    let Prepared { items, rows, photos, problems, ignored, .. } = prepared;
    for item in items {
        filling.add(item).await.map_err(not_filled)?;
    }
    let job = filling.release().await.map_err(not_filled)?;
    let dry = if asked.dry_run { ", a dry run" } else { "" };
    let words = format!("{rows} rows, {photos} photos{dry}{}", if asked.insist { ", insisting" } else { "" });
    api.audit_done(caller, "job.import", format!("job:{job}"), words).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Import { job: job.0, rows, photos, problems, ignored_columns: ignored })))
}

/// Groups as the caller may name them, and the fields persons have.
async fn rules(api: &Api, may: &May<PersonsManage>) -> Result<Rules, ApiError> {
    let mut groups: HashMap<String, GroupId> = HashMap::new();
    for group in api.within.groups_within(&may.reach).await? {
        groups.insert(group.id.to_string(), group.id);
        groups.insert(group.name, group.id);
    }
    Ok(Rules { groups, schema: schema(&*api.store).await?.0 })
}

/// Takes the file onto the disk, piece by piece.
async fn receive(api: &Api, request: Request, filling: &Filling) -> Result<(), ApiError> {
    let at_most = api.bounds.import_max_bytes();
    let upload = filling.upload(UPLOAD).await.map_err(not_filled)?;
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let upload = if kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        let form = Multipart::from_request(request, &()).await;
        let mut form = form.map_err(|e| ApiError::BadRequest(format!("the form cannot be read: {}", e.body_text())))?;
        loop {
            let field = form.next_field().await.map_err(|e| ApiError::BadRequest(e.body_text()))?;
            let Some(field) = field else {
                return Err(ApiError::BadRequest(format!("there is no file in the field `{FIELD}`")));
            };
            if field.name() == Some(FIELD) {
                break of_field(field, upload, at_most).await?;
            }
        }
    } else {
        of_body(request.into_body().into_data_stream(), upload, at_most).await?
    };
    upload.finish().await.map_err(|error| not_filled(error.into()))?;
    Ok(())
}

async fn of_field(mut field: Field<'_>, mut upload: Upload, at_most: u64) -> Result<Upload, ApiError> {
    while let Some(chunk) = field.chunk().await.map_err(|e| ApiError::BadRequest(e.body_text()))? {
        upload = written(upload, chunk, at_most).await?;
    }
    Ok(upload)
}

async fn of_body(mut body: BodyDataStream, mut upload: Upload, at_most: u64) -> Result<Upload, ApiError> {
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| ApiError::BadRequest("the body ended before its end, or was too slow".into()))?;
        upload = written(upload, chunk, at_most).await?;
    }
    Ok(upload)
}

async fn written(upload: Upload, chunk: Bytes, at_most: u64) -> Result<Upload, ApiError> {
    upload.write(chunk, at_most).await.map_err(|error| not_filled(error.into()))
}

async fn read(api: &Api, filling: &Filling, columns: Columns, rules: Rules) -> Result<Prepared, ApiError> {
    let (spool, key, job) = (api.jobs.spool.clone(), filling.key(), filling.id());
    let read = tokio::task::spawn_blocking(move || {
        let file = spool.open_file(job, UPLOAD, key)?;
        prepare(file, &columns, &rules)
    });
    let prepared = read.await.map_err(|error| ApiError::Internal(error.to_string()))?;
    prepared.map_err(|refused| match refused {
        ImportRefused::File { slug, detail } => {
            ApiError::Refused { slug, title: "The file cannot be imported", detail, more: Map::new() }
        }
        ImportRefused::Spool(error) => not_filled(error.into()),
    })
}
