//! Having somebody enrolled at a door.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::{DeviceId, PersonId};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::EnrollmentView;
use crate::domain::access::may::PersonsManage;
use crate::domain::device::DeviceState;
use crate::enroll::door::Asked;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::captures::create::{Side, angles};
use crate::http::v1::persons::photos::consented;

/// Whom, and how.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewEnrollment {
    /// The person, who must have consented.
    #[garde(skip)]
    person: Uuid,
    /// The angles wanted: `frontal`, `left`, `right`; all three if none is named. `frontal` is always wanted.
    #[garde(length(max = 3))]
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 3)]
    angles: Vec<Side>,
    /// Seconds it may take from its beginning, 10 to 180; 60 if it is not said.
    #[garde(range(min = 10, max = 180))]
    #[serde(default = "a_minute")]
    #[schema(minimum = 10, maximum = 180)]
    time_limit_s: u64,
}

const fn a_minute() -> u64 {
    60
}

/// How long a start may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(20);

/// Have a camera that is connected now guide a person who stands before it. Nobody is matched at this door meanwhile. How
/// it goes is told at `/api/v1/enrollments/{id}`, and by `/api/v1/events/live?enrollments=true`. A camera that loses its
/// network goes on, and hands over what it took when it is back.
#[utoipa::path(post, path = "/api/v1/devices/{id}/enrollments", operation_id = "devices_enroll", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The camera")),
    request_body = NewEnrollment,
    responses(
        (status = 202, description = "The camera was asked", body = EnrollmentView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: not active, not connected, or busy with another enrollment",
            body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, or `consent-missing`", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.enrollments.create", skip_all, fields(device.id = %id))]
pub async fn create(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<DeviceId>,
    Valid(body): Valid<NewEnrollment>,
) -> Result<(StatusCode, axum::Json<EnrollmentView>), ApiError> {
    let device = may.device(id).await?;
    let person = PersonId(body.person);
    consented(&may, person).await?;
    if device.state != DeviceState::Active || device.presence.state != "online" {
        return Err(ApiError::WrongState("this camera is not connected; enroll when it is, or at the desk".into()));
    }
    let latest = api.doors.of_device(&device, 1).await?;
    if latest.iter().any(|standing| standing.enrollment.state.is_open()) {
        return Err(ApiError::WrongState("somebody is being enrolled at this door; cancel that, or wait".into()));
    }
    let asked = Asked {
        angles: angles(&body.angles),
        time_limit: Duration::from_secs(body.time_limit_s),
        valid_for: ON_ITS_WAY,
        by: may.caller.actor(),
    };
    let standing = api.doors.ask(&device, person, asked).await?;
    let detail = format!("enrollment:{} at device:{id}", standing.enrollment.id);
    api.audit_done(&may.caller, "person.capture", format!("person:{person}"), detail).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(standing.into())))
}
