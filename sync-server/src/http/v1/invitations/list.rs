//! Invitations, the newest first.

use axum::extract::State;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::access::may::UsersRead;
use crate::domain::account::InvitationId;
use crate::domain::account::giving;
use crate::domain::account::invitation::{Invitation, Outcome};
use crate::http::api::Api;
use crate::http::auth::May;
use crate::http::extract::ValidQuery;
use crate::http::paging;
use crate::http::problem::{ApiError, Problem};
use crate::http::v1::users::grants::placed;
use crate::http::v1::users::view::GrantView;

/// Which page.
#[derive(Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Invitations of a page, 1 to 500.
    #[garde(range(min = 1, max = paging::MAX_LIMIT))]
    limit: Option<u32>,
    /// `next` of the page before.
    #[garde(skip)]
    before: Option<Uuid>,
}

/// An invitation.
#[derive(Serialize, ToSchema)]
pub struct InvitationView {
    /// Id.
    id: Uuid,
    /// Where the link was sent.
    email: Option<String>,
    /// What the account is allowed.
    grants: Vec<GrantView>,
    /// `user:<id>`, `service:<id>` or `cli`.
    invited_by: String,
    /// When.
    created_at: String,
    /// When the link ends.
    expires_at: String,
    /// `open`, `accepted`, `revoked` or `expired`.
    #[schema(value_type = String)]
    state: &'static str,
    /// The account that was made.
    user: Option<Uuid>,
}

/// A page of invitations.
#[derive(Serialize, ToSchema)]
pub struct InvitationPage {
    /// The invitations.
    items: Vec<InvitationView>,
    /// Pass it as `before` for the next page; absent on the last.
    next: Option<Uuid>,
}

impl InvitationView {
    fn new(api: &Api, invitation: &Invitation) -> Self {
        let outcome = invitation.outcome(api.now());
        let user = match outcome {
            Outcome::Accepted(account) => Some(account.0),
            _ => None,
        };
        Self {
            id: invitation.id.0,
            email: invitation.email.as_ref().map(ToString::to_string),
            grants: invitation.grants.iter().map(GrantView::from).collect(),
            invited_by: invitation.invited_by.clone(),
            created_at: invitation.created_at.to_rfc3339(),
            expires_at: invitation.expires_at.to_rfc3339(),
            state: outcome.as_str(),
            user,
        }
    }
}

/// Invitations, the newest first: those whose grants all lie within your reach.
#[utoipa::path(get, path = "/api/v1/invitations", operation_id = "invitations_list", tag = "accounts",
    security(("bearer" = [])), params(Page), responses(
        (status = 200, description = "A page", body = InvitationPage),
        (status = 403, description = "`not-allowed`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`invalid-value`", body = Problem, content_type = "application/problem+json")
    ))]
#[tracing::instrument(name = "http.v1.invitations.list", skip_all)]
pub async fn list(
    State(api): State<Api>,
    may: May<UsersRead>,
    ValidQuery(page): ValidQuery<Page>,
) -> Result<axum::Json<InvitationPage>, ApiError> {
    let limit = paging::limit(page.limit)?;
    let found = api.accounts.book.invitations(page.before.map(InvitationId), limit).await?;
    let next = found.last().filter(|_| found.len() == limit as usize).map(|last| last.id.0);
    let mut items = Vec::with_capacity(found.len());
    for invitation in &found {
        let held = placed(&api, &invitation.grants).await?;
        if giving::visible(&may.reach, &held).count() == held.len() {
            items.push(InvitationView::new(&api, invitation));
        }
    }
    Ok(axum::Json(InvitationPage { items, next }))
}
