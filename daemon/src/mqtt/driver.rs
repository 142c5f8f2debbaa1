//! The conversation's core ([`DeviceCore`]) with everything it lacks: the board's clocks, randomness, the cache, the
//! gallery that is searched, settings, counters, reports.
//!
//! No socket in here: messages come in by [`Driver::incoming`], time by [`Driver::tick`], and what is to be
//! published stands in [`Driver::outgoing`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::identity::{Standing, TokenResponse};
use ostiary_common::topics::{Channel, CommandKind, DeviceRoot};
use ostiary_common::wire::monitor::Info;
use ostiary_common::wire::{DeviceSettings, ReportKind};

use super::resting::Resting;
use crate::cache::CacheDisk;
use crate::config::Config;
use crate::packs::porting::PortWord;
use crate::ports::{Attendant, DiskError, Signer};
use crate::recorder::Recorder;
use crate::shared::Shared;
use crate::sync::{Action, CoreParts, DeviceCore, GalleryStep, Input, Introduction, KeptGallery, Now, Outgoing};

/// Longest wait for the server to store what waits, before it is forgotten.
const BEFORE_FORGETTING: Duration = Duration::from_secs(20);

/// What an administrator asked of the program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End; systemd starts it again.
    Restart,
    /// End, and be started anew with another model pack.
    Switch,
    /// End, and forget everything: identity, keys, gallery, events.
    Reset,
}

/// Everything the driver needs to know.
pub struct DriverParts {
    /// Shared with the rest.
    pub shared: Arc<Shared>,
    /// For reports.
    pub recorder: Recorder,
    /// The device's topics.
    pub root: DeviceRoot,
    /// The configuration.
    pub config: Arc<Config>,
    /// The pack's embedding size.
    pub dimension: usize,
    /// What the device is.
    pub info: Info,
    /// What the gallery holds.
    pub holdings: KeptGallery,
    /// Does what takes longer than a message.
    pub attendant: Box<dyn Attendant>,
    /// What Home Assistant is told.
    pub introduction: Option<Introduction>,
}

/// The device's side of the conversation.
pub struct Driver {
    /// Shared with the rest.
    pub shared: Arc<Shared>,
    recorder: Recorder,
    config: Arc<Config>,
    dimension: usize,
    core: DeviceCore<CacheDisk>,
    attendant: Box<dyn Attendant>,
    /// The server's wish, as it was last taken.
    desired: DeviceSettings,
    /// To be published, in order.
    pub outgoing: VecDeque<Outgoing>,
    /// What was asked of the program.
    pub wish: Option<Wish>,
    /// When everything is forgotten though something still waits.
    forget_by: Option<Duration>,
    token_wanted: bool,
}

impl Driver {
    /// Begins with what the cache holds.
    ///
    /// # Errors
    /// [`DiskError`] if the cache cannot be read.
    pub fn new(parts: DriverParts) -> Result<Self, DiskError> {
        let DriverParts { shared, recorder, root, config, dimension, info, holdings, attendant, introduction } = parts;
        let desired = match shared.cache.meta.desired()? {
            Some(desired) => {
                shared.porting.order(desired.pack);
                desired.settings
            }
            None => DeviceSettings::default(),
        };
        let disk = CacheDisk::new(shared.cache.clone(), shared.pack.clone());
        let core = CoreParts {
            root,
            pack: shared.pack.clone(),
            info,
            gallery: holdings,
            in_force: shared.settings.load().report(),
            ack_timeout: Duration::from_secs(config.outbox.ack_timeout_s),
            trust: config.recognition.trust_rules(),
            signer: None,
            introduction,
        };
        let core = DeviceCore::new(core, disk)?;
        let outgoing = VecDeque::new();
        Ok(Self {
            shared,
            recorder,
            config,
            dimension,
            core,
            attendant,
            desired,
            outgoing,
            wish: None,
            forget_by: None,
            token_wanted: false,
        })
    }

    /// What is held is signed by `signer` from now on.
    pub fn signs_with(&mut self, signer: Box<dyn Signer>) {
        self.core.signs_with(signer);
    }

    /// The topics to subscribe to after every connect.
    pub fn subscriptions(&self) -> Vec<String> {
        self.core.subscriptions()
    }

    /// The number of the next session, above `floor`.
    pub fn next_session(&mut self, floor: u64) -> u64 {
        let now = self.now();
        let (session, actions) = self.core.next_session(floor, &now);
        self.act(actions);
        session
    }

    /// What the broker is to say if the connection of `session` breaks.
    pub fn will(&self, session: u64) -> Outgoing {
        self.core.will(session, &self.now())
    }

    /// Where the device stands by its own memory.
    pub fn standing(&self) -> Standing {
        self.core.standing()
    }

    /// A token came, and with it news.
    pub fn token(&mut self, response: &TokenResponse) {
        let root = self.core.root();
        let root = response.posting.as_ref().map_or(root, |posting| DeviceRoot { site: posting.site, ..root });
        self.handle(Input::Token { gallery_key: response.gallery_key.as_ref(), restored: response.restored, root });
    }

    /// Whether a new token is wanted at once; asked once.
    pub fn wants_token(&mut self) -> bool {
        std::mem::take(&mut self.token_wanted)
    }

    /// A connection stands and the subscriptions are on their way.
    pub fn connected(&mut self, session: u64) {
        self.outgoing.clear();
        self.shared.telemetry.connected.set(1);
        self.handle(Input::Connected { session });
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.outgoing.clear();
        self.shared.telemetry.connected.set(0);
        self.handle(Input::Disconnected);
    }

    /// The last word before an orderly end.
    pub fn say_stopped(&mut self) {
        self.handle(Input::Stopping);
    }

    /// A message came on `topic`.
    pub fn incoming(&mut self, topic: &[u8], payload: &[u8]) {
        self.handle(Input::Message { topic, payload });
    }

    /// Does what is due. Call it when the outbox has grown, when there is room again, and at [`Driver::wake_at`].
    pub fn tick(&mut self) {
        while let Some(done) = self.attendant.finished() {
            self.handle(Input::Answer(done.kind, &done.result));
            if done.restart {
                self.wish.get_or_insert(Wish::Restart);
            }
        }
        for word in self.shared.porting.heard() {
            self.port(word);
        }
        for word in self.shared.guiding.heard() {
            self.handle(Input::Guided(&word));
        }
        self.handle(Input::Tick);
    }

    /// When [`Driver::tick`] is wanted next.
    pub fn wake_at(&self) -> Duration {
        self.core.wake_at()
    }

    /// Whether nothing waits for the server any more.
    pub fn is_drained(&mut self) -> bool {
        let now = self.now();
        self.core.waiting(&now) == 0
    }

    /// Whether what was asked of the program is to be done now. A device that is to forget everything first rests and
    /// sends what waits, over several connections if need be, but not for ever.
    pub fn is_wish_due(&mut self, resting: &Resting) -> bool {
        match self.wish {
            None => false,
            Some(Wish::Restart | Wish::Switch) => true,
            Some(Wish::Reset) => {
                resting.ask();
                let now = self.shared.clock.elapsed();
                let by = *self.forget_by.get_or_insert(now + BEFORE_FORGETTING);
                now >= by || (resting.is_done() && self.is_drained())
            }
        }
    }

    /// Counts, reports and logs a message that was refused; a flood of them is only counted.
    pub fn refused(&self, why: &str) {
        self.shared.telemetry.messages_refused.add_one();
        self.report(ReportKind::MessageRefused, &format!("message refused: {why}"));
    }

    fn now(&self) -> Now {
        self.shared.clock.now(rand::random(), self.outgoing.len())
    }

    fn handle(&mut self, input: Input<'_>) {
        let now = self.now();
        let actions = self.core.handle(input, &now);
        self.act(actions);
    }

    fn act(&mut self, actions: Vec<Action>) {
        let is_enforced = actions.iter().any(|action| matches!(action, Action::Enforce(_) | Action::Search(_)));
        for action in actions {
            match action {
                Action::Publish(message) => self.publish(message),
                Action::Search(step) => self.search(&step),
                Action::Proven(proven) => self.shared.proven.store(Arc::new(proven)),
                Action::Enforce(desired) => self.desired = desired,
                Action::Pack(order) => self.shared.porting.order(order),
                Action::Filled(pack) => self.shared.porting.fill(pack),
                Action::Health { expiry } => {
                    let health = crate::health::snapshot(&self.shared);
                    self.outgoing.push_back(self.core.health(&health, expiry));
                }
                Action::Report(kind, detail) => self.report(kind, &detail),
                Action::Refused(why) => self.refused(&why),
                Action::Stored(events) => self.shared.telemetry.events_acked.add(events),
                Action::HeardTime(server) => self.shared.clock.heard_server_time(server),
                Action::Perform(kind) => self.perform(kind),
                Action::Attend(kind, command) => {
                    tracing::info!("command {} is begun", kind.as_str());
                    self.attendant.begin(kind, command);
                }
                Action::Guide(start) => self.shared.guiding.begin(start),
                Action::StopGuiding(id) => self.shared.guiding.stop(id),
                Action::NewToken => self.token_wanted = true,
            }
        }
        // What keeps to a target depends on how many persons there are to be taken for as well.
        if is_enforced {
            self.enforce();
        }
    }

    /// Does what whoever looks after packs asks for.
    fn port(&mut self, word: PortWord) {
        match word {
            PortWord::Switch => {
                self.wish.get_or_insert(Wish::Switch);
            }
            PortWord::Tell(other) => self.handle(Input::Tell(other.as_ref())),
            PortWord::Beside(None) => {
                self.handle(Input::Beside(None));
                if let Err(error) = self.shared.cache.beside.clear() {
                    tracing::warn!(%error, "the gallery of another pack could not be removed: {error}");
                }
            }
            PortWord::Beside(Some(pack)) => match self.shared.cache.beside.load(&pack) {
                Ok(kept) => {
                    let held = (pack, KeptGallery { head: kept.head, holdings: kept.holdings });
                    self.handle(Input::Beside(Some(&held)));
                }
                Err(error) => self.report(ReportKind::DiskFailed, &format!("the gallery of {pack}: {error}")),
            },
        }
    }

    fn publish(&mut self, message: Outgoing) {
        if message.topic == self.core.root().topic(&Channel::Events) {
            self.shared.telemetry.batches_sent.add_one();
        }
        self.outgoing.push_back(message);
    }

    /// Searches what is durable from now on.
    fn search(&mut self, step: &GalleryStep) {
        let rev = step.head.rev;
        let gallery = self.shared.gallery.load_full().with_changes(rev, self.dimension, &step.changes);
        let (persons, templates) = (gallery.index.persons(), gallery.index.len());
        tracing::info!(
            rev = rev.0,
            changed = step.changes.len(),
            "gallery is at revision {}: {persons} persons, {templates} templates",
            rev.0
        );
        self.shared.gallery.store(Arc::new(gallery));
    }

    fn enforce(&mut self) {
        self.shared.enforce(&self.config, &self.desired);
        let in_force = self.shared.settings.load().report();
        self.handle(Input::InForce(&in_force));
    }

    fn perform(&mut self, kind: CommandKind) {
        tracing::info!("command {} is done", kind.as_str());
        match kind {
            CommandKind::Restart => self.wish = Some(Wish::Restart),
            CommandKind::Reset => self.wish = Some(Wish::Reset),
            CommandKind::Identify => {
                tracing::warn!("this is the device somebody is looking for: {}", self.core.root().device);
            }
            // These are done by the core, or elsewhere.
            CommandKind::Resync
            | CommandKind::Snapshot
            | CommandKind::SelfTest
            | CommandKind::Reload
            | CommandKind::Diagnostics
            | CommandKind::LogLevel => {}
        }
    }

    fn report(&self, kind: ReportKind, detail: &str) {
        if self.recorder.report(&self.shared, kind, detail) {
            tracing::warn!("{detail}");
        }
    }
}
