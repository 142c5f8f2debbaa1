//! Who there is to be known, and where: the rules told a second time, beside the server's own.

use std::collections::{BTreeMap, BTreeSet};

use ostiary_common::ids::{DoorId, GroupId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::PersonChange;
use ostiary_server::domain::gallery::GalleryRule;

use super::violation::{Rule, Violation};

/// Somebody enrolled.
#[derive(Clone, Debug, Default)]
pub struct Someone {
    /// The templates.
    pub templates: BTreeSet<TemplateId>,
    /// The groups.
    pub groups: BTreeSet<GroupId>,
    /// From when the person may be known.
    pub from: Option<UnixMillis>,
    /// Until when.
    pub until: Option<UnixMillis>,
    /// The server's time at which it last asked itself whether that is so.
    pub judged_at: UnixMillis,
}

impl Someone {
    fn may_be_known(&self) -> bool {
        let begun = self.from.is_none_or(|from| from <= self.judged_at);
        begun && self.until.is_none_or(|until| self.judged_at < until) && !self.templates.is_empty()
    }
}

/// What is held, by person.
pub type Held = BTreeMap<PersonId, BTreeSet<TemplateId>>;

/// Persons, doors, and what devices have said.
pub struct Town {
    /// Everybody enrolled.
    pub people: BTreeMap<PersonId, Someone>,
    /// Groups there are.
    pub groups: Vec<GroupId>,
    rules: BTreeMap<DoorId, GalleryRule>,
    /// Where each device is.
    doors: Vec<DoorId>,
    /// Persons each device may still hold: whom it said to hold, and whoever it might know at any time since.
    allowed: Vec<BTreeSet<PersonId>>,
    /// Words of a device before this message were of a life it has forgotten.
    since: Vec<u64>,
}

impl Town {
    /// Nobody, and devices at these doors.
    pub fn new(doors: Vec<DoorId>) -> Self {
        let count = doors.len();
        let (people, groups, rules) = Default::default();
        Self { people, groups, rules, doors, allowed: vec![BTreeSet::new(); count], since: vec![0; count] }
    }

    /// The persons there are.
    pub fn persons(&self) -> Vec<PersonId> {
        self.people.keys().copied().collect()
    }

    /// A person changes.
    pub fn change(&mut self, person: PersonId, change: impl FnOnce(&mut Someone)) {
        change(self.people.entry(person).or_default());
        self.note();
    }

    /// A person is removed.
    pub fn removed(&mut self, person: PersonId) {
        self.people.remove(&person);
    }

    /// A door says whom it may know.
    pub fn rule(&mut self, door: DoorId, rule: GalleryRule) {
        self.rules.insert(door, rule);
        self.note();
    }

    /// A device is at another door.
    pub fn moves(&mut self, device: usize, door: DoorId) {
        self.doors[device] = door;
        self.note();
    }

    /// The server asked itself who may be known now.
    pub fn settled(&mut self, now: UnixMillis) {
        self.people.values_mut().for_each(|one| one.judged_at = now);
        self.note();
    }

    /// What a device may hold.
    pub fn expected(&self, device: usize) -> Held {
        let rule = self.rules.get(&self.doors[device]);
        let admits = |one: &Someone| match rule {
            None | Some(GalleryRule::Everyone) => true,
            Some(GalleryRule::Groups(groups)) => !groups.is_disjoint(&one.groups),
        };
        let known = self.people.iter().filter(|(_, one)| one.may_be_known() && admits(one));
        known.map(|(person, one)| (*person, one.templates.clone())).collect()
    }

    /// Whoever may be known now may be held until the device says otherwise.
    fn note(&mut self) {
        for device in 0..self.doors.len() {
            let known: Vec<PersonId> = self.expected(device).into_keys().collect();
            self.allowed[device].extend(known);
        }
    }

    /// The server took a device's word, said in message `number`, that it holds what it may.
    pub fn acked(&mut self, device: usize, number: u64) {
        if number >= self.since[device] {
            self.allowed[device] = self.expected(device).into_keys().collect();
        }
    }

    /// A device's memory was set back, and holds these; what it said before message `number` is void.
    pub fn set_back(&mut self, device: usize, held: impl IntoIterator<Item = PersonId>, number: u64) {
        self.allowed[device].extend(held);
        self.since[device] = number;
    }

    /// Whether a device may be sent this person as it is.
    ///
    /// # Errors
    /// [`Violation`] if not.
    pub fn may_be_sent(&self, device: usize, change: &PersonChange) -> Result<(), Violation> {
        let expected = self.expected(device);
        let known = expected.get(&change.person);
        if change.templates.iter().all(|row| known.is_some_and(|known| known.contains(&row.id))) {
            return Ok(());
        }
        let text = format!("device {device} was sent {}, whom it may not know as it was sent", change.person);
        Err(Violation::new(Rule::HeldWrongly, text))
    }

    /// Whether a device may hold these persons, given what it has said.
    ///
    /// # Errors
    /// [`Violation`] if it said to hold what it may, and holds somebody it might not know at any time since.
    pub fn may_hold<'a>(&self, device: usize, mut held: impl Iterator<Item = &'a PersonId>) -> Result<(), Violation> {
        let Some(person) = held.find(|person| !self.allowed[device].contains(person)) else { return Ok(()) };
        let text = format!("device {device} holds {person}, though it said that it holds no more than it may");
        Err(Violation::new(Rule::HeldWrongly, text))
    }
}
