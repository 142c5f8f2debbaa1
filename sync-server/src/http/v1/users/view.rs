//! Accounts and grants as the API shows them.

use garde::Validate;
use ostiary_common::ids::{DoorId, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::access::{Grant, Reach, Role, Scope};
use crate::domain::account::giving::{self, Placed};
use crate::domain::account::{Account, Kind};
use crate::http::problem::ApiError;

/// A role over a scope: over everything if neither site nor door is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct GrantView {
    /// `owner`, `admin`, `operator`, `viewer` or `auditor`.
    #[garde(length(max = 30))]
    #[schema(example = "operator")]
    pub role: String,
    /// At this site only.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Uuid>,
    /// At this door only.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<Uuid>,
}

impl From<&Grant> for GrantView {
    fn from(grant: &Grant) -> Self {
        let (site, door) = match grant.scope {
            Scope::Everything => (None, None),
            Scope::Site(site) => (Some(site.0), None),
            Scope::Door(door) => (None, Some(door.0)),
        };
        Self { role: grant.role.as_str().to_owned(), site, door }
    }
}

impl TryFrom<&GrantView> for Grant {
    type Error = ApiError;
    fn try_from(view: &GrantView) -> Result<Self, ApiError> {
        let invalid = |detail: String| ApiError::Invalid { field: "grants", detail };
        let role = Role::parse(&view.role).ok_or_else(|| {
            invalid(format!("there is no role `{}`: owner, admin, operator, viewer, auditor", view.role))
        })?;
        let scope = match (view.site, view.door) {
            (None, None) => Scope::Everything,
            (Some(site), None) => Scope::Site(SiteId(site)),
            (None, Some(door)) => Scope::Door(DoorId(door)),
            (Some(_), Some(_)) => return Err(invalid("name a site or a door, not both".into())),
        };
        Ok(Self { role, scope })
    }
}

/// An account.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    /// Id.
    id: Uuid,
    /// Login name; of a service, nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    /// Display name.
    name: String,
    /// Where links are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// `active`, `pending` (waits for approval) or `shut_out`.
    #[schema(value_type = String)]
    state: &'static str,
    /// What it may, as far as it is within your reach.
    grants: Vec<GrantView>,
    /// Whether a second factor is asked for.
    second_factor: bool,
    /// When it was made.
    created_at: String,
    /// When somebody last logged in with it.
    last_login_at: Option<String>,
    /// Rises with every change of names, state or grants.
    version: u64,
}

impl UserView {
    /// As somebody with this reach sees it.
    pub fn new(account: &Account, reach: &Reach, held: &[Placed]) -> Self {
        Self {
            id: account.id.0,
            login: (account.kind == Kind::Person).then(|| account.login.to_string()),
            name: account.name.clone(),
            email: account.email.as_ref().map(ToString::to_string),
            state: account.state.as_str(),
            grants: giving::visible(reach, held).map(|grant| GrantView::from(&grant)).collect(),
            second_factor: account.second_factor,
            created_at: account.created_at.to_rfc3339(),
            last_login_at: account.last_login_at.map(|at| at.to_rfc3339()),
            version: account.version,
        }
    }
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    /// The accounts.
    pub items: Vec<UserView>,
    /// Pass it as `after` for the next page; absent on the last.
    pub next: Option<Uuid>,
}
