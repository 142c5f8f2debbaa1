//! What came with a device's answer: a link to it, and what the link opens.
//!
//! A snapshot shows whoever stood before the camera: only who may send commands is given a link, and each is audited.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::time::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Permission;
use crate::domain::access::may::DevicesManage;
use crate::domain::command::MediaType;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, ValidQuery};
use crate::http::links::{LIFE_S, Link, Signed};
use crate::http::problem::{ApiError, Problem};

/// A link.
#[derive(Serialize, ToSchema)]
pub struct AttachmentLink {
    /// The path with its query, from the root of this server; it needs no header.
    url: String,
    /// When it ends.
    expires_at: String,
}

/// A link to what came with a device's answer, good for ten minutes and for this account alone.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands/{command}/attachment/link",
    operation_id = "devices_command_attachment_link", tag = "devices", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The device"),
        ("command" = uuid::Uuid, Path, description = "The command")
    ),
    responses(
        (status = 201, description = "The link", body = AttachmentLink),
        (status = 404, description = "`not-found`: nothing came, or its time is over", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.devices.command_attachment", skip_all, fields(device.id = %id))]
pub async fn link(
    State(api): State<Api>,
    may: May<DevicesManage>,
    InPath((id, command)): InPath<(DeviceId, MsgId)>,
) -> Result<(StatusCode, Json<AttachmentLink>), ApiError> {
    let device = may.device(id).await?;
    let found = api.store.command(device.id, command).await?.filter(|found| found.has_attachment);
    found.ok_or(ApiError::NotFound("attachment"))?;
    let expires = api.now().as_unix_seconds() + LIFE_S;
    let path = path(id, command);
    let url = Link { path: &path, account: may.caller.account, expires }.sign(&api.links);
    api.audit_done(&may.caller, "device.command_attachment", format!("device:{id}"), command.to_string()).await?;
    let expires_at = UnixMillis::from_unix_seconds(expires).to_rfc3339();
    Ok((StatusCode::CREATED, Json(AttachmentLink { url, expires_at })))
}

/// What came with a device's answer, by a link from `/api/v1/devices/{id}/commands/{command}/attachment/link`.
#[utoipa::path(get, path = "/api/v1/media/devices/{id}/commands/{command}/attachment",
    operation_id = "media_device_command_attachment", tag = "devices",
    params(
        ("id" = uuid::Uuid, Path, description = "The device"),
        ("command" = uuid::Uuid, Path, description = "The command"),
        Signed
    ),
    responses(
        (status = 200, description = "A picture, or a bundle (`application/gzip`)", content_type = "image/jpeg",
            body = Vec<u8>),
        (status = 403, description = "`not-allowed`: the link is not good, or not any more", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: its time is over", body = Problem,
            content_type = "application/problem+json")
    ))]
pub async fn open(
    State(api): State<Api>,
    InPath((id, command)): InPath<(DeviceId, MsgId)>,
    ValidQuery(signed): ValidQuery<Signed>,
) -> Result<Response, ApiError> {
    // The device may have moved out of the account's reach.
    let reach = signed.reach(&api, &path(id, command), Permission::DevicesManage).await?;
    let gone = || ApiError::NotFound("attachment");
    let device = api.within.device_within(&reach, id).await?.ok_or_else(gone)?;
    let (media, bytes) = api.store.command_attachment(device.id, command).await?.ok_or_else(gone)?;
    Ok((headers(media, command), bytes).into_response())
}

fn headers(media: MediaType, command: MsgId) -> [(axum::http::HeaderName, HeaderValue); 3] {
    let name = match media {
        MediaType::Jpeg => format!("inline; filename=\"{command}.jpg\""),
        MediaType::Gzip => format!("attachment; filename=\"{command}.tar.gz\""),
    };
    let name = HeaderValue::try_from(name).expect("words and digits make a header");
    [
        (CONTENT_TYPE, HeaderValue::from_static(media.as_str())),
        (CONTENT_DISPOSITION, name),
        (CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ]
}

fn path(id: DeviceId, command: MsgId) -> String {
    format!("/api/v1/media/devices/{id}/commands/{command}/attachment")
}
