//! The permission table: the one place that says what a role may. What does not stand here is denied.

use super::{Permission, Role};

const O: Role = Role::Owner;
const A: Role = Role::Admin;
const OP: Role = Role::Operator;
const V: Role = Role::Viewer;
const AU: Role = Role::Auditor;

/// Who has a permission.
const fn holders(permission: Permission) -> &'static [Role] {
    match permission {
        Permission::UsersRead | Permission::AuditRead | Permission::ErasuresRead => &[O, A, AU],
        Permission::UsersManage | Permission::KeysManage => &[O, A],
        Permission::DoorsRead | Permission::DevicesRead => &[O, A, OP, V, AU],
        Permission::DoorsManage | Permission::DevicesManage => &[O, A],
        Permission::PersonsRead => &[O, A, OP],
        Permission::PersonsManage | Permission::PersonsExport => &[O, A],
        Permission::EventsRead => &[O, A, OP, V],
        Permission::EventsJudge | Permission::Recognize => &[O, A, OP],
        Permission::SettingsRead | Permission::HealthRead => &[O, A, AU],
        Permission::SettingsManage => &[O, A],
    }
}

/// Whether a role has a permission, within its scope.
#[must_use]
pub fn allows(role: Role, permission: Permission) -> bool {
    holders(permission).contains(&role)
}
