//! The gallery's revision, digest and size.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::api::Api;
use crate::http::auth::Caller;
use crate::http::problem::ApiError;

/// The gallery as a whole.
#[derive(Serialize, ToSchema)]
pub struct Gallery {
    /// Rises with every change of templates.
    revision: u64,
    /// What every device in sync reports, 64 hexadecimal digits.
    digest: String,
    /// Persons with a template of the present pack.
    persons: u64,
    /// Templates of the present pack.
    templates: u64,
    /// The model pack.
    pack: String,
}

/// The gallery's revision, digest and size.
#[utoipa::path(get, path = "/api/v1/gallery", operation_id = "gallery_read", tag = "gallery", security(("bearer" = [])),
    responses((status = 200, description = "The gallery", body = Gallery)))]
pub async fn read(State(api): State<Api>, _caller: Caller) -> Result<Json<Gallery>, ApiError> {
    let (rev, digest) = api.store.digest(DeviceId(uuid::Uuid::nil()), &api.pack).await?;
    let size = api.store.gallery_size(&api.pack).await?;
    Ok(Json(Gallery {
        revision: rev.0,
        digest: digest.to_hex(),
        persons: size.persons,
        templates: size.templates,
        pack: api.pack.to_string(),
    }))
}
