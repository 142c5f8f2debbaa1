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
        Permission::UsersManage | Permission::KeysManage => &[O, A],
        Permission::UsersRead | Permission::AuditRead | Permission::ErasuresRead => &[O, A, AU],
        Permission::DoorsManage | Permission::DevicesManage => &[O, A],
        Permission::DoorsRead | Permission::DevicesRead => &[O, A, OP, V, AU],
        Permission::PersonsManage | Permission::PersonsExport => &[O, A],
        Permission::PersonsRead => &[O, A, OP],
        Permission::JobsRead | Permission::JobsManage => &[O, A],
        Permission::EventsJudge | Permission::Recognize => &[O, A, OP],
        Permission::EventsRead => &[O, A, OP, V],
        Permission::SettingsManage | Permission::HealthManage | Permission::NotificationsManage => &[O, A],
        Permission::SettingsRead | Permission::HealthRead => &[O, A, AU],
    }
}

/// Whether a role has a permission, within its scope.
#[must_use]
pub fn allows(role: Role, permission: Permission) -> bool {
    holders(permission).contains(&role)
}

/// The table as Markdown, for the docs.
#[must_use]
pub fn markdown() -> String {
    let head = Role::ALL.map(Role::as_str).join(" | ");
    let mut table = format!("| permission | {head} | what for |\n|---|{}---|\n", "---|".repeat(Role::ALL.len()));
    for permission in Permission::ALL {
        let held = Role::ALL.map(|role| if allows(role, *permission) { "yes" } else { "" }).join(" | ");
        table.push_str(&format!("| `{}` | {held} | {} |\n", permission.as_str(), permission.what_for()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_is_this_one() {
        let docs = include_str!("../../../../docs/access.md");
        assert!(docs.contains(&markdown()), "docs/access.md must hold this table:\n{}", markdown());
    }

    #[test]
    fn who_may_what() {
        let check =
            |role, permission, expected| assert_eq!(allows(role, permission), expected, "{role:?} {permission:?}");
        check(Role::Admin, Permission::UsersManage, true);
        check(Role::Operator, Permission::PersonsRead, true);
        check(Role::Operator, Permission::PersonsManage, false);
        check(Role::Viewer, Permission::EventsRead, true);
        check(Role::Viewer, Permission::PersonsRead, false);
        check(Role::Auditor, Permission::AuditRead, true);
        check(Role::Auditor, Permission::EventsRead, false);
        check(Role::Auditor, Permission::PersonsRead, false);
    }
}
