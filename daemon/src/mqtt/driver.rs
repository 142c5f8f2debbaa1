//! What to say over a connection and what to make of what comes: outbox, gallery, settings, commands.
//!
//! No socket in here: messages come in by [`Driver::incoming`], time by [`Driver::tick`], and what is to be
//! published stands in [`Driver::outgoing`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{Info, State};
use ostiary_common::wire::{ConfigDesired, EventAck, EventBatch, MAX_EVENTS_PER_BATCH, RejectedEvent, ReportKind};

use super::outbound::Outgoing;
use crate::cache::CacheError;
use crate::config::Config;
use crate::domain::commands::Commands;
use crate::domain::gallery_sync::{GallerySync, Holdings, SyncInput, SyncOutput};
use crate::domain::outbox::{OutboxFlow, OutboxLimits, OutboxStep};
use crate::recorder::Recorder;
use crate::shared::Shared;

/// Events under way without the server's acknowledgement.
const WINDOW_EVENTS: u64 = 4 * MAX_EVENTS_PER_BATCH as u64;
/// Bytes of events in one batch, as they stand on disk; leaves room below the wire's cap.
const BATCH_BYTES: u64 = 384 * 1024;
/// Messages that wait for the connection. Event batches and health are only made while there is room; what
/// answers the server is bounded by what the server sends.
const OUTGOING_ROOM: usize = 16;

/// What an administrator asked of the program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End; systemd starts it again.
    Restart,
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
    pub holdings: Holdings,
}

/// The device's side of the conversation.
pub struct Driver {
    pub(super) parts: DriverParts,
    pub(super) outbox: OutboxFlow,
    pub(super) gallery: GallerySync,
    pub(super) commands: Commands,
    /// The version of settings looked at last.
    pub(super) config_version: Option<u64>,
    /// The time floor written last.
    pub(super) floor_kept: UnixMillis,
    /// To be published, in order.
    pub outgoing: VecDeque<Outgoing>,
    /// What was asked of the program.
    pub wish: Option<Wish>,
    pub(super) session: u64,
    pub(super) seq: u64,
    pub(super) connected: bool,
    pub(super) next_health: Duration,
}

impl Driver {
    /// Begins with what the cache holds.
    ///
    /// # Errors
    /// [`CacheError`] if the cache cannot be read.
    pub fn new(parts: DriverParts) -> Result<Self, CacheError> {
        let shared = &parts.shared;
        let store = &shared.cache.outbox;
        let ack_timeout = Duration::from_secs(parts.config.outbox.ack_timeout_s);
        let limits = OutboxLimits { window_events: WINDOW_EVENTS, ack_timeout };
        let outbox = OutboxFlow::new(store.stream(), store.first_seq(), store.last_seq(), limits);
        let gallery = GallerySync::new(shared.pack.clone(), shared.gallery.load().rev, parts.holdings.clone());
        let commands = Commands::new(shared.cache.meta.commands()?);
        let config_version = shared.cache.meta.desired()?.map(|desired| desired.version);
        Ok(Self {
            parts,
            outbox,
            gallery,
            commands,
            config_version,
            floor_kept: UnixMillis(0),
            outgoing: VecDeque::new(),
            wish: None,
            session: 0,
            seq: 0,
            connected: false,
            next_health: Duration::ZERO,
        })
    }

    /// The topics to subscribe to after every connect.
    pub fn subscriptions(&self) -> Vec<String> {
        self.parts.root.subscribed_by_device()
    }

    /// A connection stands and the subscriptions are on their way.
    pub fn connected(&mut self, session: u64) {
        (self.session, self.seq, self.connected) = (session, 0, true);
        self.outgoing.clear();
        self.say_status(State::Online);
        self.publish_json(&Channel::Info, &self.parts.info.clone());
        self.report_config(None);
        self.outbox.connected();
        let now = self.now();
        self.next_health = now;
        let outputs = self.gallery.handle(SyncInput::Connected, now, rand::random());
        self.obey(outputs).unwrap_or_else(|error| tracing::error!(%error, "cannot use the cache"));
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.outgoing.clear();
        self.outbox.disconnected();
        let now = self.now();
        self.gallery.handle(SyncInput::Disconnected, now, 0.0);
    }

    /// The last word before an orderly end.
    pub fn say_stopped(&mut self) {
        self.say_status(State::Stopped);
    }

    /// Does what is due. Call it after every message, when the outbox has grown, and at [`Driver::wake_at`].
    ///
    /// # Errors
    /// [`CacheError`] if the outbox cannot be read.
    pub fn tick(&mut self) -> Result<(), CacheError> {
        let now = self.now();
        let outputs = self.gallery.handle(SyncInput::Tick, now, rand::random());
        self.obey(outputs)?;
        self.send_events(now)?;
        if self.connected && now >= self.next_health && self.outgoing.len() < OUTGOING_ROOM {
            self.publish_health(now);
        }
        Ok(())
    }

    /// When [`Driver::tick`] is wanted next.
    pub fn wake_at(&mut self) -> Duration {
        let now = self.now();
        let outbox = match self.outbox.next(now, rand::random()) {
            OutboxStep::WaitUntil(at) => at,
            OutboxStep::Send { .. } => now + Duration::from_millis(100),
            OutboxStep::Idle => Duration::MAX,
        };
        outbox.min(self.gallery.wake_at().unwrap_or(Duration::MAX)).min(self.next_health)
    }

    /// Whether nothing waits for the server any more.
    pub fn is_drained(&mut self) -> bool {
        self.outbox.appended(self.parts.shared.cache.outbox.last_seq());
        self.outbox.waiting() == 0
    }

    pub(super) fn now(&self) -> Duration {
        self.parts.shared.clock.elapsed()
    }

    fn send_events(&mut self, now: Duration) -> Result<(), CacheError> {
        let shared = Arc::clone(&self.parts.shared);
        let store = &shared.cache.outbox;
        self.outbox.appended(store.last_seq());
        // Events dropped for want of space can no longer be sent: begin at the first that is there.
        self.outbox.dropped(store.first_seq().saturating_sub(1));
        while self.outgoing.len() < OUTGOING_ROOM {
            let OutboxStep::Send { from, max_events } = self.outbox.next(now, rand::random()) else { break };
            let most = usize::try_from(max_events).unwrap_or(usize::MAX).min(MAX_EVENTS_PER_BATCH);
            let events = store.batch(from, most, BATCH_BYTES)?;
            let Some(last) = events.last().map(|event| event.seq) else { break };
            self.publish(&Channel::Events, EventBatch { stream: store.stream(), events });
            self.outbox.sent(last, now, rand::random());
            shared.telemetry.batches_sent.add_one();
        }
        Ok(())
    }

    pub(super) fn acknowledged(&mut self, ack: &EventAck) -> Result<(), CacheError> {
        let before = self.outbox.waiting();
        for RejectedEvent { seq, reason } in &ack.rejected {
            self.refused(&format!("the server does not take event {seq}: {reason}"));
        }
        if let Some(upto) = self.outbox.acknowledged(ack) {
            self.parts.shared.cache.outbox.delete_upto(upto)?;
            self.parts.shared.telemetry.events_acked.add(before - self.outbox.waiting());
        }
        Ok(())
    }

    /// Does what the gallery's synchronisation asks for.
    pub(super) fn obey(&mut self, outputs: Vec<SyncOutput>) -> Result<(), CacheError> {
        for output in outputs {
            match output {
                SyncOutput::Request(request) => self.publish(&Channel::GalleryRequest, request),
                SyncOutput::Ack(ack) => self.publish(&Channel::GalleryAck, ack),
                SyncOutput::Warn(text) => {
                    self.refused(&text);
                }
                SyncOutput::Apply(update) => {
                    if super::inbound::apply_gallery(&self.parts, &update)? {
                        self.report_config(None);
                    }
                    let ack = self.gallery.applied(&update);
                    self.obey(vec![ack])?;
                }
            }
        }
        Ok(())
    }

    /// Counts, reports and logs a message that was refused; a flood of them is only counted.
    pub(super) fn refused(&self, why: &str) {
        self.parts.shared.telemetry.messages_refused.add_one();
        if self.parts.recorder.report(&self.parts.shared, ReportKind::MessageRefused, why) {
            tracing::warn!("message refused: {why}");
        }
    }

    /// Keeps settings and puts them in force.
    pub(super) fn enforce(&mut self, desired: &ConfigDesired) -> Result<(), CacheError> {
        self.parts.shared.cache.meta.set_desired(desired)?;
        self.config_version = Some(desired.version);
        let parts = &self.parts;
        parts.shared.enforce(&parts.config, &desired.settings);
        Ok(())
    }
}
