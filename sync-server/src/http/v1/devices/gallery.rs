//! What a device may hold, and what it does.

use axum::Json;
use axum::extract::State;
use ostiary_common::ids::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::HeldView;
use crate::domain::access::may::DevicesRead;
use crate::domain::gallery::Verdict;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::doors::gallery_rule::GalleryRuleView;

/// What a device may hold beside what it holds.
#[derive(Serialize, ToSchema)]
pub struct DeviceGallery {
    /// The device.
    device: Uuid,
    /// What its door says.
    rule: GalleryRuleView,
    /// The gallery's revision now.
    revision: u64,
    /// The last revision that concerned this device.
    concerned_by: u64,
    /// The digest it must have, 64 hexadecimal digits.
    digest: String,
    /// Persons with a template of the present pack whom it may know.
    persons: u64,
    /// Their templates.
    templates: u64,
    /// What it last said it holds.
    held: Option<HeldView>,
    /// `in_sync`; `behind`: there is something it has not said to hold; `differs`: it says to hold this revision, but
    /// not these templates; `unheard`: it never said anything.
    #[schema(value_type = String)]
    standing: &'static str,
}

/// What a device may hold, what it says it holds, and whether they differ.
#[utoipa::path(get, path = "/api/v1/devices/{id}/gallery", operation_id = "devices_gallery", tag = "devices",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The device")),
    responses(
        (status = 200, description = "What it may hold and what it holds", body = DeviceGallery),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json")
    ))]
pub async fn gallery(
    State(api): State<Api>,
    may: May<DevicesRead>,
    InPath(id): InPath<DeviceId>,
) -> Result<Json<DeviceGallery>, ApiError> {
    let device = may.device(id).await?;
    let rule = api.store.door_gallery(device.door).await?.ok_or(ApiError::NotFound("door"))?;
    let truth = api.store.truth(id, &api.pack).await?;
    let standing = match device.held.map(|held| truth.judge((held.rev, held.digest))) {
        None => "unheard",
        Some(Verdict::InSync) => "in_sync",
        Some(Verdict::Behind) => "behind",
        Some(Verdict::Differs) => "differs",
    };
    Ok(Json(DeviceGallery {
        device: id.0,
        rule: GalleryRuleView::new(device.door, rule),
        revision: truth.rev.0,
        concerned_by: truth.touched.0,
        digest: truth.digest.to_hex(),
        persons: truth.size.persons,
        templates: truth.size.templates,
        held: device.held.map(HeldView::from),
        standing,
    }))
}
