//! How far a permission reaches.

use std::collections::BTreeSet;

use ostiary_common::ids::{DoorId, SiteId};

use super::Scope;

/// The doors a permission holds for. Queries take it and answer as if nothing else existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The whole installation.
    Everything,
    /// What belongs to these sites, and to these doors.
    Within {
        /// Whole sites.
        sites: BTreeSet<SiteId>,
        /// Single doors.
        doors: BTreeSet<DoorId>,
    },
}

impl Reach {
    /// Nothing at all.
    pub const NOTHING: Self = Self::Within { sites: BTreeSet::new(), doors: BTreeSet::new() };

    /// The union of scopes.
    #[must_use]
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let (mut sites, mut doors) = (BTreeSet::new(), BTreeSet::new());
        for scope in scopes {
            match scope {
                Scope::Everything => return Self::Everything,
                Scope::Site(site) => drop(sites.insert(site)),
                Scope::Door(door) => drop(doors.insert(door)),
            }
        }
        Self::Within { sites, doors }
    }

    /// Whether it is the whole installation.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::NOTHING
    }

    /// Whether a door of a site is within.
    #[must_use]
    pub fn covers(&self, site: SiteId, door: DoorId) -> bool {
        match self {
            Self::Everything => true,
            Self::Within { sites, doors } => sites.contains(&site) || doors.contains(&door),
        }
    }

    /// Whether a whole site is within.
    #[must_use]
    pub fn covers_site(&self, site: SiteId) -> bool {
        match self {
            Self::Everything => true,
            Self::Within { sites, .. } => sites.contains(&site),
        }
    }
}
