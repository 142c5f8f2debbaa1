//! The server's side of every conversation with devices over MQTT.
//!
//! Of an external broker the link is an ordinary MQTT 5 client; the embedded one hands messages over directly. The
//! link reads what devices send, checks it once more, stores it, and answers; a message is acknowledged to the broker
//! only when nothing more is to be done for it, and events only after they are committed. That bounds what is under
//! way: with `RECEIVE_MAX` messages unacknowledged an external broker keeps the rest, and at the embedded one the
//! devices wait.
//!
//! ```text
//! broker -> connection | direct -> route (decode) -> intake (known device?) -> ingest | gallery | state -> store
//!                     <- outgoing <- acks, chunks, notices, desired configuration, seen
//! ```
//!
//! Start reading at [`start`]; what is done with a message stands in [`LinkCore`], without the connection, queues and
//! tasks around it; the rules are in the pure parts: `route`, `batch`, `holes`, `chunks`, `judge`.

mod acks;
mod batch;
mod chunks;
mod connection;
mod core;
mod direct;
mod fault;
mod gallery;
mod holes;
mod incoming;
mod ingest;
mod intake;
mod limits;
mod notices;
mod orders;
mod outgoing;
mod patience;
mod proofs;
mod route;
mod seen;
mod state;
mod visits;

use std::future::Future;
use std::sync::Arc;

use ostiary_common::ids::{DeviceId, PackId};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::core::{CoreParts, LinkCore};
pub use connection::{Endpoint, Login, TlsError, trusting};
pub use incoming::{Courier, Incoming, Receipt};
pub use outgoing::{Keep, Outbound, SendError};
pub use patience::Patience;

use self::holes::HoleWatch;
use crate::packs::served::ServedPacks;
use crate::ports::door_enrollment::DoorEar;
use crate::ports::{Clock, DeviceEar, DeviceLink, DeviceVoice, LiveFeed, Store};
use crate::refusals::RefusalLog;

/// Messages of QoS 1 an external broker may send before one is acknowledged.
const RECEIVE_MAX: u16 = 1_024;
/// Messages handed over by the embedded broker that may wait to be read.
const HANDED_OVER_MAX: usize = 4_096;
/// Room for messages of QoS 0 (health) beside them; more than that are dropped, newer ones follow.
const UNCONFIRMED_MAX: usize = 256;
/// Commits whose events wait to be told to people; events of further ones are not told, only stored.
const SEEN_QUEUE: usize = 256;
/// Devices whose configuration changed and is not sent yet; beyond it all are sent.
const CONFIG_QUEUE: usize = 256;

/// How the link and the broker reach each other.
pub enum Line {
    /// Over MQTT, like any client.
    Mqtt {
        /// Where the broker is.
        endpoint: Endpoint,
        /// As whom.
        login: Login,
        /// Share what devices send with other servers of this group.
        shared_group: Option<String>,
    },
    /// In this process: the broker's voice. Its ear is [`RunningLink::ear`].
    Direct(Arc<dyn DeviceVoice>),
}

/// What the link is connected to.
pub struct LinkConfig {
    /// The way to the broker.
    pub line: Line,
    /// The model pack this server works with.
    pub pack: PackId,
    /// Others whose templates devices are given, too.
    pub served: ServedPacks,
}

/// What the link works with.
pub struct LinkParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Told of committed events.
    pub live: Arc<dyn LiveFeed>,
    /// Told of refusals.
    pub refusals: Arc<RefusalLog>,
    /// Told what devices say of enrollments.
    pub doors: DoorEar,
    /// Ends a device's session at the broker. With an external broker nothing can be done here: the session
    /// ends with its token, and what it sends until then is refused on ingest.
    pub kick: Arc<dyn Fn(DeviceId) + Send + Sync>,
    /// Where its tasks run.
    pub tasks: TaskTracker,
    /// Stops everything; cancelled by the link itself if one of its tasks ends unexpectedly.
    pub shutdown: CancellationToken,
}

/// The link at work.
pub struct RunningLink {
    /// What the rest of the server asks of it.
    pub devices: Arc<dyn DeviceLink>,
    /// Whether it is connected and subscribed.
    pub connected: watch::Receiver<bool>,
    /// Where a broker of this process hands messages over; only with [`Line::Direct`].
    pub ear: Option<Arc<dyn DeviceEar>>,
}

/// Starts the link. It connects in the background, and again whenever the connection is lost.
pub fn start(config: LinkConfig, parts: LinkParts) -> RunningLink {
    let (current, feed) = outgoing::channel();
    let outbound = match &config.line {
        Line::Mqtt { .. } => current,
        Line::Direct(voice) => Arc::new(direct::Spoken(voice.clone())),
    };
    let LinkCore { intake, ingest, mut acks, gallery, state, herald, teller, seen } = LinkCore::new(&CoreParts {
        store: parts.store,
        clock: parts.clock,
        live: parts.live,
        refusals: parts.refusals,
        doors: parts.doors,
        outbound,
        pack: config.pack.clone(),
        served: config.served.clone(),
        patience: Patience::default(),
    });
    let (connected, connection_state) = watch::channel(false);
    let spawner = Spawner { tasks: parts.tasks, shutdown: parts.shutdown.clone() };

    let (queues, ear) = match config.line {
        Line::Mqtt { endpoint, login, shared_group } => {
            let (inboxes, queues) = connection::inboxes(usize::from(RECEIVE_MAX));
            if shared_group.is_some() {
                acks.holes = HoleWatch::among_others();
            }
            let filters = ostiary_common::topics::server_filters(shared_group.as_deref());
            let config = connection::Settings { endpoint, login, filters };
            let link = connection::Connection { config, inboxes, feed, connected };
            spawner.spawn("link connection", link.run(parts.shutdown.clone()));
            (queues, None)
        }
        Line::Direct(_) => {
            let (inboxes, queues) = connection::inboxes(HANDED_OVER_MAX);
            spawner.spawn("direct line", stay_connected(connected));
            (queues, Some(Arc::new(direct::Ear::new(inboxes)) as Arc<dyn DeviceEar>))
        }
    };

    // One group is answered while another is committed.
    let (written, committed) = mpsc::channel(1);
    spawner.spawn("event ingest", ingest.run(queues.events, written));
    spawner.spawn("event acks", acks.run(committed));
    spawner.spawn("gallery answers", gallery.run(queues.gallery, intake.clone()));
    spawner.spawn("device state", state.run(queues.state, intake));
    spawner.spawn("seen", teller.run(seen));

    let (orders, errands) = orders::desk(herald.store.clone(), herald.mailer.clone());
    spawner.spawn("device orders", errands.run());
    let (devices, notices) = notices::desk(herald, parts.kick, orders);
    spawner.spawn("device notices", notices.run(connection_state.clone()));
    RunningLink { devices: Arc::new(devices), connected: connection_state, ear }
}

/// A broker of the same process is there as long as the process is.
async fn stay_connected(connected: watch::Sender<bool>) {
    connected.send_replace(true);
    std::future::pending().await
}

/// Runs tasks that must not end before the program does.
struct Spawner {
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Spawner {
    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            // Of its own, so that a panic is seen here as well.
            let ended = tokio::spawn(shutdown.clone().run_until_cancelled_owned(task)).await;
            if !shutdown.is_cancelled() {
                tracing::error!(task = name, ?ended, "{name} ended unexpectedly, stopping");
                shutdown.cancel();
            }
        });
    }
}
