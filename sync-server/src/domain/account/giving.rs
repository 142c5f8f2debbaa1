//! Who may give which grants: nobody gives what he does not have, and only an owner makes owners and admins.

use ostiary_common::ids::{DoorId, SiteId};

use crate::domain::access::{Access, Grant, Permission, Reach, Role, Scope, table};

/// The most grants of one account; more are a mistake, and every request reads them.
pub const MAX_GRANTS: usize = 100;

/// A grant, and the site of its door if it is of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The grant.
    pub grant: Grant,
    /// Where the door of [`Scope::Door`] is.
    pub site_of_door: Option<SiteId>,
}

impl Placed {
    fn is_within(&self, reach: &Reach) -> bool {
        match (self.grant.scope, self.site_of_door) {
            (Scope::Everything, _) => reach.is_everything(),
            (Scope::Site(site), _) => reach.covers_site(site),
            (Scope::Door(door), Some(site)) => reach.covers(site, door),
            (Scope::Door(_), None) => reach.is_everything(),
        }
    }

    /// The grant, its place found by `site_of`.
    pub fn new(grant: Grant, site_of: impl Fn(DoorId) -> Option<SiteId>) -> Self {
        let site_of_door = match grant.scope {
            Scope::Door(door) => site_of(door),
            Scope::Everything | Scope::Site(_) => None,
        };
        Self { grant, site_of_door }
    }
}

/// Whether `giver` may give (or take away) this grant.
#[must_use]
pub fn may_give(giver: &Access, given: &Placed) -> bool {
    let within = |permission: &Permission| given.is_within(&giver.reach(*permission));
    let has_all_of_it = Permission::ALL.iter().filter(|p| table::allows(given.grant.role, **p)).all(within);
    within(&Permission::UsersManage) && has_all_of_it && may_make(giver, given)
}

/// Owners and admins are made by owners.
fn may_make(giver: &Access, given: &Placed) -> bool {
    match given.grant.role {
        Role::Owner | Role::Admin => {
            let owned = giver.grants().iter().filter(|grant| grant.role == Role::Owner).map(|grant| grant.scope);
            // A key that is limited has not everything its owner has.
            giver.is_whole() && given.is_within(&Reach::of(owned))
        }
        Role::Operator | Role::Viewer | Role::Auditor => true,
    }
}

/// Whether `manager` may change an account that has these grants: all of them are his to give, so that nobody takes
/// over an account that may more than he.
#[must_use]
pub fn may_manage(manager: &Access, held: &[Placed]) -> bool {
    let nothing_held = manager.reach(Permission::UsersManage).is_everything();
    if held.is_empty() { nothing_held } else { held.iter().all(|grant| may_give(manager, grant)) }
}

/// The grants that lie within a reach, which are those to be shown to whoever has it.
pub fn visible<'a>(reach: &'a Reach, held: &'a [Placed]) -> impl Iterator<Item = Grant> + 'a {
    held.iter().filter(|placed| placed.is_within(reach)).map(|placed| placed.grant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_what_he_does_not_have() {
        let (site, other_site) = (SiteId::generate(), SiteId::generate());
        let (door, far_door) = (DoorId::generate(), DoorId::generate());
        let site_of = |d| Some(if d == door { site } else { other_site });
        let everywhere = Scope::Everything;
        let check = |giver: (Role, Scope), given: (Role, Scope), expected: bool| {
            let access = Access::new(vec![Grant { role: giver.0, scope: giver.1 }]);
            let placed = Placed::new(Grant { role: given.0, scope: given.1 }, site_of);
            assert_eq!(may_give(&access, &placed), expected, "{giver:?} gives {given:?}");
        };
        for role in Role::ALL {
            check((Role::Owner, everywhere), (role, everywhere), true);
            check((Role::Owner, everywhere), (role, Scope::Door(door)), true);
            check((Role::Owner, Scope::Site(site)), (role, everywhere), false);
            check((Role::Owner, Scope::Site(site)), (role, Scope::Door(door)), true);
            check((Role::Owner, Scope::Site(site)), (role, Scope::Door(far_door)), false);
            for giver in [Role::Operator, Role::Viewer, Role::Auditor] {
                check((giver, everywhere), (role, everywhere), false);
            }
        }
        check((Role::Admin, everywhere), (Role::Owner, Scope::Door(door)), false);
        check((Role::Admin, everywhere), (Role::Admin, Scope::Door(door)), false);
        check((Role::Admin, everywhere), (Role::Operator, everywhere), true);
        check((Role::Admin, everywhere), (Role::Auditor, everywhere), true);
        check((Role::Admin, Scope::Site(site)), (Role::Viewer, Scope::Site(site)), true);
        check((Role::Admin, Scope::Site(site)), (Role::Viewer, Scope::Site(other_site)), false);
        check((Role::Admin, Scope::Site(site)), (Role::Viewer, Scope::Door(door)), true);
        check((Role::Admin, Scope::Door(door)), (Role::Viewer, Scope::Site(site)), false);
        check((Role::Admin, Scope::Door(door)), (Role::Operator, Scope::Door(door)), true);
    }

    #[test]
    fn nobody_takes_over_an_account_that_may_more() {
        let admin = Access::everywhere(Role::Admin);
        let held = |roles: &[Role]| {
            let placed =
                |role: &Role| Placed { grant: Grant { role: *role, scope: Scope::Everything }, site_of_door: None };
            roles.iter().map(placed).collect::<Vec<_>>()
        };
        assert!(may_manage(&admin, &held(&[Role::Operator, Role::Auditor])));
        assert!(!may_manage(&admin, &held(&[Role::Operator, Role::Owner])));
        assert!(!may_manage(&admin, &held(&[Role::Admin])));
        assert!(may_manage(&admin, &[]), "nobody else could approve who registered");
        assert!(may_manage(&Access::everywhere(Role::Owner), &held(&Role::ALL)));
        let site_admin = Access::new(vec![Grant { role: Role::Admin, scope: Scope::Site(SiteId::generate()) }]);
        assert!(!may_manage(&site_admin, &[]));
        let limited = Access::everywhere(Role::Owner).limited_to(&[Permission::UsersManage, Permission::EventsRead]);
        assert!(!may_manage(&limited, &held(&[Role::Owner])));
        assert!(!may_manage(&limited, &held(&[Role::Operator])), "the key has not all an operator has");
    }
}
