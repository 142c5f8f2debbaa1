//! Whom a reach lets see, and whom it lets change. Pure.
//!
//! A person has no place; doors do, and they say who may be known there. So somebody is within a reach if a door within
//! may know them by its rule (whether their time has come, or is over, does not matter), or if they are in a group that
//! belongs to a site within. What a person does at doors elsewhere does not bring them in, and neither does a visit of
//! the past: that stays with the event.

use std::collections::BTreeSet;

use ostiary_common::ids::GroupId;

/// The persons and groups of a reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Circle {
    /// Everyone, in every group.
    Everything,
    /// Of a reach that is not everything.
    Within {
        /// A door within knows everyone enrolled.
        everyone: bool,
        /// Groups that a door within names and that count there, and those of the sites within.
        groups: BTreeSet<GroupId>,
        /// Of these, the groups of sites that are wholly within: nobody else is concerned by what becomes of them.
        own: BTreeSet<GroupId>,
    },
}

impl Circle {
    /// Whether somebody in these groups may be seen.
    #[must_use]
    pub fn admits(&self, of: &[GroupId]) -> bool {
        match self {
            Self::Everything => true,
            Self::Within { everyone, groups, .. } => *everyone || of.iter().any(|group| groups.contains(group)),
        }
    }

    /// Whether a group may be seen.
    #[must_use]
    pub fn shows(&self, group: GroupId) -> bool {
        match self {
            Self::Everything => true,
            Self::Within { groups, .. } => groups.contains(&group),
        }
    }

    /// Whether a group may be changed: it counts at sites within only.
    #[must_use]
    pub fn owns_group(&self, group: GroupId) -> bool {
        match self {
            Self::Everything => true,
            Self::Within { own, .. } => own.contains(&group),
        }
    }

    /// Whether somebody in these groups may be changed: they are in groups of sites within, and in no other, so that
    /// no other site enrolled them.
    #[must_use]
    pub fn owns(&self, of: &[GroupId]) -> bool {
        match self {
            Self::Everything => true,
            Self::Within { own, .. } => !of.is_empty() && of.iter().all(|group| own.contains(group)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_reach_lets_see_and_change() {
        let [staff, here, elsewhere] = [(); 3].map(|()| GroupId::generate());
        let circle =
            |everyone| Circle::Within { everyone, groups: BTreeSet::from([staff, here]), own: BTreeSet::from([here]) };
        let check = |circle: &Circle, of: &[GroupId], seen, changed| {
            assert_eq!((circle.admits(of), circle.owns(of)), (seen, changed), "{of:?} by {circle:?}");
        };
        check(&circle(false), &[], false, false);
        check(&circle(false), &[staff], true, false);
        check(&circle(false), &[here], true, true);
        check(&circle(false), &[here, staff], true, false);
        check(&circle(false), &[elsewhere], false, false);
        check(&circle(false), &[elsewhere, here], true, false);
        check(&circle(true), &[], true, false);
        check(&circle(true), &[elsewhere], true, false);
        check(&Circle::Everything, &[], true, true);
        assert!(!circle(true).shows(elsewhere) && circle(true).shows(staff) && !circle(true).owns_group(staff));
    }
}
