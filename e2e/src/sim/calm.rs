//! The end of a story: the faults stop, and everything must come to the truth within a bounded number of rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ostiary_common::wire::TemplateRow;
use ostiary_common::wire::monitor::State;
use ostiary_server::domain::device::Device as Record;
use ostiary_server::domain::gallery::Verdict;
use ostiary_server::ports::{DeviceStore, GalleryStore};

use super::net::Inbox;
use super::people::REMINDS_EVERY;
use super::violation::{Rule, Violation};
use super::world::{StoryError, World};

/// Rounds until everything has converged, at most. A round is: everything on its way arrives, then time passes until
/// somebody wants to do something.
pub const ROUNDS: u32 = 100;
/// Longest time that passes between two rounds.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// Messages in one round, at most: more would be a loop.
const MESSAGES: u32 = 5_000;

impl World {
    /// The faults stop. Returns how many rounds it took.
    ///
    /// # Errors
    /// [`StoryError`] if it does not converge, or breaks a promise.
    pub(super) fn calm(&mut self) -> Result<u32, StoryError> {
        self.tell(|| "the faults end".to_owned());
        self.heal()?;
        let (mut reason, mut reminded) = (String::new(), self.time.since_begin());
        for round in 0..ROUNDS {
            self.settle()?;
            match self.unconverged()? {
                None => return Ok(round),
                Some(why) => reason = why,
            }
            let due = self.devices.iter().filter_map(super::device::Device::due_in).min();
            let pause = due.unwrap_or_default().clamp(Duration::from_millis(100), LONGEST_WAIT);
            self.pass_time(pause);
            self.follow_clock()?;
            if self.time.since_begin() >= reminded + REMINDS_EVERY {
                reminded = self.time.since_begin();
                self.remind()?;
            }
            self.check()?;
        }
        Err(Violation::new(Rule::NotConverged, format!("after {ROUNDS} rounds {reason}")).into())
    }

    fn heal(&mut self) -> Result<(), StoryError> {
        self.server.disarm();
        self.lies_in_wait = (false, false);
        self.server.break_table(None)?;
        self.time.set_server_off(0);
        if !self.server.is_up() {
            self.start_server()?;
        }
        self.follow_clock()?;
        for device in self.active() {
            self.devices[device].heal();
            if self.devices[device].core.is_none() || self.devices[device].disk.is_off() {
                self.device_dies(device);
                self.devices[device].start(&mut self.dice);
            }
            self.devices[device].wants_token = true;
        }
        for device in self.active() {
            if self.net.line(device).is_up() {
                self.renew(device)?;
            }
        }
        Ok(())
    }

    /// Everything on its way arrives.
    fn settle(&mut self) -> Result<(), StoryError> {
        for _ in 0..MESSAGES {
            if !self.net.is_linked() {
                self.link()?;
            } else if !self.news.is_empty() {
                self.pass_news()?;
            } else if let Some(device) = self.active().into_iter().find(|one| !self.net.line(*one).is_up()) {
                self.connect(device)?;
            } else if let Some(device) = self.active().into_iter().find(|one| self.devices[*one].wants_token) {
                self.renew(device)?;
            } else if !self.deliver_next()? && !self.net.say_will() {
                self.net.bring_again();
                if self.net.is_quiet() {
                    return Ok(());
                }
            }
            self.check()?;
        }
        let text = format!("{MESSAGES} messages were not enough: somebody talks without end");
        Err(Violation::new(Rule::NotConverged, text).into())
    }

    fn deliver_next(&mut self) -> Result<bool, StoryError> {
        for device in 0..self.devices.len() {
            if let Some(parcel) = self.net.line_mut(device).up.pop_front() {
                self.net.accept(parcel);
                // There is room again for what waits on the device.
                self.tick(device);
                return Ok(true);
            }
            if let Some(parcel) = self.net.line_mut(device).down.pop_front() {
                self.deliver(device, parcel)?;
                return Ok(true);
            }
        }
        for inbox in Inbox::ALL {
            if self.net.waiting(inbox) > 0 {
                self.serve(inbox)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is not as it must be in the end; `None` if all is.
    fn unconverged(&mut self) -> Result<Option<String>, StoryError> {
        for device in self.active() {
            let id = self.devices[device].root.device;
            let record = self.server.ask(async |store| store.device(id).await).map_err(anyhow::Error::from)?;
            let Some(record) = record else { return Ok(Some(format!("device {device} is not in the store"))) };
            let why =
                self.differs(device, &record).or_else(|| self.waits(device)).or_else(|| self.strays(device, &record));
            if let Some(why) = why {
                return Ok(Some(why));
            }
            let truth = self.server.ask(async |store| store.truth(id, &self.pack).await);
            let truth = truth.map_err(anyhow::Error::from)?;
            if record.held.is_none_or(|held| truth.judge((held.rev, held.digest)) != Verdict::InSync) {
                let rev = truth.rev.0;
                return Ok(Some(format!("the server does not know that device {device} holds revision {rev}")));
            }
        }
        let revoked: Vec<usize> = self.devices.iter().filter(|one| one.is_revoked).map(|one| one.index).collect();
        for device in revoked {
            let disk = self.devices[device].disk.clone();
            disk.look(|contents| contents.events.values().for_each(|event| self.ledger.gone(event)));
        }
        let missing = self.ledger.missing();
        Ok((!missing.is_empty()).then(|| format!("durable events are missing in the store: {missing:?}")))
    }

    fn differs(&self, device: usize, record: &Record) -> Option<String> {
        let one = &self.devices[device];
        let expected = self.town.expected(device);
        let ids = |rows: &[TemplateRow]| rows.iter().map(|row| row.id).collect::<BTreeSet<_>>();
        let held: BTreeMap<_, _> =
            one.disk.look(|contents| contents.persons.iter().map(|(person, (rows, _))| (*person, ids(rows))).collect());
        if held != expected {
            return Some(format!("device {device} holds {held:?}, but may hold {expected:?}"));
        }
        if one.searched != expected.keys().copied().collect() {
            return Some(format!("device {device} searches among others than it holds"));
        }
        let desired = record.desired();
        (record.config_version > 0 && *one.in_force() != desired)
            .then(|| format!("device {device} has {:?} in force, not {desired:?}", one.in_force()))
    }

    fn waits(&self, device: usize) -> Option<String> {
        let waiting = self.devices[device].waiting();
        (waiting > 0).then(|| format!("{waiting} events wait on device {device}"))
    }

    /// What the server believes of a device and is not so.
    fn strays(&self, device: usize, record: &Record) -> Option<String> {
        let presence = &record.presence;
        let reported = presence.reported.as_ref().map_or(0, |reported| reported.version);
        if reported != record.config_version {
            return Some(format!("device {device} reported settings {reported}, wanted are {}", record.config_version));
        }
        let is_online = presence.state == state_name(State::Online) && presence.session == self.devices[device].session;
        (!is_online)
            .then(|| format!("device {device} is {} in session {} for the server", presence.state, presence.session))
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Online => "online",
        State::Stopped => "stopped",
        State::Lost => "lost",
    }
}
