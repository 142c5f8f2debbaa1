//! What administrators do: people come, change and go, doors and devices change what they may know.

use std::time::Duration;

use ostiary_common::ids::{GroupId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Angle, Revision};
use ostiary_server::domain::gallery::{GalleryRule, Group, Rescoped, TermsChange, Validity};
use ostiary_server::domain::person::{Person, Template};
use ostiary_server::domain::recognition::Change;
use ostiary_server::ports::{Clock, PersonStore, ScopeStore, StoreError};

use super::town::Someone;
use super::world::{News, StoryError, World};

/// Persons enrolled at once, at most.
const MOST_PERSONS: usize = 12;
/// Groups, at most.
const MOST_GROUPS: usize = 3;
/// Numbers in an embedding of the simulation's pack.
const EMBEDDING: usize = 8;

impl World {
    /// An administrator does something.
    pub(super) fn administer(&mut self) -> Result<(), StoryError> {
        let persons = self.town.persons();
        let which = self.dice.below(persons.len());
        let kind = self.dice.below(14);
        match persons.get(which) {
            Some(person) if persons.len() >= MOST_PERSONS || kind < 3 => self.remove(*person),
            Some(person) if kind < 5 => self.enroll(*person),
            Some(person) if kind < 7 => self.forget(*person),
            Some(person) if kind < 9 => self.set_terms(*person),
            _ if kind < 10 => self.set_rule(),
            _ => self.add(),
        }
    }

    /// Says that the gallery changed, as the server's HTTP side does after a commit.
    fn changed(&mut self, rev: Revision) {
        self.news.push(News::Gallery(rev));
    }

    fn add(&mut self) -> Result<(), StoryError> {
        self.add_group()?;
        let id = PersonId(self.dice.uuid());
        let (validity, groups) = self.terms();
        let now = self.time.now();
        let mut person = Person::new(id, "Ada".into(), now, Some(now));
        (person.validity, person.groups) = (validity, groups.clone());
        if taken(self.server.ask(async |store| store.add_person(&person).await))?.is_none() {
            return Ok(());
        }
        self.town.change(id, |one| set(one, validity, groups, now));
        self.enroll(id)
    }

    fn add_group(&mut self) -> Result<(), StoryError> {
        let count = self.town.groups.len();
        if count >= MOST_GROUPS {
            return Ok(());
        }
        let group = Group {
            id: GroupId(self.dice.uuid()),
            name: format!("Group {count}"),
            site: None,
            created_at: self.time.now(),
            version: 1,
            members: 0,
        };
        if taken(self.server.ask(async |store| store.add_group(&group).await))?.is_some() {
            self.town.groups.push(group.id);
        }
        Ok(())
    }

    /// When and by which groups somebody is to be known.
    fn terms(&mut self) -> (Validity, Vec<GroupId>) {
        let all = self.town.groups.clone();
        let groups = all.into_iter().filter(|_| self.dice.chance(60)).collect();
        let now = self.time.now();
        let mut at = |percent| {
            let offset = i64::try_from(self.dice.between(0, 20 * 3_600)).unwrap_or(0) - 3_600;
            self.dice.chance(percent).then_some(UnixMillis(now.0 + offset * 1_000))
        };
        let (from, until) = (at(15), at(25));
        (Validity::parse(from, until).unwrap_or(Validity::ALWAYS), groups)
    }

    fn set_terms(&mut self, person: PersonId) -> Result<(), StoryError> {
        let (validity, groups) = self.terms();
        let terms = TermsChange { validity: Some(validity), groups: Some(groups.clone()) };
        let now = self.time.now();
        let change = Change { expected: None, now };
        let done = taken(self.server.ask(async |store| store.put_terms(person, &terms, change).await))?;
        if let Some(Some(Rescoped { rev, .. })) = done {
            self.tell(|| format!("{person} may be known otherwise: {validity:?}, {} groups", groups.len()));
            // Terms that do not change are not judged again.
            if rev.is_some() {
                self.town.change(person, |one| set(one, validity, groups, now));
            }
            rev.into_iter().for_each(|rev| self.changed(rev));
        }
        Ok(())
    }

    fn set_rule(&mut self) -> Result<(), StoryError> {
        let door = self.doors[self.dice.below(self.doors.len())].id;
        let groups = self.town.groups.clone();
        let rule = if self.dice.chance(30) {
            GalleryRule::Everyone
        } else {
            GalleryRule::Groups(groups.into_iter().filter(|_| self.dice.chance(60)).collect())
        };
        let change = Change { expected: None, now: self.time.now() };
        let done = taken(self.server.ask(async |store| store.put_door_gallery(door, &rule, change).await))?;
        if let Some(Some(Rescoped { rev, .. })) = done {
            self.tell(|| format!("door {door} may know {rule:?}"));
            self.town.rule(door, rule);
            rev.into_iter().for_each(|rev| self.changed(rev));
        }
        Ok(())
    }

    fn enroll(&mut self, person: PersonId) -> Result<(), StoryError> {
        let id = TemplateId(self.dice.uuid());
        let mut source_sha256 = [0; 32];
        source_sha256[..16].copy_from_slice(id.as_bytes());
        let template = Template {
            id,
            person,
            version: 1,
            pack: self.pack.clone(),
            angle: Angle::Frontal,
            quality: 0.9,
            embedding: vec![(EMBEDDING as f32).sqrt().recip(); EMBEDDING],
            source_sha256,
            created_at: self.time.now(),
        };
        if let Some((_, Some(rev))) = taken(self.server.ask(async |store| store.add_template(&template).await))? {
            self.tell(|| format!("{person} gets template {id} at {}", rev.0));
            self.town.change(person, |one| one.templates.extend([id]));
            self.changed(rev);
        }
        Ok(())
    }

    fn forget(&mut self, person: PersonId) -> Result<(), StoryError> {
        let templates: Vec<_> = self.town.people[&person].templates.iter().copied().collect();
        let which = self.dice.below(templates.len());
        let Some(template) = templates.get(which).copied() else { return Ok(()) };
        if let Some(Some(rev)) = taken(self.server.ask(async |store| store.remove_template(template).await))? {
            self.tell(|| format!("{person} loses template {template} at {}", rev.0));
            self.town.change(person, |one| one.templates.retain(|kept| *kept != template));
            self.changed(rev);
        }
        Ok(())
    }

    fn remove(&mut self, person: PersonId) -> Result<(), StoryError> {
        let now = self.time.now();
        if let Some(Some(rev)) = taken(self.server.ask(async |store| store.remove_person(person, now).await))? {
            self.tell(|| format!("{person} is removed at {}", rev.0));
            self.town.removed(person);
            self.changed(rev);
        }
        Ok(())
    }

    /// The server looks at the clock: whose time has come may be known from now on, whose time is over no longer.
    pub(super) fn follow_clock(&mut self) -> Result<(), StoryError> {
        let now = self.time.now();
        if let Some(settled) = taken(self.server.ask(async |store| store.settle_validity(now).await))? {
            self.tell(|| format!("server looks at the clock: revision {}", settled.rev.0));
            self.town.settled(now);
            if settled.rev > self.told {
                self.changed(settled.rev);
            }
        }
        Ok(())
    }
}

fn set(one: &mut Someone, validity: Validity, groups: Vec<GroupId>, now: UnixMillis) {
    (one.from, one.until, one.judged_at) = (validity.from(), validity.until(), now);
    one.groups = groups.into_iter().collect();
}

/// A store that fails is part of the story; whoever asked it is told so, and nothing changed.
pub(super) fn taken<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoryError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Database(_)) => Ok(None),
        Err(error) => Err(StoryError::Failed(error.into())),
    }
}

/// How often the server reminds devices of what they have not done.
pub(super) const REMINDS_EVERY: Duration = Duration::from_secs(60);
