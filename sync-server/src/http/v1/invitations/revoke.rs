//! Take an invitation back.

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::access::may::UsersManage;
use crate::domain::account::InvitationId;
use crate::domain::account::giving;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::InPath;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::users::grants::placed;

/// Take an invitation back: its link is void.
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", operation_id = "invitations_revoke", tag = "accounts",
    security(("bearer" = [])), params(("id" = uuid::Uuid, Path, description = "The invitation")), responses(
        (status = 204, description = "Taken back"),
        (status = 404, description = "`not-found`: none within your reach, or it is not open", body = Problem,
            content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.invitations.revoke", skip_all)]
pub async fn revoke(
    State(api): State<Api>,
    may: May<UsersManage>,
    InPath(id): InPath<InvitationId>,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NotFound("open invitation");
    let invitation = api.accounts.book.invitation(id).await?.ok_or_else(missing)?;
    let held = placed(&api, &invitation.grants).await?;
    let is_within = giving::visible(&may.reach, &held).count() == held.len();
    if !is_within || !api.accounts.book.revoke_invitation(id, api.now()).await? {
        return Err(missing());
    }
    api.audit_done(&may.caller, "invitation.revoke", format!("invitation:{id}"), String::new()).await?;
    Ok(StatusCode::NO_CONTENT)
}
