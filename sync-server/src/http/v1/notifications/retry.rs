//! Sending again what was given up.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::deliveries::DeliveryView;
use crate::domain::access::may::NotificationsManage;
use crate::domain::notify::DeliveryId;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::ports::notify::{DeliveryFilter, DeliveryState};

/// Send a message again that failed or was held. It is tried as often as a new one; the receiver knows it by its id.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", operation_id = "deliveries_retry", tag = "notifications",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The message")),
    responses(
        (status = 202, description = "Under way", body = DeliveryView),
        (status = 404, description = "`not-found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`wrong-state`: it waits, or was sent", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "`too-many-requests`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.deliveries.retry", skip_all, fields(delivery.id = %id))]
pub async fn retry(
    State(api): State<Api>,
    may: May<NotificationsManage>,
    InPath(id): InPath<DeliveryId>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    let filter = DeliveryFilter { id: Some(id), ..DeliveryFilter::default() };
    let found = api.notices.store.deliveries(&may.reach, filter, None, 1).await?;
    let mut delivery = may.found(found.into_iter().next(), "message")?;
    if !matches!(delivery.state, DeliveryState::Failed | DeliveryState::Held) {
        let detail =
            format!("this message is {}; only one that failed or was held is sent again", delivery.state.as_str());
        return Err(ApiError::WrongState(detail));
    }
    api.limits.export(may.caller.account).await?;
    (delivery.state, delivery.attempts, delivery.next_at) = (DeliveryState::Waiting, 0, api.now());
    (delivery.done_at, delivery.error) = (None, None);
    api.notices.store.conclude(None, &delivery).await?;
    api.audit_done(&may.caller, "delivery.retry", format!("delivery:{id}"), String::new()).await?;
    api.notices.bells.ring();
    Ok((StatusCode::ACCEPTED, Json(DeliveryView::from(&delivery))))
}
