//! Something that happened, as far as rules care.

use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, SiteId, UserId};
use ostiary_common::time::UnixMillis;

use super::{ThreadId, What};
use crate::domain::access::{Access, Permission, Reach, Scope};

/// Where something happened. A door has a site; what has neither concerns the whole installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The site.
    pub site: Option<SiteId>,
    /// The door.
    pub door: Option<DoorId>,
    /// The device.
    pub device: Option<DeviceId>,
}

impl Place {
    /// A door, and perhaps the device at it.
    #[must_use]
    pub const fn at(site: SiteId, door: DoorId, device: Option<DeviceId>) -> Self {
        Self { site: Some(site), door: Some(door), device }
    }

    /// Whether it lies within a reach.
    #[must_use]
    pub fn is_within(&self, reach: &Reach) -> bool {
        match (self.site, self.door) {
            (Some(site), Some(door)) => reach.covers(site, door),
            (Some(site), None) => reach.covers_site(site),
            (None, _) => reach.is_everything(),
        }
    }

    /// Whether it lies within a scope.
    #[must_use]
    pub fn is_in(&self, scope: Scope) -> bool {
        match scope {
            Scope::Everything => true,
            Scope::Site(site) => self.site == Some(site),
            Scope::Door(door) => self.door == Some(door),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What.
    pub what: What,
    /// When.
    pub at: UnixMillis,
    /// Where.
    pub place: Place,
    /// The event that tells of it.
    pub event: Option<EventId>,
    /// Who was seen, or was not.
    pub person: Option<PersonId>,
    /// The groups the person is in.
    pub groups: Vec<GroupId>,
    /// The account it is about: who logged in, who was mentioned.
    pub account: Option<UserId>,
    /// The conversation it is about.
    pub thread: Option<ThreadId>,
    /// What of several of its kind it is: a part of the server, a job. Tells apart what must not be gathered together.
    pub about: String,
    /// More, in words without names.
    pub words: String,
}

impl Signal {
    /// Something of a kind at a place.
    #[must_use]
    pub const fn new(what: What, at: UnixMillis, place: Place) -> Self {
        Self {
            what,
            at,
            place,
            event: None,
            person: None,
            groups: Vec::new(),
            account: None,
            thread: None,
            about: String::new(),
            words: String::new(),
        }
    }
}

/// Whether somebody with this access may be told of something at a place.
#[must_use]
pub fn may_know(access: &Access, what: What, place: &Place) -> bool {
    let needed = match (what, place.site) {
        // A log-in concerns accounts, which have no place.
        (What::NewPlace, _) => Permission::UsersRead,
        _ => what.needs(),
    };
    place.is_within(&access.reach(needed))
}
