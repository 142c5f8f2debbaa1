//! Tickets for live connections: browsers cannot send a header with a WebSocket, and tokens travel in no URL.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::sessions::TICKET_LIFE;
use crate::http::api::Api;
use crate::http::auth::{Caller, TICKET_PROTOCOL};
use crate::http::problem::{ApiError, Problem};

/// A ticket.
#[derive(Serialize, ToSchema)]
pub struct Ticket {
    /// Offer it as a WebSocket sub-protocol, after `ostiary.live`:
    /// `new WebSocket(url, ["ostiary.live", protocol])`.
    protocol: String,
    /// Seconds until it ends; it serves once.
    expires_in: u64,
}

/// Get a ticket for one live connection, to `/api/v1/events/live`. It is good for nothing else.
#[utoipa::path(post, path = "/api/v1/live/tickets", operation_id = "live_tickets_create", tag = "events",
    security(("bearer" = [])), responses(
        (status = 201, description = "The ticket", body = Ticket),
        (status = 401, description = "`not-signed-in`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.live.tickets", skip_all)]
pub async fn create(State(api): State<Api>, caller: Caller) -> Result<(StatusCode, axum::Json<Ticket>), ApiError> {
    let ticket = api.accounts.ticket(caller.account, &caller.via).await?;
    let protocol = format!("{TICKET_PROTOCOL}{}", *ticket);
    Ok((StatusCode::CREATED, axum::Json(Ticket { protocol, expires_in: TICKET_LIFE.as_secs() })))
}
