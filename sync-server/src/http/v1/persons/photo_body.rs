//! The photos in a request.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;

use crate::http::api::Api;
use crate::http::problem::ApiError;

/// The most a request may hold whatever the configuration says; the configured limits are checked within it.
pub(in crate::http) const BODY_LIMIT_BYTES: usize = 200 * 1024 * 1024;
/// The multipart field photos come in.
pub(super) const FIELD: &str = "photo";

/// The photos of a request: its body, or the fields of a form.
pub(in crate::http::v1) async fn read_body(api: &Api, request: Request) -> Result<Vec<Bytes>, ApiError> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let photos = match media.as_str() {
        "multipart/form-data" => read_form(api, request).await?,
        "" | "application/octet-stream" | "image/jpeg" | "image/png" | "image/webp" => {
            vec![Bytes::from_request(request, &()).await.map_err(|e| too_large(api, e.status(), e.body_text()))?]
        }
        other => {
            let detail = format!("send JPEG, PNG or WebP, or multipart/form-data, not {other}");
            return Err(ApiError::UnsupportedMediaType(detail));
        }
    };
    match photos.iter().find(|photo| photo.len() > api.bounds.photo_max_bytes()) {
        Some(photo) => Err(photo_too_large(api, photo.len())),
        None => Ok(photos),
    }
}

async fn read_form(api: &Api, request: Request) -> Result<Vec<Bytes>, ApiError> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|e| ApiError::BadRequest(format!("the form cannot be read: {}", e.body_text())))?;
    let mut photos = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|e| too_large(api, e.status(), e.body_text()))? {
        if field.name() != Some(FIELD) {
            continue;
        }
        if photos.len() == api.bounds.photos_per_request {
            let detail = format!("at most {} photos in one request", api.bounds.photos_per_request);
            return Err(ApiError::Invalid { field: FIELD, detail });
        }
        photos.push(field.bytes().await.map_err(|e| too_large(api, e.status(), e.body_text()))?);
    }
    Ok(photos)
}

fn too_large(api: &Api, status: StatusCode, words: String) -> ApiError {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => photo_too_large(api, BODY_LIMIT_BYTES),
        _ => ApiError::BadRequest(words),
    }
}

fn photo_too_large(api: &Api, size_bytes: usize) -> ApiError {
    let (found, allowed) = (size_bytes / (1024 * 1024), api.bounds.photo_max_megabytes);
    ApiError::BodyTooLarge(format!("a photo has {found} MB or more; at most {allowed} MB are taken"))
}
