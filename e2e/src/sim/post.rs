//! Messages on their way: handed on, taken in, answered.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::Envelope;
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{Command, GalleryAck};
use ostiary_daemon::sync::Input;
use ostiary_server::domain::gallery::Verdict;
use ostiary_server::ports::{Clock, GalleryKeyStore, GalleryStore};

use super::broken::Broken;
use super::device::Done;
use super::net::{Inbox, Parcel};
use super::outlet::Letter;
use super::people::taken;
use super::server::Outcome;
use super::violation::{Rule, Violation};
use super::world::{StoryError, World};

/// Messages that arrived, kept to come once more.
const KEPT: usize = 40;
/// Messages handed to the server at once, at most.
const GROUP: u64 = 6;

impl World {
    /// A device's message comes to the broker.
    pub(super) fn arrive(&mut self, parcel: Parcel) {
        self.remember(&parcel);
        if self.telling.broken == Some(Broken::DeleteOnPuback) && parcel.channel() == Some(Channel::Events) {
            self.ack_early(&parcel);
        }
        if self.swallows(&parcel) {
            return;
        }
        self.net.accept(parcel);
    }

    fn remember(&mut self, parcel: &Parcel) {
        if self.old.len() >= KEPT {
            let gone = self.dice.below(KEPT);
            self.old.swap_remove(gone);
        }
        self.old.push(parcel.clone());
    }

    fn ack_early(&mut self, parcel: &Parcel) {
        let root = DeviceRoot::parse(&parcel.topic).map(|(root, _)| root);
        if let (Some(root), Some(payload)) = (root, Broken::early_ack(&parcel.payload)) {
            let ack = self.net.parcel(root.topic(&Channel::EventsAck), payload, false);
            self.net.accept(ack);
        }
    }

    /// The server takes what waits for it.
    pub(super) fn serve(&mut self, inbox: Inbox) -> Result<(), StoryError> {
        let most = usize::try_from(self.dice.between(1, GROUP)).unwrap_or(1);
        let mut parcels = self.net.hand_over(inbox, most);
        parcels.iter_mut().for_each(|parcel| self.bend(parcel));
        self.tell(|| format!("server takes {} of {inbox:?}: {}", parcels.len(), topics(&parcels)));
        let held: Vec<Parcel> =
            parcels.iter().filter(|parcel| parcel.channel() == Some(Channel::GalleryAck)).cloned().collect();
        if inbox == Inbox::Gallery && !parcels.is_empty() {
            // Each answer looks at the clock first.
            let now = self.time.now();
            self.town.settled(now);
        }
        let outcome = self.server.take(inbox, parcels);
        let settled = outcome.settled.clone();
        self.after(outcome)?;
        self.read_store()?;
        self.heard_held(&held, &settled);
        Ok(())
    }

    /// Changes what a server with a broken rule would not see.
    fn bend(&mut self, parcel: &mut Parcel) {
        let channel = parcel.channel();
        let bent = match (self.telling.broken, channel) {
            (Some(Broken::AckBeforeCommit), Some(Channel::Events)) => {
                self.ack_early(parcel);
                None
            }
            (Some(Broken::NoDedupe), Some(Channel::Events)) => Broken::renamed(&parcel.payload, &mut self.dice),
            (Some(Broken::NoDigest | Broken::NoTombstone), Some(Channel::GalleryAck | Channel::GalleryRequest)) => {
                let truth = DeviceRoot::parse(&parcel.topic).and_then(|(root, _)| {
                    let pack = self.pack.clone();
                    self.server.ask(async |store| store.truth(root.device, &pack).await).ok()
                });
                truth.and_then(|truth| Broken::flattering(&parcel.payload, truth.digest))
            }
            _ => None,
        };
        if let Some(payload) = bent {
            parcel.payload = payload;
        }
    }

    /// Devices' words on what they hold, once the server has taken them.
    fn heard_held(&mut self, parcels: &[Parcel], settled: &[u64]) {
        for parcel in parcels.iter().filter(|parcel| settled.contains(&parcel.number)) {
            let Ok(envelope) = Envelope::<GalleryAck>::decode(&parcel.payload) else { continue };
            let Some(index) = self.devices.iter().position(|device| device.root.device == envelope.device) else {
                continue;
            };
            let GalleryAck { rev, digest, .. } = envelope.body;
            let pack = self.pack.clone();
            let truth = self.server.ask(async |store| store.truth(envelope.device, &pack).await);
            let is_believed = truth.is_ok_and(|truth| truth.judge((rev, digest)) == Verdict::InSync);
            let expected = self.town.expected(index).into_values().flatten().map(|template| (template, 1));
            let is_right = GalleryDigest::of(expected) == digest && envelope.session == self.devices[index].session;
            if is_believed && is_right {
                self.town.acked(index, parcel.number);
            }
        }
    }

    /// What a call of the server led to.
    pub(super) fn after(&mut self, outcome: Outcome) -> Result<(), StoryError> {
        self.net.settle(&outcome.settled);
        for letter in outcome.sent {
            self.look_at(&letter)?;
            let parcel = self.net.parcel(letter.topic, letter.payload, letter.keep);
            self.net.accept(parcel);
        }
        if !self.server.is_up() {
            self.tell(|| "server dies half-way".to_owned());
            self.net.unlink();
            self.news.clear();
        }
        Ok(())
    }

    /// Whether the server may say this.
    fn look_at(&mut self, letter: &Letter) -> Result<(), StoryError> {
        let Some((root, channel)) = DeviceRoot::parse(&letter.topic) else { return Ok(()) };
        let Some(index) = self.devices.iter().position(|device| device.root == root) else { return Ok(()) };
        let device = &self.devices[index];
        self.tell(|| format!("server says {channel:?} to device {}", device.index));
        if device.is_revoked {
            let text = format!("{channel:?} is sent to device {}, which is shut out", device.index);
            return Err(Violation::new(Rule::HeldWrongly, text).into());
        }
        if channel == Channel::GalleryChunk {
            self.learn_key(index)?;
            let Some(envelope) = self.keys[index].open(&letter.payload) else {
                let text = format!("device {index} is sent a chunk sealed with a key that is not its own");
                return Err(Violation::new(Rule::Conversation, text).into());
            };
            for change in &envelope.body.persons {
                self.town.may_be_sent(index, change)?;
            }
        }
        Ok(())
    }

    /// The key a device has now: replaced when it is moved, and not known to it before its next token.
    fn learn_key(&mut self, device: usize) -> Result<(), StoryError> {
        let id = self.devices[device].root.device;
        if let Some(Some(key)) = taken(self.server.ask(async |store| store.gallery_key(id).await))? {
            self.keys[device].learn(key);
        }
        Ok(())
    }

    /// A message comes to a device.
    pub(super) fn deliver(&mut self, device: usize, mut parcel: Parcel) -> Result<(), StoryError> {
        self.remember(&parcel);
        self.damage(device, &mut parcel);
        self.bend_down(device, &mut parcel);
        self.tell(|| format!("device {device} hears {:?}", parcel.channel()));
        let (topic, payload) = (parcel.topic.clone(), parcel.payload.clone());
        let believed = self.devices[device].now(0, &mut self.dice).believed();
        let done = self.input(device, Input::Message { topic: topic.as_bytes(), payload: &payload });
        self.count_commands(device, &parcel, &done, believed)?;
        self.follow(device, done);
        Ok(())
    }

    fn bend_down(&mut self, device: usize, parcel: &mut Parcel) {
        if self.telling.broken == Some(Broken::NoDedupe) && parcel.channel() == Some(Channel::EventsAck) {
            parcel.payload = Broken::nameless(&parcel.payload).unwrap_or_default();
        }
        let Some(broken @ (Broken::NoTombstone | Broken::NoDigest)) = self.telling.broken else { return };
        let Some(core) = self.devices[device].core.as_ref().filter(|_| parcel.channel() == Some(Channel::GalleryChunk))
        else {
            return;
        };
        let believed = &mut self.believed[device];
        let bent = self.keys[device].reworked(&parcel.payload, |chunk| {
            if broken == Broken::NoTombstone {
                Broken::forget(chunk);
            }
            Broken::agree(chunk, core.holdings(), believed);
            true
        });
        if let Some(payload) = bent {
            parcel.payload = payload;
        }
    }

    /// Something happens to a device.
    pub(super) fn input(&mut self, device: usize, input: Input<'_>) -> Done {
        let queued = self.net.line(device).up.len();
        self.devices[device].handle(input, queued, &mut self.dice, &mut self.ledger)
    }

    /// What a device did is seen by others.
    pub(super) fn follow(&mut self, device: usize, done: Done) {
        let is_up = self.net.line(device).is_up();
        for outgoing in done.published.into_iter().filter(|_| is_up) {
            let parcel = self.net.parcel(outgoing.topic, outgoing.payload, outgoing.retain);
            self.tell(|| format!("device {device} says {:?}", parcel.channel()));
            self.net.line_mut(device).up.push_back(parcel);
        }
        if done.died {
            self.device_dies(device);
        }
    }

    /// A command is done at most once, and not once it is too late as the device can know.
    fn count_commands(
        &mut self,
        device: usize,
        parcel: &Parcel,
        done: &Done,
        believed: Option<UnixMillis>,
    ) -> Result<(), StoryError> {
        let Some(Channel::Command(kind)) = parcel.channel() else { return Ok(()) };
        let Ok(envelope) = Envelope::<Command>::decode(&parcel.payload) else { return Ok(()) };
        let times = done.performed.iter().filter(|performed| **performed == kind).count();
        let Some(given) = self.commands.get_mut(&envelope.body.id) else { return Ok(()) };
        given.done += u32::try_from(times).unwrap_or(u32::MAX);
        let wrong = if given.done > 1 {
            "done twice"
        } else if times > 0 && believed.is_some_and(|now| now > given.not_after) {
            "done too late"
        } else {
            return Ok(());
        };
        let text = format!("command {} was {wrong} by device {device} ", kind.as_str());
        Err(Violation::new(Rule::Conversation, text).into())
    }
}

fn topics(parcels: &[Parcel]) -> String {
    let names = parcels.iter().map(|parcel| parcel.topic.rsplitn(3, '/').take(2).collect::<Vec<_>>().join("<"));
    names.collect::<Vec<_>>().join(" ")
}
