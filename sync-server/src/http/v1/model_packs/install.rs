//! A new pack.

use std::io::Write;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde_json::{Map, json};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};

use super::view::PackDetail;
use crate::domain::access::may::SettingsManage;
use crate::http::access::guarded;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::problem::{ApiError, Problem};
use crate::packs::install::{Inspected, InstallRefused};
use crate::packs::keys::fingerprint;
use crate::ports::StoreError;

/// The route. The size is bounded by `models.pack_max_megabytes`, counted as the bytes come in.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(guarded!(install).layer(DefaultBodyLimit::disable()))
}

/// Install a model pack: an archive as `ostiary-server pack sign` makes it, signed by a key of `models.pack_keys`. Its
/// files, manifest and nets are looked at as by `ostiaryd pack check`; nothing uses it yet.
#[utoipa::path(post, path = "/api/v1/model-packs", operation_id = "model_packs_install", tag = "model-packs",
    security(("bearer" = [])), request_body(content((Vec<u8> = "application/octet-stream")), description = "The archive"),
    responses(
        (status = 201, description = "Installed", body = PackDetail),
        (status = 409, description = "`taken`: there is a pack of this id", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`pack-not-signed`, `pack-unreadable`, `pack-unusable`, `pack-too-large`, \
            `pack-no-keys`: it cannot be taken, and why", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.model_packs.install", skip_all)]
pub async fn install(
    State(api): State<Api>,
    may: Throughout<SettingsManage>,
    request: Request,
) -> Result<(StatusCode, axum::Json<PackDetail>), ApiError> {
    api.limits.upload(may.caller.account).await?;
    let file = received(&api, request).await?;
    let (installer, now) = (api.packs.installer.clone(), api.now());
    let inspected = tokio::task::spawn_blocking(move || installer.inspect(file.path(), now)).await;
    let inspected = inspected.map_err(|error| ApiError::Internal(error.to_string()))?;
    let Inspected { pack, archive, warnings } = match inspected {
        Ok(inspected) => inspected,
        Err(refused) => {
            api.refuse(may.caller.actor(), may.caller.address, "model-pack.install", "", refused.to_string());
            return Err(not_taken(&refused));
        }
    };
    let signer = pack.archive.as_ref().map(|file| fingerprint(&file.key_pem)).unwrap_or_default();
    let became = json!({ "id": pack.id.as_str(), "signed_by": signer, "bytes": archive.len() });
    let note = api.note(&may.caller, "model-pack.install", format!("model-pack:{}", pack.id), None, Some(became));
    api.packs.store.add_model_pack(&pack, &archive, &note).await.map_err(|error| match error {
        StoreError::Conflict(_) => ApiError::Conflict("a pack of this id"),
        other => other.into(),
    })?;
    let coverage = api.packs.store.pack_coverage(&pack.id).await?;
    Ok((StatusCode::CREATED, axum::Json(PackDetail::new(&pack, coverage, warnings))))
}

/// Takes the archive onto the disk, piece by piece.
async fn received(api: &Api, request: Request) -> Result<tempfile::NamedTempFile, ApiError> {
    let failed = |error: std::io::Error| ApiError::Internal(format!("the archive could not be kept: {error}"));
    let installer = &api.packs.installer;
    std::fs::create_dir_all(&installer.dir).map_err(failed)?;
    let file = tempfile::Builder::new().prefix(".upload-").tempfile_in(&installer.dir).map_err(failed)?;
    let (mut file, mut body, mut came) = (file, request.into_body().into_data_stream(), 0_u64);
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| ApiError::BadRequest("the body ended before its end, or was too slow".into()))?;
        came += part.len() as u64;
        if came > installer.most_bytes {
            // A client that is hung up on while it sends never reads why: as much again is read, and dropped.
            if came > 2 * installer.most_bytes {
                break;
            }
            continue;
        }
        // Pieces are small and the disk is the page cache: handing each to another thread would cost more.
        file.write_all(&part).map_err(failed)?;
    }
    if came > installer.most_bytes {
        let most = installer.most_bytes / (1024 * 1024);
        return Err(ApiError::BodyTooLarge(format!("a pack may have {most} MB (models.pack_max_megabytes)")));
    }
    file.flush().map_err(failed)?;
    Ok(file)
}

fn not_taken(refused: &InstallRefused) -> ApiError {
    let mut more = Map::new();
    if let InstallRefused::Unusable(faults) = refused {
        more.insert("faults".into(), json!(faults));
    }
    ApiError::Refused {
        slug: refused.slug(),
        title: "The model pack cannot be installed",
        detail: refused.to_string(),
        more,
    }
}
