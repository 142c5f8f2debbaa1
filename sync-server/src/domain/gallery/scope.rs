//! Who may be known at a door. Pure.

use std::collections::BTreeSet;

use ostiary_common::ids::{GroupId, SiteId};
use ostiary_common::time::UnixMillis;

use super::Validity;

/// What a door says of who may be known there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GalleryRule {
    /// Everyone enrolled.
    #[default]
    Everyone,
    /// Who is in one of these groups.
    Groups(BTreeSet<GroupId>),
}

/// Who may be known at a door, by its rule and its site. Devices of equal scopes hold the same gallery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everyone enrolled.
    Everyone,
    /// Who is in one of these groups, which count at the door's site.
    Groups(BTreeSet<GroupId>),
}

impl GalleryRule {
    /// What it comes to at a door of `site`. `group_site` says to which site a group belongs: `Some(None)` to every
    /// site, `None` if there is no such group.
    pub fn at(&self, site: SiteId, group_site: impl Fn(GroupId) -> Option<Option<SiteId>>) -> Scope {
        match self {
            Self::Everyone => Scope::Everyone,
            Self::Groups(groups) => {
                let counts = |group: &GroupId| group_site(*group).is_some_and(|of| of.is_none_or(|of| of == site));
                Scope::Groups(groups.iter().copied().filter(counts).collect())
            }
        }
    }
}

impl Scope {
    /// Whether somebody in these groups belongs to it.
    pub fn admits(&self, groups: &[GroupId]) -> bool {
        match self {
            Self::Everyone => true,
            Self::Groups(known) => groups.iter().any(|group| known.contains(group)),
        }
    }
}

/// Whether a device at a door of this scope may hold a person, who is enrolled, is in these groups, and may be known
/// in this span of time.
pub fn may_hold(validity: Validity, groups: &[GroupId], scope: &Scope, now: UnixMillis) -> bool {
    validity.contains(now) && scope.admits(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_be_known_where() {
        let [here, there] = [SiteId::generate(), SiteId::generate()];
        let [staff, guests, locals, strangers] = [(); 4].map(|()| GroupId::generate());
        let group_site = |group: GroupId| match group {
            group if group == staff || group == guests => Some(None),
            group if group == locals => Some(Some(there)),
            _ => None,
        };
        let rule = |groups: &[GroupId]| GalleryRule::Groups(groups.iter().copied().collect());
        let (always, over) = (Validity::ALWAYS, Validity::parse(None, Some(UnixMillis(7))).unwrap());
        let check = |validity, groups: &[GroupId], rule: &GalleryRule, site, expected| {
            let scope = rule.at(site, group_site);
            assert_eq!(may_hold(validity, groups, &scope, UnixMillis(7)), expected, "{groups:?} at {rule:?}");
        };
        check(always, &[], &GalleryRule::Everyone, here, true);
        check(over, &[], &GalleryRule::Everyone, here, false);
        check(always, &[staff], &rule(&[staff, guests]), here, true);
        check(over, &[staff], &rule(&[staff]), here, false);
        check(always, &[guests, staff], &rule(&[staff]), here, true);
        check(always, &[guests], &rule(&[staff]), here, false);
        check(always, &[], &rule(&[staff]), here, false);
        check(always, &[staff], &rule(&[]), here, false);
        check(always, &[locals], &rule(&[locals]), here, false);
        check(always, &[locals], &rule(&[locals]), there, true);
        check(always, &[strangers], &rule(&[strangers]), here, false);
        assert_eq!(rule(&[locals, staff]).at(here, group_site), rule(&[staff]).at(there, group_site));
    }
}
