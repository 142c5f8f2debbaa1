//! The signed receipt of an erasure.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::ErasureId;

use crate::domain::access::may::ErasuresRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::identity::receipt::Receipt;

/// The receipt of an erasure: a JSON Web Signature (compact, EdDSA) by a key of `/.well-known/jwks.json`, to be kept.
/// It says what is known now; fetch it again when the erasure is complete. `ostiary-server erasure verify` checks it.
#[utoipa::path(get, path = "/api/v1/erasures/{id}/receipt", operation_id = "erasures_receipt", tag = "erasures", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The erasure")),
    responses(
        (status = 200, description = "The receipt", body = String, content_type = "application/jose"),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn receipt(
    State(api): State<Api>,
    _may: Throughout<ErasuresRead>,
    InPath(id): InPath<ErasureId>,
) -> Result<Response, ApiError> {
    let erasure = api.store.erasure(id).await?.ok_or(ApiError::NotFound("erasure"))?;
    let devices = api.store.erasure_devices(id).await?;
    let receipt = Receipt::new(&erasure, &devices, api.now()).sign(&api.tokens.keys(), api.now());
    Ok(([("content-type", "application/jose")], receipt).into_response())
}
