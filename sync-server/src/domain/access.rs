//! Who may do what, where: roles, scopes, and the one table that joins them. Deny by default.
//!
//! A [`Grant`] gives an account a [`Role`] over a [`Scope`]; [`table`] says what each role may; the [`Reach`] of a
//! permission is everything it holds for, and every query over what belongs to doors takes one. Whom a reach lets see
//! is a [`Circle`]. Start reading at [`table`].

mod circle;
pub mod may;
mod reach;
pub mod table;

use ostiary_common::ids::{DoorId, SiteId};

pub use circle::Circle;
pub use may::Permission;
pub use reach::Reach;

/// What an account is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything, also who else is owner.
    Owner,
    /// Runs it: people, doors, devices, settings, accounts below owner.
    Admin,
    /// Watches events and judges them, handles visitors.
    Operator,
    /// Looks at events.
    Viewer,
    /// Looks at who did what, and at nobody's face.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Operator, Self::Viewer, Self::Auditor];

    /// The role's name in store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
        }
    }

    /// Reads a role's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Where a role holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole installation.
    Everything,
    /// A site: its doors, their devices, what was seen there.
    Site(SiteId),
    /// One door.
    Door(DoorId),
}

/// A role over a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// What for.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// All grants of one account or key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    grants: Vec<Grant>,
    /// What a key leaves of it; `None` leaves everything.
    limited_to: Option<Vec<Permission>>,
}

impl Access {
    /// The access these grants give.
    #[must_use]
    pub fn new(mut grants: Vec<Grant>) -> Self {
        grants.sort_unstable();
        grants.dedup();
        Self { grants, limited_to: None }
    }

    /// A role over everything.
    #[must_use]
    pub fn everywhere(role: Role) -> Self {
        Self::new(vec![Grant { role, scope: Scope::Everything }])
    }

    /// The same with these permissions only, as far as the grants give them.
    #[must_use]
    pub fn limited_to(self, permissions: &[Permission]) -> Self {
        Self { limited_to: Some(permissions.to_vec()), ..self }
    }

    /// Whether nothing of what the grants give is left out.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.limited_to.is_none()
    }

    /// The grants, sorted.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Everything a permission holds for; nothing if it was not given.
    #[must_use]
    pub fn reach(&self, permission: Permission) -> Reach {
        if self.limited_to.as_ref().is_some_and(|left| !left.contains(&permission)) {
            return Reach::NOTHING;
        }
        let scopes = self.grants.iter().filter(|grant| table::allows(grant.role, permission)).map(|grant| grant.scope);
        Reach::of(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_reaches_as_far_as_the_roles_that_have_it() {
        let (site, door) = (SiteId::generate(), DoorId::generate());
        let grant = |role, scope| Grant { role, scope };
        let guard = Access::new(vec![grant(Role::Operator, Scope::Door(door)), grant(Role::Viewer, Scope::Site(site))]);
        let check = |permission, at: (SiteId, DoorId), expected| {
            assert_eq!(guard.reach(permission).covers(at.0, at.1), expected, "{permission:?} {at:?}");
        };
        let elsewhere = (SiteId::generate(), DoorId::generate());
        check(Permission::EventsRead, (elsewhere.0, door), true);
        check(Permission::EventsRead, (site, elsewhere.1), true);
        check(Permission::EventsRead, elsewhere, false);
        check(Permission::EventsJudge, (elsewhere.0, door), true);
        check(Permission::EventsJudge, (site, elsewhere.1), false);
        check(Permission::SettingsManage, (site, door), false);
        assert!(Access::default().reach(Permission::EventsRead).is_nothing(), "deny by default");
        let key = guard.limited_to(&[Permission::EventsRead]);
        assert!(key.reach(Permission::EventsRead).covers(site, elsewhere.1));
        assert!(key.reach(Permission::EventsJudge).is_nothing(), "a key may less than its grants give");
    }

    #[test]
    fn an_owner_may_everything_and_names_read_back() {
        for permission in Permission::ALL {
            assert!(Access::everywhere(Role::Owner).reach(*permission).is_everything(), "{permission:?}");
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
    }
}
