//! The permission table as data.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::{Permission, Role, table};
use crate::http::auth::Caller;

/// A role and what it may, within the scope it is granted over.
#[derive(Serialize, ToSchema)]
pub struct RoleView {
    /// `owner`, `admin`, `operator`, `viewer` or `auditor`.
    #[schema(value_type = String)]
    role: &'static str,
    /// Its permissions.
    #[schema(value_type = Vec<String>)]
    permissions: Vec<&'static str>,
}

/// Every role.
#[derive(Serialize, ToSchema)]
pub struct Roles {
    /// The roles, the mightiest first.
    items: Vec<RoleView>,
}

/// The roles there are, and what each may.
#[utoipa::path(get, path = "/api/v1/roles", operation_id = "roles_list", tag = "accounts", security(("bearer" = [])),
    responses((status = 200, description = "The roles", body = Roles)))]
#[tracing::instrument(name = "http.v1.roles.list", skip_all)]
pub async fn list(_caller: Caller) -> Json<Roles> {
    let permissions = |role| {
        let held = Permission::ALL.iter().filter(move |permission| table::allows(role, **permission));
        held.map(|permission| permission.as_str()).collect()
    };
    let view = |role: Role| RoleView { role: role.as_str(), permissions: permissions(role) };
    Json(Roles { items: Role::ALL.into_iter().map(view).collect() })
}
