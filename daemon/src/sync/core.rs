//! The device's side: state, and what each thing that happens leads to.

use std::time::Duration;

use ostiary_common::identity::{GalleryKey, Standing};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{State, Status};
use ostiary_common::wire::{DeviceSettings, ReportKind};

use super::beside::Beside;
use super::seal::{self, Opener};
use super::{Action, CoreParts, Disk, DiskError, Holdings, Input, Now, Outgoing, Proven, Signer, Trust};
use crate::domain::commands::Commands;
use crate::domain::enrolling::Enrolling;
use crate::domain::gallery_sync::{GallerySync, SyncInput};
use crate::domain::now::Dice;
use crate::domain::outbox::{OutboxFlow, OutboxLimits};
use crate::domain::server_time::ServerTime;
use crate::domain::trust;

/// Limits of the outbox's flow; the wait for acknowledgements comes from the configuration.
const LIMITS: OutboxLimits = OutboxLimits {
    batch_events: ostiary_common::wire::MAX_EVENTS_PER_BATCH as u64,
    window_events: 4 * ostiary_common::wire::MAX_EVENTS_PER_BATCH as u64,
    window_bytes: 1024 * 1024,
    linger: Duration::from_millis(100),
    ack_timeout: Duration::from_secs(10),
};

/// The device's side of the conversation over a disk.
pub struct DeviceCore<D> {
    pub(super) parts: CoreParts,
    pub(super) disk: D,
    pub(super) outbox: OutboxFlow,
    pub(super) gallery: GallerySync,
    /// The gallery of another pack, if one is held.
    pub(super) beside: Option<Beside>,
    /// What is held was not said yet, since the gallery beside is behind.
    pub(super) ack_owed: bool,
    pub(super) opener: Opener,
    pub(super) commands: Commands,
    pub(super) enrolling: Enrolling,
    /// The version of settings looked at last.
    pub(super) config_version: Option<u64>,
    /// A report of settings is owed, with this error.
    pub(super) report_owed: Option<Option<String>>,
    pub(super) server_time: ServerTime,
    /// The time floor written last.
    pub(super) floor_kept: UnixMillis,
    pub(super) session: u64,
    /// The last session that was written down.
    pub(super) session_kept: u64,
    /// Messages sent in the session.
    pub(super) seq: u64,
    pub(super) connected: bool,
    /// Since when the connection stands, by the board's clock.
    pub(super) online_since: UnixMillis,
    /// When the status is said again.
    pub(super) next_status: Duration,
    /// When health is due.
    pub(super) next_health: Duration,
    /// When events are due, if not at once.
    pub(super) next_events: Option<Duration>,
    /// What was last reported of the gallery's trust.
    pub(super) trust_told: Option<Trust>,
    /// A gallery key that is not known here, and when it was asked for.
    pub(super) key_asked: Option<ostiary_common::ids::GalleryKeyId>,
    /// The card was set back, and that was seen to.
    pub(super) was_set_back: bool,
    /// When the device introduces itself next.
    pub(super) next_introduction: Option<Duration>,
    /// A session above its own that the server has heard of; the next one is higher.
    pub(super) session_heard: u64,
    /// The disk refuses writes, and that was told.
    pub(super) disk_told: bool,
}

/// What is done about one input.
pub(super) struct Turn<'n> {
    pub now: &'n Now,
    pub dice: Dice,
    pub actions: Vec<Action>,
}

impl<D: Disk> DeviceCore<D> {
    /// Begins with what the disk holds.
    ///
    /// # Errors
    /// [`DiskError`] if it cannot be read.
    pub fn new(parts: CoreParts, disk: D) -> Result<Self, DiskError> {
        let limits = OutboxLimits { ack_timeout: parts.ack_timeout, ..LIMITS };
        let outbox = OutboxFlow::new(disk.stream(), disk.first_seq(), disk.last_seq(), limits);
        let gallery = GallerySync::new(parts.pack.clone(), parts.gallery.clone());
        Ok(Self {
            outbox,
            gallery,
            beside: None,
            ack_owed: false,
            opener: Opener::new(disk.chunk_key()?),
            commands: Commands::new(disk.commands()?),
            enrolling: Enrolling::new(disk.enrollment()?),
            config_version: disk.desired()?.map(|desired| desired.version),
            report_owed: None,
            server_time: ServerTime::default(),
            floor_kept: UnixMillis(0),
            session: disk.session()?,
            session_kept: disk.session()?,
            seq: 0,
            connected: false,
            online_since: UnixMillis(0),
            next_status: Duration::ZERO,
            next_health: Duration::ZERO,
            next_events: None,
            trust_told: None,
            key_asked: None,
            was_set_back: false,
            next_introduction: None,
            session_heard: 0,
            disk_told: false,
            parts,
            disk,
        })
    }

    /// Takes what happened at `now`, and does what is due by then.
    pub fn handle(&mut self, input: Input<'_>, now: &Now) -> Vec<Action> {
        let mut turn = Turn { now, dice: Dice::new(now.random), actions: Vec::new() };
        match input {
            Input::Connected { session } => self.connect(session, &mut turn),
            Input::Disconnected => self.disconnect(&mut turn),
            Input::Message { topic, payload } => self.hear(topic, payload, &mut turn),
            Input::Tick => {}
            Input::Token { gallery_key, restored, root } => self.token(gallery_key, restored, root, &mut turn),
            Input::Beside(held) => self.set_beside(held, &mut turn),
            Input::Tell(other) => {
                self.parts.info.other_pack = other.cloned();
                self.say_info(&mut turn);
            }
            Input::Guided(word) => self.guided(word.clone(), &mut turn),
            Input::InForce(settings) => self.in_force(settings, &mut turn),
            Input::Answer(kind, result) => self.say(&Channel::CommandResult(kind), result.clone(), &mut turn),
            Input::Stopping => {
                self.say_status(State::Stopped, &mut turn);
                return turn.actions;
            }
        }
        self.due(&mut turn);
        turn.actions
    }

    /// What is held is signed by `signer` from now on.
    pub fn signs_with(&mut self, signer: Box<dyn Signer>) {
        self.parts.signer = Some(signer);
    }

    /// When [`Input::Tick`] is wanted next, by the monotonic clock; [`Duration::MAX`] if only on an occasion.
    #[must_use]
    pub fn wake_at(&self) -> Duration {
        let health = self.connected.then_some(self.next_health);
        let beside = self.beside.as_ref().and_then(|beside| beside.sync.wake_at());
        [self.gallery.wake_at(), beside, self.next_events, health, self.next_introduction, self.enrolling.wake_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Duration::MAX)
    }

    /// The number of the next session: higher than any written down before, than `floor` and than what the server named. If the disk refuses it, it
    /// is used all the same, for a device that does not connect can never empty its disk; but then the next session has
    /// it as well. Numbers that a restart forgets must not run ahead: the server would wait for them to be passed.
    pub fn next_session(&mut self, floor: u64, now: &Now) -> (u64, Vec<Action>) {
        let mut turn = Turn { now, dice: Dice::new(now.random), actions: Vec::new() };
        self.session = self.session_kept.max(floor).max(self.session_heard).saturating_add(1);
        let kept = self.disk.keep_session(self.session);
        if self.wrote(kept, &mut turn) {
            self.session_kept = self.session;
        }
        (self.session, turn.actions)
    }

    /// What the broker is to say if the connection of `session` breaks.
    #[must_use]
    pub fn will(&self, session: u64, now: &Now) -> Outgoing {
        let status = self.status(State::Lost, session, now);
        let payload = ostiary_common::wire::monitor::to_json(&status);
        let topic = self.parts.root.topic(&Channel::Status);
        Outgoing { topic, payload, retain: true, reliable: true, expiry: None }
    }

    /// The topics to subscribe to after every connect.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<String> {
        self.parts.root.subscribed_by_device()
    }

    /// Where the device stands by its own memory, for the server to see whether that is an old one.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let (stream, last_seq) = (self.disk.stream(), self.disk.last_seq());
        Standing { session: self.session, stream, last_seq, gallery_rev: self.gallery.rev() }
    }

    /// Where the device belongs.
    #[must_use]
    pub const fn root(&self) -> DeviceRoot {
        self.parts.root
    }

    /// What is held.
    #[must_use]
    pub const fn holdings(&self) -> &Holdings {
        self.gallery.holdings()
    }

    /// When what is held was last proven.
    #[must_use]
    pub const fn proven(&self) -> Proven {
        self.gallery.proven()
    }

    /// Whether anybody may be matched against what is held.
    #[must_use]
    pub fn trust(&self, now: &Now) -> Trust {
        trust::trust(self.gallery.proven(), now, &self.parts.trust)
    }

    /// Events the server has not stored yet.
    pub fn waiting(&mut self, now: &Now) -> u64 {
        self.outbox.appended(self.disk.last_seq(), now.monotonic);
        self.outbox.waiting()
    }

    /// The disk.
    pub const fn disk(&self) -> &D {
        &self.disk
    }

    /// The disk, for whoever appends events.
    pub const fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    pub(super) fn status(&self, state: State, session: u64, now: &Now) -> Status {
        Status { state, session, since: now.wall, version: self.parts.info.version.clone() }
    }

    fn connect(&mut self, session: u64, turn: &mut Turn<'_>) {
        (self.session, self.seq, self.connected) = (self.session.max(session), 0, true);
        self.online_since = turn.now.wall;
        self.say_online(turn);
        self.say_info(turn);
        self.report_owed = Some(None);
        self.report_config(turn);
        self.outbox.connected();
        self.enrolling.connected(turn.now.monotonic);
        self.next_health = turn.now.monotonic;
        self.next_introduction = self.parts.introduction.is_some().then_some(turn.now.monotonic);
        self.sync_gallery(SyncInput::Connected, turn);
        self.sync_beside(SyncInput::Connected, turn);
    }

    /// Says what the device is.
    fn say_info(&mut self, turn: &mut Turn<'_>) {
        let info = self.parts.info.clone();
        self.say_json(&Channel::Info, &info, turn);
    }

    fn disconnect(&mut self, turn: &mut Turn<'_>) {
        self.connected = false;
        self.next_introduction = None;
        self.outbox.disconnected();
        self.enrolling.disconnected();
        self.sync_gallery(SyncInput::Disconnected, turn);
        self.sync_beside(SyncInput::Disconnected, turn);
    }

    fn token(&mut self, key: Option<&GalleryKey>, restored: bool, root: DeviceRoot, turn: &mut Turn<'_>) {
        self.parts.root = root;
        match key.map(seal::chunk_key).transpose() {
            Ok(key) => {
                if self.opener.replace(key) {
                    let kept = self.disk.keep_chunk_key(self.opener.key());
                    self.wrote(kept, turn);
                }
            }
            Err(why) => turn.actions.push(Action::Refused(why)),
        }
        if restored {
            self.begin_again("the server has seen more of this device than its card remembers", turn);
        }
    }

    /// The card was set back: numbers given from here on must not be taken for those of the life it forgot, and nobody
    /// is matched until the server has said who may be.
    pub(super) fn begin_again(&mut self, why: &str, turn: &mut Turn<'_>) {
        self.was_set_back = true;
        self.new_stream(turn);
        let detail = format!("restored from an old image, a new stream begins: {why}");
        turn.actions.push(Action::Report(ReportKind::Restored, detail));
        self.sync_gallery(SyncInput::Doubted, turn);
        self.sync_beside(SyncInput::Doubted, turn);
        turn.actions.push(Action::Proven(self.gallery.proven()));
    }

    /// Events that wait go on in a new stream, under the ids they have.
    pub(super) fn new_stream(&mut self, turn: &mut Turn<'_>) {
        let stream = ostiary_common::ids::StreamId(turn.dice.uuid(turn.now.wall));
        let begun = self.disk.begin_stream(stream);
        if self.wrote(begun, turn) {
            let limits = OutboxLimits { ack_timeout: self.parts.ack_timeout, ..LIMITS };
            self.outbox = OutboxFlow::new(stream, self.disk.first_seq(), self.disk.last_seq(), limits);
            if self.connected {
                self.outbox.connected();
            }
        }
    }

    fn in_force(&mut self, settings: &DeviceSettings, turn: &mut Turn<'_>) {
        if self.parts.in_force != *settings {
            self.parts.in_force = settings.clone();
            self.report_owed.get_or_insert(None);
        }
        self.report_config(turn);
    }

    /// Whether the disk did what was asked; if not, that is told once until it does again.
    pub(super) fn wrote<T>(&mut self, done: Result<T, DiskError>, turn: &mut Turn<'_>) -> bool {
        match done {
            Ok(_) => {
                self.disk_told = false;
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.disk_told, true) {
                    turn.actions.push(Action::Report(ReportKind::DiskFailed, error.to_string()));
                }
                false
            }
        }
    }
}
