//! The broker and the lines to it. It keeps what is retained, and may lose, double, swap or hold back the rest.

use std::collections::{BTreeMap, VecDeque};

use ostiary_common::topics::{Channel, DeviceRoot};

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Tells it from every other.
    pub number: u64,
    /// Where it goes.
    pub topic: String,
    /// What it says.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub retain: bool,
}

impl Parcel {
    /// What it is about.
    pub fn channel(&self) -> Option<Channel> {
        DeviceRoot::parse(&self.topic).map(|(_, channel)| channel)
    }
}

/// One device's connection.
#[derive(Default)]
pub struct Line {
    /// From the device, oldest first.
    pub up: VecDeque<Parcel>,
    /// To the device, oldest first.
    pub down: VecDeque<Parcel>,
    /// What is said if it breaks; there while it stands.
    will: Option<Parcel>,
}

impl Line {
    /// Whether the device is connected.
    pub const fn is_up(&self) -> bool {
        self.will.is_some()
    }
}

/// What the server reads one by one: each kind has a queue of its own there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbox {
    /// Event batches.
    Events,
    /// Gallery requests.
    Gallery,
    /// The rest.
    State,
}

impl Inbox {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Events, Self::Gallery, Self::State];

    fn of(parcel: &Parcel) -> Self {
        match parcel.channel() {
            Some(Channel::Events) => Self::Events,
            Some(Channel::GalleryRequest) => Self::Gallery,
            _ => Self::State,
        }
    }
}

/// The broker.
pub struct Net {
    next: u64,
    roots: Vec<DeviceRoot>,
    lines: Vec<Line>,
    retained: BTreeMap<String, Vec<u8>>,
    inbox: [VecDeque<Parcel>; 3],
    /// Handed to the server and not acknowledged by it.
    pending: Vec<Parcel>,
    /// The words of the dead, not said yet.
    wills: VecDeque<Parcel>,
    is_linked: bool,
}

impl Net {
    /// A broker for these devices, with nobody connected.
    pub fn new(roots: Vec<DeviceRoot>) -> Self {
        let lines = roots.iter().map(|_| Line::default()).collect();
        let (retained, inbox, pending, wills) = Default::default();
        Self { next: 0, roots, lines, retained, inbox, pending, wills, is_linked: false }
    }

    /// A device's connection.
    pub fn line(&self, device: usize) -> &Line {
        &self.lines[device]
    }

    /// A device's connection.
    pub fn line_mut(&mut self, device: usize) -> &mut Line {
        &mut self.lines[device]
    }

    /// Devices for which this holds.
    pub fn devices(&self, wanted: impl Fn(&Line) -> bool) -> Vec<usize> {
        (0..self.lines.len()).filter(|device| wanted(&self.lines[*device])).collect()
    }

    /// Gives a message its number.
    pub fn parcel(&mut self, topic: String, payload: Vec<u8>, retain: bool) -> Parcel {
        self.next += 1;
        Parcel { number: self.next, topic, payload, retain }
    }

    /// The number the next message gets.
    pub const fn next_number(&self) -> u64 {
        self.next + 1
    }

    /// A device connects and subscribes; it is given what is kept for it.
    pub fn connect(&mut self, device: usize, will: Parcel) {
        let root = self.roots[device];
        let kept = root.topic(&Channel::ConfigDesired);
        let desired = self.retained.get(&kept).cloned();
        let parcel = desired.map(|payload| self.parcel(kept, payload, true));
        let line = &mut self.lines[device];
        *line = Line { will: Some(will), ..Line::default() };
        line.down.extend(parcel);
    }

    /// A device's connection ends: of what it sent the first `arrived` still come, and the will is said some time.
    pub fn cut(&mut self, device: usize, arrived: usize, says_will: bool) {
        let line = std::mem::take(&mut self.lines[device]);
        line.up.into_iter().take(arrived).for_each(|parcel| self.accept(parcel));
        if says_will {
            self.wills.extend(line.will);
        }
    }

    /// Says a will that is due; returns whether there was one.
    pub fn say_will(&mut self) -> bool {
        let will = self.wills.pop_front();
        let is_said = will.is_some();
        will.into_iter().for_each(|parcel| self.accept(parcel));
        is_said
    }

    /// A message has come to the broker.
    pub fn accept(&mut self, parcel: Parcel) {
        if parcel.retain {
            self.retained.insert(parcel.topic.clone(), parcel.payload.clone());
        }
        if let Some(device) = self.addressee(&parcel) {
            if self.lines[device].is_up() {
                self.lines[device].down.push_back(parcel);
            }
        } else if self.is_linked {
            self.inbox[Inbox::of(&parcel) as usize].push_back(parcel);
        }
    }

    /// Which device a message is for; `None` if it is for the server.
    fn addressee(&self, parcel: &Parcel) -> Option<usize> {
        let (root, channel) = DeviceRoot::parse(&parcel.topic)?;
        let is_for_device = root.subscribed_by_device().contains(&root.topic(&channel));
        if is_for_device { self.roots.iter().position(|known| *known == root) } else { None }
    }

    /// The server connects and subscribes; it is given what devices had kept.
    pub fn link(&mut self) {
        self.is_linked = true;
        let kept: Vec<(String, Vec<u8>)> = self.retained.clone().into_iter().collect();
        for (topic, payload) in kept {
            let parcel = self.parcel(topic, payload, false);
            if self.addressee(&parcel).is_none() {
                self.inbox[Inbox::of(&parcel) as usize].push_back(parcel);
            }
        }
    }

    /// The server's connection ends: what was not dealt with is lost, as its session ends with it.
    pub fn unlink(&mut self) {
        self.is_linked = false;
        self.inbox.iter_mut().for_each(VecDeque::clear);
        self.pending.clear();
    }

    /// Whether the server is connected.
    pub const fn is_linked(&self) -> bool {
        self.is_linked
    }

    /// The broker dies: connections, queues and what it kept are gone. Nobody's will is said.
    pub fn restart(&mut self) {
        self.lines.iter_mut().for_each(|line| *line = Line::default());
        self.retained.clear();
        self.wills.clear();
        self.unlink();
    }

    /// How many messages wait for the server.
    pub fn waiting(&self, inbox: Inbox) -> usize {
        self.inbox[inbox as usize].len()
    }

    /// The queue of messages that wait for the server.
    pub fn queue_mut(&mut self, inbox: Inbox) -> &mut VecDeque<Parcel> {
        &mut self.inbox[inbox as usize]
    }

    /// Hands the server the oldest messages of a queue.
    pub fn hand_over(&mut self, inbox: Inbox, most: usize) -> Vec<Parcel> {
        let queue = &mut self.inbox[inbox as usize];
        let handed: Vec<Parcel> = queue.drain(..most.min(queue.len())).collect();
        self.pending.extend(handed.iter().cloned());
        handed
    }

    /// The server has dealt with these.
    pub fn settle(&mut self, numbers: &[u64]) {
        self.pending.retain(|parcel| !numbers.contains(&parcel.number));
    }

    /// What the server was handed and has not dealt with comes again.
    pub fn bring_again(&mut self) {
        for parcel in std::mem::take(&mut self.pending) {
            self.inbox[Inbox::of(&parcel) as usize].push_back(parcel);
        }
    }

    /// Whether anything is on its way.
    pub fn is_quiet(&self) -> bool {
        let lines = self.lines.iter().all(|line| line.up.is_empty() && line.down.is_empty());
        lines && self.inbox.iter().all(VecDeque::is_empty) && self.pending.is_empty() && self.wills.is_empty()
    }
}
