//! Who is told: those a rule names, as far as they may know of such a thing at such a place.

use std::collections::BTreeSet;

use ostiary_common::ids::UserId;

use super::signal::may_know;
use super::{Place, What};
use crate::domain::access::{Access, Role};

/// Whom a rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// These accounts.
    pub accounts: BTreeSet<UserId>,
    /// Everybody with one of these roles over where it happens.
    pub roles: BTreeSet<Role>,
}

/// Somebody who may be told.
#[derive(Clone, Debug)]
pub struct Member {
    /// The account.
    pub account: UserId,
    /// What it may.
    pub access: Access,
    /// Whether it has an address for messages.
    pub has_email: bool,
    /// Whether a browser of theirs takes messages.
    pub has_push: bool,
}

impl Whom {
    /// Whether it names nobody.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        self.accounts.is_empty() && self.roles.is_empty()
    }

    /// Of all members, those who are named and may know.
    pub fn among<'a>(
        &'a self,
        members: &'a [Member],
        what: What,
        place: &'a Place,
    ) -> impl Iterator<Item = &'a Member> + use<'a> {
        members.iter().filter(move |member| self.names(member, place) && may_know(&member.access, what, place))
    }

    fn names(&self, member: &Member, place: &Place) -> bool {
        let has_role = |role: &Role| {
            let grants = member.access.grants().iter().filter(|grant| grant.role == *role);
            grants.map(|grant| grant.scope).any(|scope| place.is_in(scope))
        };
        self.accounts.contains(&member.account) || self.roles.iter().any(has_role)
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::{DoorId, SiteId};

    use super::*;
    use crate::domain::access::{Grant, Scope};

    fn member(role: Role, scope: Scope) -> Member {
        Member {
            account: UserId::generate(),
            access: Access::new(vec![Grant { role, scope }]),
            has_email: true,
            has_push: false,
        }
    }

    #[test]
    fn nobody_is_told_what_they_may_not_know() {
        let (site, door) = (SiteId::generate(), DoorId::generate());
        let here = Place::at(site, door, None);
        let check = |role, scope, what, place: &Place, expected: bool| {
            let members = [member(role, scope)];
            let whom = Whom { accounts: [members[0].account].into(), roles: BTreeSet::new() };
            assert_eq!(whom.among(&members, what, place).count(), usize::from(expected), "{role:?} {scope:?} {what:?}");
        };
        check(Role::Operator, Scope::Door(door), What::Unknown, &here, true);
        check(Role::Operator, Scope::Door(DoorId::generate()), What::Unknown, &here, false);
        check(Role::Auditor, Scope::Everything, What::Unknown, &here, false);
        check(Role::Viewer, Scope::Site(site), What::Seen, &here, false);
        check(Role::Operator, Scope::Site(site), What::Seen, &here, true);
        check(Role::Operator, Scope::Everything, What::Disk, &Place::default(), false);
        check(Role::Admin, Scope::Everything, What::Disk, &Place::default(), true);
        check(Role::Admin, Scope::Site(site), What::Disk, &Place::default(), false);
        let whole_site = Place { site: Some(site), door: None, device: None };
        check(Role::Operator, Scope::Door(door), What::Unknown, &whole_site, false);
    }

    #[test]
    fn a_role_counts_where_it_is_held() {
        let (site, door) = (SiteId::generate(), DoorId::generate());
        let here = Place::at(site, door, None);
        let members = [
            member(Role::Operator, Scope::Door(door)),
            member(Role::Operator, Scope::Site(SiteId::generate())),
            member(Role::Owner, Scope::Everything),
        ];
        let whom = Whom { accounts: BTreeSet::new(), roles: [Role::Operator].into() };
        let told: Vec<UserId> = whom.among(&members, What::Unknown, &here).map(|member| member.account).collect();
        assert_eq!(told, [members[0].account]);
    }
}
