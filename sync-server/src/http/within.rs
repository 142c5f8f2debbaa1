//! Finding things within a caller's reach, so that handlers begin with what they are about.

use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, SiteId, UnknownId};

use super::auth::May;
use super::problem::ApiError;
use crate::domain::access::Circle;
use crate::domain::access::may::Needs;
use crate::domain::device::{Device, Door};
use crate::domain::event::StoredEvent;
use crate::domain::gallery::Group;
use crate::domain::job::{Job, JobId};
use crate::domain::person::Person;
use crate::domain::profile::{PersonStamp, Profile, Profiled};
use crate::domain::unknown::Unknown;

/// Somebody within reach, with who else is.
pub struct Found {
    /// The person; of the groups, those that may be seen.
    pub person: Person,
    /// Who is within reach.
    pub circle: Circle,
    /// All groups the person is in.
    groups: Vec<GroupId>,
}

impl<P: Needs> May<P> {
    /// A whole site.
    ///
    /// # Errors
    /// [`ApiError::NotFound`]. A site that is not there is only found out by who may see all of them.
    pub fn site(&self, id: SiteId) -> Result<SiteId, ApiError> {
        self.found(Some(id).filter(|id| self.reach.covers_site(*id)), "site")
    }

    /// A door.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn door(&self, id: DoorId) -> Result<Door, ApiError> {
        self.found(self.api.within.door_within(&self.reach, id).await?, "door")
    }

    /// A device, by the door it is at now.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn device(&self, id: DeviceId) -> Result<Device, ApiError> {
        self.found(self.api.within.device_within(&self.reach, id).await?, "device")
    }

    /// An event, by the door it was stored at.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn event(&self, id: EventId) -> Result<StoredEvent, ApiError> {
        self.found(self.api.within.event_within(&self.reach, id).await?, "event")
    }

    /// An unknown visitor, by the doors it was seen at.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn unknown(&self, id: UnknownId) -> Result<Unknown, ApiError> {
        self.found(self.api.store.unknown_within(&self.reach, id).await?, "unknown visitor")
    }

    /// A group to look at.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn group(&self, id: GroupId) -> Result<Group, ApiError> {
        let circle = self.circle().await?;
        let group = self.api.store.group(id).await?.filter(|group| circle.shows(group.id));
        self.found(group, "group")
    }

    /// A group to change.
    ///
    /// # Errors
    /// [`ApiError::NotFound`]; [`ApiError::NotAllowed`] for one that may be seen, but counts beyond the reach.
    pub async fn own_group(&self, id: GroupId) -> Result<Group, ApiError> {
        let group = self.group(id).await?;
        if self.circle().await?.owns_group(group.id) { Ok(group) } else { Err(self.beyond("everything")) }
    }

    /// Somebody to look at.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn person(&self, id: PersonId) -> Result<Found, ApiError> {
        let circle = self.circle().await?;
        let person = self.api.store.person(id).await?;
        self.admitted(circle, person)
    }

    /// The same with notes and fields.
    ///
    /// # Errors
    /// As [`Self::person`].
    pub async fn profiled(&self, id: PersonId) -> Result<(Found, Profile, PersonStamp), ApiError> {
        let circle = self.circle().await?;
        let Some(Profiled { person, profile, stamp }) = self.api.store.profiled(id).await? else {
            return self.found(None, "person");
        };
        Ok((self.admitted(circle, Some(person))?, profile, stamp))
    }

    fn admitted(&self, circle: Circle, person: Option<Person>) -> Result<Found, ApiError> {
        let mut person = self.found(person.filter(|person| circle.admits(&person.groups)), "person")?;
        let groups = person.groups.clone();
        person.groups.retain(|group| circle.shows(*group));
        Ok(Found { person, circle, groups })
    }

    /// Somebody to change.
    ///
    /// # Errors
    /// [`ApiError::NotFound`]; [`ApiError::NotAllowed`] for somebody who may be seen, but whom no site within has
    /// enrolled.
    pub async fn own_person(&self, id: PersonId) -> Result<Found, ApiError> {
        let found = self.person(id).await?;
        self.owned(&found)?;
        Ok(found)
    }

    /// The same with notes and fields.
    ///
    /// # Errors
    /// As [`Self::own_person`].
    pub async fn own_profiled(&self, id: PersonId) -> Result<(Found, Profile, PersonStamp), ApiError> {
        let (found, profile, stamp) = self.profiled(id).await?;
        self.owned(&found)?;
        Ok((found, profile, stamp))
    }

    fn owned(&self, found: &Found) -> Result<(), ApiError> {
        if found.circle.owns(&found.groups) { Ok(()) } else { Err(self.beyond("everything")) }
    }

    /// A job: any with the permission over everything, else one the caller asked for.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub async fn job(&self, id: JobId) -> Result<Job, ApiError> {
        let seen = |job: &Job| self.reach.is_everything() || job.account == Some(self.caller.account);
        self.found(self.api.jobs.store.job(id).await?.filter(seen), "job")
    }

    /// Whom the reach lets see, and whom it lets change.
    ///
    /// # Errors
    /// [`ApiError::Internal`].
    pub async fn circle(&self) -> Result<Circle, ApiError> {
        Ok(self.api.within.circle(&self.reach).await?)
    }

    /// Groups somebody is to be in from now on.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] for one that may not be seen; [`ApiError::NotAllowed`] if the person would not be one of
    /// the sites within.
    pub async fn groups_for(&self, groups: &[GroupId]) -> Result<(), ApiError> {
        let circle = self.circle().await?;
        self.found(groups.iter().all(|group| circle.shows(*group)).then_some(()), "group")?;
        if circle.owns(groups) { Ok(()) } else { Err(self.beyond("everything, or groups of a site within it")) }
    }
}
