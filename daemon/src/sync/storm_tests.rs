//! The core in a storm: messages lost, doubled and out of order, connections cut, power cuts, full disks, cards set
//! back; checked after every step, and for convergence when the storm is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::{EventId, MsgId, StreamId};
use ostiary_common::topics::{Channel, CommandKind, DeviceRoot};
use ostiary_common::wire::{
    AckedBatch, Command, ConfigDesired, DeviceSettings, EventAck, EventBatch, GalleryAck, GalleryNotice,
    GalleryRequest, Revision,
};
use proptest::prelude::*;

use super::core_tests::{core, root, start};
use super::test_disk::{Contents, MemoryDisk};
use super::{Action, DeviceCore, Disk, Input, Now, Outgoing};
use crate::domain::gallery_model::ModelServer;

/// A hole asked for so often is accepted.
const PATIENCE: u32 = 3;

/// What the server knows of events.
#[derive(Default)]
struct EventStore {
    stored: BTreeSet<EventId>,
    streams: BTreeMap<StreamId, BTreeSet<u64>>,
    asked: BTreeMap<(StreamId, u64), u32>,
}

impl EventStore {
    fn upto(&self, stream: StreamId) -> u64 {
        let seen = self.streams.get(&stream);
        (1..).take_while(|seq| seen.is_some_and(|seen| seen.contains(seq))).last().unwrap_or(0)
    }

    fn take(&mut self, batch: EventBatch) -> EventAck {
        let (stream, name) = (batch.stream, AckedBatch::of(&batch.events));
        let ack = |upto_seq, resend_from| EventAck { stream, upto_seq, resend_from, rejected: Vec::new(), batch: name };
        let seen = self.streams.entry(stream).or_default();
        seen.extend(batch.events.iter().map(|event| event.seq));
        let last = seen.last().copied().unwrap_or(0);
        self.stored.extend(batch.events.iter().map(|event| event.id));
        let mut upto = self.upto(stream);
        while upto < last {
            let asked = self.asked.entry((stream, upto)).or_default();
            *asked += 1;
            if *asked <= PATIENCE {
                return ack(upto, Some(upto + 1));
            }
            self.streams.entry(stream).or_default().insert(upto + 1);
            upto = self.upto(stream);
        }
        ack(upto, None)
    }
}

/// A device, its server, and the link between them.
struct World {
    disk: MemoryDisk,
    core: DeviceCore<MemoryDisk>,
    now: Now,
    gallery: ModelServer,
    events: EventStore,
    config: u64,
    sessions: u64,
    acked_rev: u64,
    up: Vec<Outgoing>,
    down: Vec<(Channel, Vec<u8>)>,
    /// Events made durable that no card set back has forgotten.
    promised: BTreeSet<EventId>,
    image: Option<(Contents, BTreeSet<EventId>)>,
    performed: BTreeMap<MsgId, u32>,
    next_id: u128,
}

impl World {
    fn new() -> Self {
        let disk = MemoryDisk::new(StreamId(uuid::Uuid::from_u128(7)));
        let mut world = Self {
            core: core(&disk),
            disk,
            now: start(),
            gallery: ModelServer::default(),
            events: EventStore::default(),
            config: 0,
            sessions: 0,
            acked_rev: 0,
            up: Vec::new(),
            down: Vec::new(),
            promised: BTreeSet::new(),
            image: None,
            performed: BTreeMap::new(),
            next_id: 1000,
        };
        world.connect();
        world
    }

    fn id(&mut self) -> uuid::Uuid {
        self.next_id += 1;
        uuid::Uuid::from_u128(self.next_id)
    }

    fn handle(&mut self, input: Input<'_>) {
        self.now.random = self.now.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let actions = self.core.handle(input, &self.now);
        self.obey(actions);
    }

    fn obey(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Publish(message) => self.up.push(message),
                Action::Enforce(settings) => self.handle(Input::InForce(&settings)),
                _ => {}
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.wall = self.now.wall.plus(time);
        self.handle(Input::Tick);
    }

    fn cut(&mut self) {
        self.up.clear();
        self.down.clear();
        self.handle(Input::Disconnected);
    }

    fn connect(&mut self) {
        let (session, actions) = self.core.next_session(self.sessions, &self.now);
        self.obey(actions);
        assert!(session > self.sessions, "sessions rise");
        self.sessions = session;
        self.say(Channel::ConfigDesired, |world| desired(world.config));
        self.handle(Input::Connected { session });
    }

    /// The server says something.
    fn say<B: Body>(&mut self, channel: Channel, body: impl FnOnce(&Self) -> B) {
        let (msg_id, device, sent_at) = (MsgId(self.id()), root().device, self.now.wall);
        let body = body(self);
        let envelope = Envelope { v: WIRE_VERSION, msg_id, device, session: 0, seq: 1, sent_at, body };
        self.down.push((channel, envelope.encode().unwrap()));
    }

    /// The next message reaches the device.
    fn deliver_down(&mut self, at: usize) {
        if self.down.is_empty() {
            return;
        }
        let (channel, payload) = self.down.remove(at % self.down.len());
        self.now.random = self.now.random.wrapping_add(3);
        let topic = root().topic(&channel);
        let actions = self.core.handle(Input::Message { topic: topic.as_bytes(), payload: &payload }, &self.now);
        if let Channel::Command(_) = channel {
            let done = actions.iter().filter(|action| matches!(action, Action::Perform(_))).count();
            let id = Envelope::<Command>::decode(&payload).unwrap().body.id;
            *self.performed.entry(id).or_default() += u32::try_from(done).unwrap();
        }
        self.obey(actions);
    }

    /// The next message reaches the server.
    fn deliver_up(&mut self, at: usize) {
        if self.up.is_empty() {
            return;
        }
        let message = self.up.remove(at % self.up.len());
        let (_, channel) = DeviceRoot::parse(&message.topic).unwrap();
        match channel {
            Channel::Events => {
                let batch = Envelope::<EventBatch>::decode(&message.payload).unwrap().body;
                let ack = self.events.take(batch);
                self.say(Channel::EventsAck, |_| ack);
            }
            Channel::GalleryRequest => {
                let request = Envelope::<GalleryRequest>::decode(&message.payload).unwrap().body;
                for chunk in self.gallery.answer(&request, 2) {
                    self.say(Channel::GalleryChunk, |_| chunk);
                }
            }
            Channel::GalleryAck => {
                let ack = Envelope::<GalleryAck>::decode(&message.payload).unwrap().body;
                self.acked_rev = self.acked_rev.max(ack.rev.0);
            }
            _ => {}
        }
    }

    /// The program starts again over what is left on the disk.
    fn restart(&mut self, left: Contents, with_token: bool) {
        let writes = *self.disk.writes.borrow();
        self.disk = MemoryDisk::of(left);
        self.core = core(&self.disk);
        *self.disk.writes.borrow_mut() = writes;
        (self.up, self.down) = (Vec::new(), Vec::new());
        self.now.monotonic = Duration::ZERO;
        if with_token {
            self.token();
        }
        self.connect();
    }

    /// The server looks whether the device has forgotten something it knows of it.
    fn token(&mut self) {
        let standing = self.core.standing();
        let restored = standing.session < self.sessions
            || standing.last_seq < self.events.upto(standing.stream)
            || standing.gallery_rev.0 < self.acked_rev;
        self.handle(Input::Token { gallery_key: None, restored, root: root() });
    }

    fn step(&mut self, op: u8, arg: u8) {
        let at = usize::from(arg);
        match op {
            0..=3 => {
                let id = EventId(self.id());
                self.disk.append(id);
                self.promised.insert(id);
                self.handle(Input::Tick);
            }
            4 => self.gallery.set(u128::from(arg % 20), &[(u128::from(arg), u32::from(arg))]),
            5 => self.gallery.set(u128::from(arg % 20), &[]),
            6 => self.gallery.narrow(&[u128::from(arg % 20)]),
            7 => self.pass(Duration::from_millis(u64::from(arg) * 10)),
            8 => self.pass(Duration::from_secs(u64::from(arg))),
            9..=14 => self.deliver_up(0),
            15..=20 => self.deliver_down(0),
            21 => self.deliver_down(at),
            22 => self.deliver_up(at),
            23 if !self.up.is_empty() => drop(self.up.remove(at % self.up.len())),
            24 if !self.down.is_empty() => drop(self.down.remove(at % self.down.len())),
            25 if !self.down.is_empty() => self.down.push(self.down[at % self.down.len()].clone()),
            26 => {
                self.cut();
                self.connect();
            }
            27 => self.restart(self.disk.after_power_cut(), arg.is_multiple_of(2)),
            28 => self.image = Some((self.disk.after_power_cut(), self.promised.clone())),
            29 if arg.is_multiple_of(4) => self.set_back(arg.is_multiple_of(8)),
            30 => {
                let takes_writes = !arg.is_multiple_of(3);
                *self.disk.writes.borrow_mut() = takes_writes;
            }
            31 => {
                let id = MsgId(self.id());
                let command = Command::new(id, self.now.wall.plus(Duration::from_secs(60)));
                let kind = if arg.is_multiple_of(2) { CommandKind::Restart } else { CommandKind::Resync };
                self.say(Channel::Command(kind), |_| command);
            }
            32 => {
                self.config += 1;
                self.say(Channel::ConfigDesired, |world| desired(world.config));
            }
            _ => self.say(Channel::GalleryNotice, |world| GalleryNotice { rev: Revision(world.gallery.rev) }),
        }
    }

    /// An old image of the card is put back. What was durable since then is forgotten, but for what is stored.
    fn set_back(&mut self, with_token: bool) {
        let Some((contents, promised)) = self.image.clone() else { return };
        self.promised = self
            .promised
            .iter()
            .filter(|id| self.events.stored.contains(id) || promised.contains(id))
            .copied()
            .collect();
        self.performed.clear();
        self.restart(contents, with_token);
    }

    /// What must be true after every step.
    fn check(&self) {
        let contents = self.disk.contents.borrow();
        let held: BTreeSet<EventId> = contents.events.values().map(|event| event.id).collect();
        let lost = self.promised.iter().find(|id| !held.contains(id) && !self.events.stored.contains(id));
        assert_eq!(lost, None, "an event is neither on the device nor stored");
        assert_eq!(self.disk.holdings().digest(), self.core.holdings().digest(), "what is searched is what is kept");
        assert!(contents.persons.is_empty() || contents.head.digest == self.core.holdings().digest());
        assert!(self.performed.values().all(|times| *times <= 1), "a command was done twice");
    }

    /// The storm is over: in so many rounds everything must be as it should.
    fn settle(&mut self) {
        *self.disk.writes.borrow_mut() = true;
        self.cut();
        self.token();
        self.connect();
        for _ in 0..60 {
            while !self.up.is_empty() || !self.down.is_empty() {
                self.deliver_up(0);
                self.deliver_down(0);
                self.check();
            }
            self.pass(Duration::from_secs(60));
        }
    }
}

fn desired(version: u64) -> ConfigDesired {
    let settings = DeviceSettings { send_crops: Some(version.is_multiple_of(2)), ..DeviceSettings::default() };
    ConfigDesired { version, settings, pack: None }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn loses_nothing_and_converges(steps in proptest::collection::vec((0..34_u8, any::<u8>()), 0..250)) {
        let mut world = World::new();
        for (op, arg) in steps {
            world.step(op, arg);
            world.check();
        }
        world.settle();
        prop_assert!(world.promised.is_subset(&world.events.stored));
        prop_assert_eq!(world.disk.contents.borrow().events.len(), 0, "the outbox is empty");
        prop_assert_eq!(world.core.holdings().digest(), world.gallery.digest());
        prop_assert!(world.core.trust(&world.now).may_match());
        let kept = world.disk.desired().unwrap().map(|desired| desired.version);
        prop_assert_eq!(kept, Some(world.config));
    }
}
