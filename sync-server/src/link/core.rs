//! What the link does with messages, without connection, queues, timers and tasks around it.
//!
//! A message goes in, the store is asked, and what is to be said goes out through [`Outbound`] before the call
//! returns. [`start`](super::start) takes the parts and gives each a task of its own; the simulation in `e2e` calls
//! them by hand, in an order of its choosing.

use std::sync::Arc;

use ostiary_common::ids::{DeviceId, EventId, PackId};
use ostiary_common::wire::Revision;
use tokio::sync::mpsc;

use super::SEEN_QUEUE;
use super::acks::Acks;
use super::gallery::Answerer;
use super::holes::HoleWatch;
use super::incoming::Incoming;
use super::ingest::Writer;
use super::intake::Intake;
use super::notices::{Herald, note};
use super::outgoing::{Mailer, Outbound};
use super::patience::Patience;
use super::seen::Teller;
use super::state::StateKeeper;
use crate::packs::served::ServedPacks;
use crate::ports::door_enrollment::DoorEar;
use crate::ports::{Clock, LiveFeed, Store};
use crate::refusals::RefusalLog;

/// What the link's decisions need to know and to reach.
pub struct CoreParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Told of committed events.
    pub live: Arc<dyn LiveFeed>,
    /// Told of refusals.
    pub refusals: Arc<RefusalLog>,
    /// Where what is to be said goes.
    pub outbound: Arc<dyn Outbound>,
    /// Told what devices say of enrollments.
    pub doors: DoorEar,
    /// The model pack this server works with.
    pub pack: PackId,
    /// Others whose templates devices are given, too.
    pub served: ServedPacks,
    /// How long to wait for a store that does not answer.
    pub patience: Patience,
}

/// The link's parts, wired.
pub struct LinkCore {
    pub(super) intake: Arc<Intake>,
    pub(super) ingest: Writer,
    pub(super) acks: Acks,
    pub(super) gallery: Answerer,
    pub(super) state: StateKeeper,
    pub(super) herald: Herald,
    pub(super) teller: Teller,
    pub(super) seen: mpsc::Receiver<Vec<EventId>>,
}

impl LinkCore {
    /// Over these parts; nothing is remembered of the time before but what the store knows.
    pub fn new(parts: &CoreParts) -> Self {
        let mailer = Arc::new(Mailer::new(parts.outbound.clone(), parts.clock.clone()));
        let intake = Arc::new(Intake::new(parts.store.clone(), parts.refusals.clone(), parts.patience));
        let (seen_sender, seen) = mpsc::channel(SEEN_QUEUE);
        let (store, clock) = (parts.store.clone(), parts.clock.clone());
        let ingest = Writer { store, clock, intake: intake.clone(), patience: parts.patience };
        let acks = Acks {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            live: parts.live.clone(),
            mailer: mailer.clone(),
            seen: seen_sender,
            holes: HoleWatch::default(),
        };
        let gallery = Answerer::new(parts, mailer.clone());
        let state = StateKeeper::new(parts, mailer.clone());
        let teller = Teller { store: parts.store.clone(), mailer: mailer.clone() };
        let herald = Herald { store: parts.store.clone(), mailer, pack: parts.pack.clone() };
        Self { intake, ingest, acks, gallery, state, herald, teller, seen }
    }

    /// Event batches, written in one commit.
    pub async fn events(&mut self, messages: Vec<Incoming>) {
        if let Some(committed) = self.ingest.take(messages).await {
            self.acks.answer(committed).await;
        }
    }

    /// A gallery request.
    pub async fn gallery(&mut self, message: Incoming) {
        self.gallery.take(message, &self.intake).await;
    }

    /// Anything else a device says.
    pub async fn state(&mut self, message: Incoming) {
        self.state.take(message, &self.intake).await;
    }

    /// The broker is connected: what may have been missed is told.
    pub async fn connected(&mut self) {
        note(self.herald.catch_up().await);
    }

    /// A minute has passed: what devices have not done is told again, since a broker may lose what it was given.
    pub async fn remind(&mut self) {
        note(self.herald.remind().await);
    }

    /// The gallery has this revision now.
    pub async fn gallery_changed(&mut self, rev: Revision) {
        note(self.herald.gallery(rev).await);
    }

    /// A device's configuration has a new version.
    pub async fn config_changed(&mut self, device: DeviceId) {
        note(self.herald.config(device).await);
    }
}
