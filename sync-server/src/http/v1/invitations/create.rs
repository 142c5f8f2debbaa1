//! Invite somebody.

use axum::extract::State;
use axum::http::StatusCode;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::may::UsersManage;
use crate::domain::account::giving::MAX_GRANTS;
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::Valid;
use crate::http::problem::{ApiError, Problem};
use crate::http::rules;
use crate::http::v1::me::profile::email;
use crate::http::v1::users::grants::{given, words};
use crate::http::v1::users::view::GrantView;

/// Whom to invite, and what for.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// What the account will be allowed: 1 to 100 grants, none beyond your own.
    #[garde(length(max = MAX_GRANTS), dive)]
    grants: Vec<GrantView>,
    /// Where to send the link, if the server sends mail.
    #[garde(inner(custom(rules::email)))]
    email: Option<String>,
}

/// An invitation. Its link is shown only here.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    /// Id.
    id: Uuid,
    /// To be handed on; it serves once.
    link: String,
    /// When it ends.
    expires_at: String,
    /// Whether a message with the link is under way.
    mailed: bool,
}

/// Invite somebody.
#[utoipa::path(post, path = "/api/v1/invitations", operation_id = "invitations_create", tag = "accounts",
    security(("bearer" = [])), request_body = NewInvitation, responses(
        (status = 201, description = "Invited", body = Invited),
        (status = 403, description = "`not-allowed`: not yours to give", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.invitations.create", skip_all)]
pub async fn create(
    State(api): State<Api>,
    may: May<UsersManage>,
    Valid(body): Valid<NewInvitation>,
) -> Result<(StatusCode, axum::Json<Invited>), ApiError> {
    if body.grants.is_empty() {
        return Err(ApiError::Invalid {
            field: "grants",
            detail: "at least one, or the account would be of no use".into(),
        });
    }
    let email = email(body.email.as_deref())?;
    let grants = given(&api, &may.caller.access, &body.grants).await?;
    let detail = words(&grants);
    let made = api.accounts.invite(grants, email, may.caller.actor()).await?;
    api.audit_done(&may.caller, "invitation.create", format!("invitation:{}", made.id), detail).await?;
    let view = Invited {
        id: made.id.0,
        link: made.link.to_string(),
        expires_at: made.expires_at.to_rfc3339(),
        mailed: made.mailed,
    };
    Ok((StatusCode::CREATED, axum::Json(view)))
}
