//! Beginning a guided capture.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use ostiary_common::ids::PersonId;
use ostiary_common::wire::Angle;
use serde::Deserialize;
use utoipa::ToSchema;

use super::failed;
use super::view::CaptureView;
use crate::capture::Wanted;
use crate::domain::access::may::PersonsManage;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::{InPath, Valid};
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::persons::photos::consented;

/// How somebody is to be captured.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewCapture {
    /// The angles wanted: `frontal`, `left`, `right`, each once; all three if none is named. `frontal` is always wanted.
    #[garde(length(max = 3))]
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 3)]
    angles: Vec<Side>,
    /// Seconds it may take, 10 to 180; 60 if it is not said.
    #[garde(range(min = 10, max = 180))]
    #[serde(default = "a_minute")]
    #[schema(minimum = 10, maximum = 180)]
    time_limit_s: u64,
}

const fn a_minute() -> u64 {
    60
}

/// A side of the face that can be asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Facing the camera.
    Frontal,
    /// Turned to the person's left.
    Left,
    /// Turned to the person's right.
    Right,
}

/// The angles in the order they are asked for, the front always and each once.
pub(in crate::http::v1) fn angles(sides: &[Side]) -> Vec<Angle> {
    if sides.is_empty() {
        return ostiary_models::guided::ANGLES.to_vec();
    }
    let has = |wanted: Angle| wanted == Angle::Frontal || sides.iter().any(|side| Angle::from(*side) == wanted);
    ostiary_models::guided::ANGLES.into_iter().filter(|angle| has(*angle)).collect()
}

impl From<Side> for Angle {
    fn from(side: Side) -> Self {
        match side {
            Side::Frontal => Self::Frontal,
            Side::Left => Self::Left,
            Side::Right => Self::Right,
        }
    }
}

/// Begin a guided capture: send frames to `/api/v1/captures/{id}/frames`, show the person the hints, and finish. It is
/// this account's alone, lives in the server's memory, and is forgotten some minutes after its time is over.
#[utoipa::path(post, path = "/api/v1/persons/{id}/captures", operation_id = "persons_captures_create", tag = "captures",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The person")), request_body = NewCapture,
    responses(
        (status = 201, description = "Begun", body = CaptureView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`, or `consent-missing`", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: too many captures are under way", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.captures.create", skip_all, fields(person.id = %id))]
pub async fn create(
    State(api): State<Api>,
    may: May<PersonsManage>,
    InPath(id): InPath<PersonId>,
    Valid(body): Valid<NewCapture>,
) -> Result<(StatusCode, axum::Json<CaptureView>), ApiError> {
    consented(&may, id).await?;
    let time_limit = Duration::from_secs(body.time_limit_s);
    let wanted = Wanted { person: id, account: may.caller.account, angles: angles(&body.angles), time_limit };
    let begun = api.captures.begin(wanted).map_err(failed)?;
    let detail = format!("capture:{}", begun.standing.id);
    api.audit_done(&may.caller, "person.capture", format!("person:{id}"), detail).await?;
    Ok((StatusCode::CREATED, axum::Json(CaptureView::from(begun.standing))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_always_asked_for_and_first() {
        use Angle::{Frontal, Left, Right};
        let check = |sides: &[Side], expected: &[Angle]| assert_eq!(angles(sides), expected, "{sides:?}");
        check(&[], &[Frontal, Left, Right]);
        check(&[Side::Right], &[Frontal, Right]);
        check(&[Side::Left, Side::Frontal, Side::Left], &[Frontal, Left]);
    }
}
