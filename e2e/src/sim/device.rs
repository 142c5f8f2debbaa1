//! A device: the real conversation over a made-up disk and clock, which can die in the middle of what it does.

use std::collections::BTreeSet;
use std::time::Duration;

use ostiary_common::ids::{BootId, EventId, PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{CommandKind, DeviceRoot};
use ostiary_common::wire::monitor::{Health, Info};
use ostiary_common::wire::{DeviceReport, DeviceSettings, EventRecord, EventTime, ReportKind};
use ostiary_daemon::sync::{Action, CoreParts, DeviceCore, Disk as _, GalleryStep, Input, Now, Outgoing, TrustRules};

use super::dice::Dice;
use super::disk::SimDisk;
use super::ledger::Ledger;
use super::time::VirtualTime;

/// Least wait for an acknowledgement.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// A clock that differs by more from the server's is not believed.
const BELIEVED_WITHIN_MS: i64 = 5 * 60 * 1_000;

/// What a device did that others see.
#[derive(Default)]
pub struct Done {
    /// To be published.
    pub published: Vec<Outgoing>,
    /// What an administrator asked for and got.
    pub performed: Vec<CommandKind>,
    /// The device died before it had done everything.
    pub died: bool,
}

/// A device.
pub struct Device {
    /// Which of all.
    pub index: usize,
    /// Its place among the topics.
    pub root: DeviceRoot,
    /// Its disk, whether it runs or not.
    pub disk: SimDisk,
    /// Its program; `None` while it does not run.
    pub core: Option<DeviceCore<SimDisk>>,
    /// Shut out for good.
    pub is_revoked: bool,
    /// Asks for a token before it connects again.
    pub wants_token: bool,
    /// Whether it got a token since it started.
    pub has_asked: bool,
    /// The session the server knew of at the last token.
    pub floor: u64,
    /// The last session it connected with.
    pub session: u64,
    /// The last one it wrote down.
    pub session_kept: u64,
    /// Persons searched among.
    pub searched: BTreeSet<PersonId>,
    in_force: DeviceSettings,
    pack: PackId,
    time: VirtualTime,
    boot: BootId,
    booted_at: Duration,
    /// How wrong the board's clock is.
    wall_off_ms: i64,
    is_synced: bool,
    /// Actions until it dies.
    dies_after: Option<u32>,
}

impl Device {
    /// A device that does not run yet.
    pub fn new(index: usize, root: DeviceRoot, disk: SimDisk, pack: PackId, time: VirtualTime) -> Self {
        let boot = BootId(uuid::Uuid::nil());
        Self {
            index,
            root,
            disk,
            core: None,
            is_revoked: false,
            wants_token: true,
            has_asked: false,
            floor: 0,
            session: 0,
            session_kept: 0,
            searched: BTreeSet::new(),
            in_force: DeviceSettings::default(),
            pack,
            time,
            boot,
            booted_at: Duration::ZERO,
            wall_off_ms: 0,
            is_synced: true,
            dies_after: None,
        }
    }

    /// The program starts over what is on the disk.
    pub fn start(&mut self, dice: &mut Dice) {
        let gallery = self.disk.gallery();
        self.searched = gallery.holdings.ids().collect();
        self.in_force =
            self.disk.look(|contents| contents.desired.clone()).map(|desired| desired.settings).unwrap_or_default();
        self.has_asked = false;
        (self.boot, self.booted_at) = (BootId(dice.uuid()), self.time.since_begin());
        let parts = CoreParts {
            root: self.root,
            pack: self.pack.clone(),
            info: Info { version: "1".into(), ..Info::default() },
            gallery,
            in_force: self.in_force.clone(),
            ack_timeout: ACK_TIMEOUT,
            trust: TrustRules::default(),
            // Whether a signature is right is no question of what gets lost.
            signer: None,
            introduction: None,
        };
        self.core = Some(DeviceCore::new(parts, self.disk.clone()).expect("the simulation's disk can be read"));
    }

    /// The program ends without a word.
    pub fn die(&mut self, keep: bool) -> bool {
        self.core = None;
        self.dies_after = None;
        self.disk.power_cut(keep)
    }

    /// It dies after so many more actions.
    pub const fn arm(&mut self, actions: u32) {
        self.dies_after = Some(actions);
    }

    /// It does not die by itself any more, and its disk and clock are in order.
    pub fn heal(&mut self) {
        self.dies_after = None;
        self.disk.mend();
        (self.wall_off_ms, self.is_synced) = (0, true);
    }

    /// The board's clock is wrong by this from now on, and believed or not.
    pub const fn set_clock(&mut self, off_ms: i64, is_synced: bool) {
        (self.wall_off_ms, self.is_synced) = (off_ms, is_synced);
    }

    /// The present moment as the device knows it.
    pub fn now(&self, queued: usize, dice: &mut Dice) -> Now {
        let floor = self.disk.floor();
        Now {
            monotonic: self.time.since_begin().saturating_sub(self.booted_at),
            wall: self.wall().max(floor),
            synced: self.is_synced,
            floor,
            random: dice.seed(),
            queued,
        }
    }

    fn wall(&self) -> UnixMillis {
        UnixMillis(self.time.truth().0 + self.wall_off_ms)
    }

    /// Whether it is time for its next tick.
    pub fn is_due(&self) -> bool {
        self.core.as_ref().is_some_and(|core| core.wake_at() <= self.time.since_begin().saturating_sub(self.booted_at))
    }

    /// How long until its next tick; `None` if it waits for nothing.
    pub fn due_in(&self) -> Option<Duration> {
        let at = self.core.as_ref()?.wake_at();
        (at < Duration::MAX).then(|| (self.booted_at + at).saturating_sub(self.time.since_begin()))
    }

    /// Something happens.
    pub fn handle(&mut self, input: Input<'_>, queued: usize, dice: &mut Dice, ledger: &mut Ledger) -> Done {
        let now = self.now(queued, dice);
        let Some(core) = &mut self.core else { return Done::default() };
        let actions = core.handle(input, &now);
        let mut done = Done::default();
        self.obey(actions, &now, dice, ledger, &mut done);
        done
    }

    /// The number of the session to connect with.
    pub fn next_session(&mut self, floor: u64, dice: &mut Dice, ledger: &mut Ledger) -> (u64, Done) {
        let now = self.now(0, dice);
        let mut done = Done::default();
        let Some(core) = &mut self.core else { return (0, done) };
        let (session, actions) = core.next_session(floor, &now);
        self.obey(actions, &now, dice, ledger, &mut done);
        (session, done)
    }

    fn obey(&mut self, actions: Vec<Action>, now: &Now, dice: &mut Dice, ledger: &mut Ledger, done: &mut Done) {
        for action in actions {
            if done.died || self.is_over() {
                done.died = true;
                return;
            }
            let more = self.act(action, now, dice, ledger, done);
            self.obey(more, now, dice, ledger, done);
        }
        done.died |= self.disk.is_off();
    }

    /// Whether this is where it dies.
    const fn is_over(&mut self) -> bool {
        match self.dies_after {
            Some(0) => true,
            Some(left) => {
                self.dies_after = Some(left - 1);
                false
            }
            None => false,
        }
    }

    fn act(&mut self, action: Action, now: &Now, dice: &mut Dice, ledger: &mut Ledger, done: &mut Done) -> Vec<Action> {
        match action {
            Action::Publish(outgoing) => done.published.push(outgoing),
            Action::Health { expiry } => {
                done.published.extend(self.core.as_ref().map(|core| core.health(&Health::default(), expiry)));
            }
            Action::Search(step) => self.search(&step),
            Action::Enforce(settings) => {
                self.in_force = settings;
                let in_force = self.in_force.clone();
                return self.core.as_mut().map_or_else(Vec::new, |core| core.handle(Input::InForce(&in_force), now));
            }
            Action::Report(kind, text) => self.report(kind, &text, dice, ledger),
            Action::HeardTime(server) => self.is_synced = (self.wall().0 - server.0).abs() <= BELIEVED_WITHIN_MS,
            Action::Perform(kind) => done.performed.push(kind),
            Action::NewToken => self.wants_token = true,
            Action::Pack(_)
            | Action::Filled(_)
            | Action::Proven(_)
            | Action::Refused(_)
            | Action::Stored(_)
            | Action::Attend(..)
            | Action::Guide(_)
            | Action::StopGuiding(_) => {}
        }
        Vec::new()
    }

    fn search(&mut self, step: &GalleryStep) {
        for change in &step.changes {
            if change.templates.is_empty() {
                self.searched.remove(&change.person);
            } else {
                self.searched.insert(change.person);
            }
        }
    }

    /// Makes an event durable, as the recorder does.
    pub fn report(&mut self, kind: ReportKind, text: &str, dice: &mut Dice, ledger: &mut Ledger) {
        let number = ledger.made(self.index);
        let monotonic_ms = (self.time.since_begin() - self.booted_at).as_millis() as u64;
        let time = EventTime { wall: self.wall(), clock_synced: self.is_synced, monotonic_ms, boot: self.boot };
        let report = Some(DeviceReport { kind, detail: Ledger::words(number, text) });
        let event = EventRecord { id: EventId(dice.uuid()), seq: 0, time, visit: None, report };
        if self.disk.append(&event).is_ok() {
            ledger.durable(number);
        }
    }

    /// The settings in force.
    pub const fn in_force(&self) -> &DeviceSettings {
        &self.in_force
    }

    /// Events that wait.
    pub fn waiting(&self) -> u64 {
        self.disk.last_seq() + 1 - self.disk.first_seq()
    }
}
