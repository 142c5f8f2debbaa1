//! The gallery's revision, digest and size.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::may::DevicesRead;
use crate::http::api::Api;
use crate::http::auth::Throughout;
use crate::http::problem::ApiError;
use crate::http::v1::recognition::outlook::CapacityView;

/// The gallery as a whole.
#[derive(Serialize, ToSchema)]
pub struct Gallery {
    /// Rises with every change of templates.
    revision: u64,
    /// What every device in sync reports that may know everyone, 64 hexadecimal digits.
    digest: String,
    /// Persons with a template of the present pack.
    persons: u64,
    /// Templates of the present pack.
    templates: u64,
    /// The model pack.
    pack: String,
    /// How many people the pack can tell apart at the errors chosen for the installation; absent of a pack without
    /// calibration.
    capacity: Option<CapacityView>,
    /// Set if the gallery is nearly more, or more, than that: what to do.
    warning: Option<String>,
}

/// The gallery's revision, digest and size.
#[utoipa::path(get, path = "/api/v1/gallery", operation_id = "gallery_read", tag = "gallery", security(("bearer" = [])),
    responses((status = 200, description = "The gallery", body = Gallery)))]
pub async fn read(State(api): State<Api>, _may: Throughout<DevicesRead>) -> Result<Json<Gallery>, ApiError> {
    let truth = api.store.truth_of_all(&api.pack).await?;
    let (_, forecast) = api.recognition.installation().await?;
    let size = api.store.gallery_size(&api.pack).await?;
    Ok(Json(Gallery {
        revision: truth.rev.0,
        digest: truth.digest.to_hex(),
        persons: size.persons,
        templates: size.templates,
        pack: api.pack.to_string(),
        warning: forecast.advice(),
        capacity: forecast.room.map(CapacityView::from),
    }))
}
