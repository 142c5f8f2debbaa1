//! The server's side of every conversation with devices over MQTT.
//!
//! The link is an ordinary MQTT 5 client of the broker, embedded or not. It reads what devices send, checks it
//! once more, stores it, and answers; a message is acknowledged to the broker only when nothing more is to be
//! done for it, and events only after they are committed. That bounds what is under way by MQTT's own flow
//! control: with `RECEIVE_MAX` messages unacknowledged the broker keeps the rest.
//!
//! ```text
//! broker -> connection -> route (decode) -> intake (known device?) -> ingest | gallery | state -> store
//!                     <- outgoing <- acks, chunks, notices, desired configuration, seen
//! ```
//!
//! Start reading at [`start`]; what is done with a message stands in [`LinkCore`], without the connection, queues and
//! tasks around it; the rules are in the pure parts: `route`, `batch`, `holes`, `chunks`, `judge`.

mod batch;
mod chunks;
mod connection;
mod core;
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
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::core::{CoreParts, LinkCore};
pub use connection::{Endpoint, Login, TlsError, trusting};
pub use incoming::{Courier, Incoming, Receipt};
pub use outgoing::{Keep, Outbound, SendError};
pub use patience::Patience;

use crate::ports::{Clock, DeviceLink, LiveFeed, Store};
use crate::refusals::RefusalLog;

/// Messages of QoS 1 the broker may send before one is acknowledged.
const RECEIVE_MAX: u16 = 256;
/// Room for messages of QoS 0 (health) beside them; more than that are dropped, newer ones follow.
const UNCONFIRMED_MAX: usize = 256;
/// Committed events waiting to be told to people; beyond it they are not told, only stored.
const SEEN_QUEUE: usize = 4_096;
/// Devices whose configuration changed and is not sent yet; beyond it all are sent.
const CONFIG_QUEUE: usize = 256;

/// What the link connects to and as whom.
pub struct LinkConfig {
    /// Where the broker is.
    pub endpoint: Endpoint,
    /// As whom.
    pub login: Login,
    /// Share what devices send with other servers of this group; only for an external broker.
    pub shared_group: Option<String>,
    /// The model pack of this server's templates; devices with another are not given any.
    pub pack: PackId,
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
}

/// Starts the link. It connects in the background, and again whenever the connection is lost.
pub fn start(config: LinkConfig, parts: LinkParts) -> RunningLink {
    let (outgoing, feed) = outgoing::channel();
    let LinkCore { intake, ingest, gallery, state, herald, teller, seen } = LinkCore::new(&CoreParts {
        store: parts.store,
        clock: parts.clock,
        live: parts.live,
        refusals: parts.refusals,
        outbound: outgoing,
        pack: config.pack.clone(),
        patience: Patience::default(),
    });
    let (inboxes, queues) = connection::inboxes();
    let (connected, connection_state) = watch::channel(false);
    let spawner = Spawner { tasks: parts.tasks, shutdown: parts.shutdown.clone() };

    let link = connection::Connection { config: config.connection(), inboxes, feed, connected };
    spawner.spawn("link connection", link.run(parts.shutdown.clone()));

    spawner.spawn("event ingest", ingest.run(queues.events));
    spawner.spawn("gallery answers", gallery.run(queues.gallery, intake.clone()));
    spawner.spawn("device state", state.run(queues.state, intake));
    spawner.spawn("seen", teller.run(seen));

    let (orders, errands) = orders::desk(herald.store.clone(), herald.mailer.clone());
    spawner.spawn("device orders", errands.run());
    let (devices, notices) = notices::desk(herald, parts.kick, orders);
    spawner.spawn("device notices", notices.run(connection_state.clone()));
    RunningLink { devices: Arc::new(devices), connected: connection_state }
}

impl LinkConfig {
    fn connection(&self) -> connection::Settings {
        connection::Settings {
            endpoint: self.endpoint.clone(),
            login: self.login.clone(),
            filters: ostiary_common::topics::server_filters(self.shared_group.as_deref()),
        }
    }
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
