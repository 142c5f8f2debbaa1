//! The server: the real link over the real SQLite store, which can die between any two of the things it hands over
//! and starts again from what is committed.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result};
use ostiary_common::ids::{DeviceId, PackId};
use ostiary_common::wire::{EventRecord, Revision};
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::link::{CoreParts, Incoming, LinkCore, Patience, Receipt};
use ostiary_server::live::LiveCursor;
use ostiary_server::ports::EventStore;
use ostiary_server::refusals::refusal_log;
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::{SqlStore, StoreUrl};
use tokio::runtime::Runtime;

use super::back_door::BackDoor;
use super::net::{Inbox, Parcel};
use super::outlet::{Letter, Outlet};
use super::time::VirtualTime;

/// What stories' stores are sealed with.
pub fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}
/// Events read from the store at once.
const PAGE: u32 = 1_000;

/// What a call of the server led to.
#[derive(Default)]
pub struct Outcome {
    /// What it sent.
    pub sent: Vec<Letter>,
    /// What it is done with.
    pub settled: Vec<u64>,
}

/// The server.
pub struct Server {
    runtime: Rc<Runtime>,
    path: PathBuf,
    time: VirtualTime,
    pack: PackId,
    store: Arc<SqlStore>,
    back_door: BackDoor,
    core: Option<LinkCore>,
    outlet: Outlet,
    /// How far events were read.
    cursor: i64,
}

impl Server {
    /// A server over the database at `path`.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn start(runtime: Rc<Runtime>, path: &Path, time: VirtualTime, pack: PackId) -> Result<Self> {
        let store = Arc::new(
            runtime
                .block_on(SqlStore::open(&StoreUrl::sqlite(path), &master()))
                .context("opening the simulation's database")?,
        );
        let back_door = BackDoor::open(&runtime, path)?;
        let path = path.to_owned();
        let outlet = Outlet::default();
        let mut server = Self { runtime, path, time, pack, store, back_door, core: None, outlet, cursor: 0 };
        server.core = Some(server.fresh_core());
        Ok(server)
    }

    fn fresh_core(&self) -> LinkCore {
        let clock = Arc::new(self.time.clone());
        let (refusals, _) = refusal_log(self.store.clone(), clock.clone());
        LinkCore::new(&CoreParts {
            store: self.store.clone(),
            clock,
            live: Arc::new(LiveCursor::new(0)),
            refusals,
            doors: tokio::sync::mpsc::channel(1).0,
            outbound: Arc::new(self.outlet.clone()),
            pack: self.pack.clone(),
            served: Default::default(),
            patience: Patience::NONE,
        })
    }

    /// Whether it runs.
    pub const fn is_up(&self) -> bool {
        self.core.is_some()
    }

    /// It dies.
    pub fn die(&mut self) {
        self.core = None;
        self.outlet = Outlet::default();
    }

    /// It starts again; with `reopen` the store as well, so that nothing is remembered but what is on disk.
    ///
    /// # Errors
    /// If the database cannot be opened again.
    pub fn restart(&mut self, reopen: bool) -> Result<()> {
        if reopen {
            let opened = self.runtime.block_on(SqlStore::open(&StoreUrl::sqlite(&self.path), &master()));
            self.store = Arc::new(opened.context("opening the simulation's database again")?);
        }
        self.core = Some(self.fresh_core());
        Ok(())
    }

    /// The server dies before the `calls`-th thing it hands over from now.
    pub fn arm(&self, calls: u32) {
        self.outlet.arm(calls);
    }

    /// It does not die by itself any more.
    pub fn disarm(&self) {
        self.outlet.disarm();
    }

    /// Whether the link has a connection.
    pub fn connect(&self, is_connected: bool) {
        self.outlet.connect(is_connected);
    }

    /// Hands messages of one queue to the link.
    pub fn take(&mut self, inbox: Inbox, parcels: Vec<Parcel>) -> Outcome {
        let Some(mut core) = self.core.take() else { return Outcome::default() };
        let messages = parcels.into_iter().map(|parcel| self.incoming(parcel)).collect();
        let work = async {
            match inbox {
                Inbox::Events => core.events(messages).await,
                Inbox::Gallery => one_by_one(&mut core, messages, true).await,
                Inbox::State => one_by_one(&mut core, messages, false).await,
            }
            core
        };
        self.core = self.runtime.block_on(self.outlet.unless_it_dies(work));
        self.outcome()
    }

    /// The link is connected.
    pub fn linked(&mut self) -> Outcome {
        self.with_core(async |core| core.connected().await)
    }

    /// A minute has passed.
    pub fn remind(&mut self) -> Outcome {
        self.with_core(async |core| core.remind().await)
    }

    /// The gallery has a new revision.
    pub fn gallery_changed(&mut self, rev: Revision) -> Outcome {
        self.with_core(async |core| core.gallery_changed(rev).await)
    }

    /// A device's configuration has a new version.
    pub fn config_changed(&mut self, device: DeviceId) -> Outcome {
        self.with_core(async |core| core.config_changed(device).await)
    }

    fn with_core(&mut self, work: impl AsyncFnOnce(&mut LinkCore)) -> Outcome {
        let Some(mut core) = self.core.take() else { return Outcome::default() };
        let work = async {
            work(&mut core).await;
            core
        };
        self.core = self.runtime.block_on(self.outlet.unless_it_dies(work));
        self.outcome()
    }

    fn incoming(&self, parcel: Parcel) -> Incoming {
        let receipt = Receipt::to(self.outlet.receipt(parcel.number));
        Incoming { topic: parcel.topic, payload: parcel.payload.into(), receipt }
    }

    fn outcome(&mut self) -> Outcome {
        let outcome = Outcome { sent: self.outlet.take_sent(), settled: self.outlet.take_settled() };
        if self.core.is_none() {
            self.outlet = Outlet::default();
        }
        outcome
    }

    /// Asks the store, as HTTP and its services do.
    pub fn ask<T>(&self, question: impl AsyncFnOnce(&SqlStore) -> T) -> T {
        self.runtime.block_on(question(&self.store))
    }

    /// Makes writes to a table fail half-way through their transaction, or lets them through again.
    ///
    /// # Errors
    /// If the database refuses.
    pub fn break_table(&mut self, table: Option<&'static str>) -> Result<()> {
        self.back_door.break_table(&self.runtime, table)
    }

    /// Events that came into the store since this was last asked.
    ///
    /// # Errors
    /// If the database does not answer.
    pub fn new_events(&mut self) -> Result<Vec<(DeviceId, EventRecord)>> {
        let page = Page::After(self.cursor);
        let events = self.runtime.block_on(self.store.events(&EventFilter::default(), page, PAGE))?;
        self.cursor = events.last().map_or(self.cursor, |event| event.cursor);
        Ok(events.into_iter().map(|event| (event.device, event.record)).collect())
    }
}

async fn one_by_one(core: &mut LinkCore, messages: Vec<Incoming>, is_gallery: bool) {
    for message in messages {
        if is_gallery { core.gallery(message).await } else { core.state(message).await }
    }
}
