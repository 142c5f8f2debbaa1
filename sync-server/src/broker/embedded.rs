//! Starting the embedded broker (RMQTT as a library).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use rmqtt::codec::types::QoS;
use rmqtt::context::ServerContext;
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use rustls::server::ResolvesServerCert;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{SetOnce, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::credentials::Credentials;
use super::fitter::Terms;
use super::front::{BACKLOG, Front, Peers, acceptor};
use super::gate::{Gate, stand_guard};
use super::rate::{PublishLimits, PublishRate};
use super::retain::{Retained, Shared};
use super::running;
pub use super::running::RunningBroker;
use super::sessions::Sessions;
use crate::ports::{Clock, DeviceAuth};
use crate::refusals::RefusalLog;
use crate::secret::Secret;

/// Largest packet, in bytes. Event batches are at most half of it.
const MAX_PACKET_BYTES: u32 = 1024 * 1024;
/// Messages waiting for one device or monitor; beyond it the oldest is dropped. A gallery of 50 000 templates
/// comes in about 600 chunks.
const CLIENT_QUEUE: usize = 1_000;
/// Messages of QoS 1 under way to one client at once, if it can take as many.
const MAX_INFLIGHT: NonZeroU16 = match NonZeroU16::new(1_024) {
    Some(n) => n,
    None => NonZeroU16::MIN,
};
/// After how long an unacknowledged message is sent again within a connection.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// Time from CONNECT to the answer.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(15);
/// Keep-alive granted, in seconds: dead connections are noticed within one and a half times this.
const KEEP_ALIVE_S: (u16, u16) = (5, 300);

/// What the broker needs.
pub struct EmbeddedBroker {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Knows the certificate there is now.
    pub certificate: Arc<dyn ResolvesServerCert>,
    /// Checks device tokens.
    pub auth: Arc<dyn DeviceAuth>,
    /// Where refusals are told.
    pub refusals: Arc<RefusalLog>,
    /// Wall time, for tokens that end.
    pub clock: Arc<dyn Clock>,
    /// How the server itself reaches the devices.
    pub server: ServerAccess,
    /// The password of the read-only monitor; `None` for no monitor.
    pub monitor_password: Option<Secret>,
    /// Bounds.
    pub limits: BrokerLimits,
}

/// How the server itself reaches the devices.
pub enum ServerAccess {
    /// What devices say is handed over by [`RunningBroker::hand_over_to`], and [`RunningBroker::voice`] speaks to
    /// them. Until somebody listens, devices wait.
    Direct,
    /// As a client with this password.
    Client(Secret),
}

/// How much the broker takes on.
#[derive(Clone, Copy, Debug)]
pub struct BrokerLimits {
    /// Clients connected at once.
    pub max_connections: u32,
    /// Time a stranger has for TLS and CONNECT together.
    pub connect_within: Duration,
    /// What one client may send.
    pub publish: PublishLimits,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self { max_connections: 10_000, connect_within: Duration::from_secs(10), publish: PublishLimits::default() }
    }
}

/// Why the broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address is taken or not ours.
    #[error("the MQTT broker cannot listen on {listen}: {reason}")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// The system's words.
        reason: String,
    },
}

/// Starts the broker.
///
/// # Errors
/// [`BrokerError`] if it cannot listen.
pub async fn start(broker: EmbeddedBroker) -> Result<RunningBroker, BrokerError> {
    let tls = acceptor(broker.certificate);
    let listen_error =
        |error: &dyn std::fmt::Display| BrokerError::Listen { listen: broker.listen, reason: format!("{error:#}") };
    let outer = listen_outside(broker.listen).map_err(|error| listen_error(&error))?;
    let local_addr = outer.local_addr().map_err(|error| listen_error(&error))?;
    let listener = listen_inside(&broker.limits).map_err(|error| listen_error(&error))?;
    let inner = listener.local_addr().map_err(|error| listen_error(&error))?;
    let peers = Arc::new(Peers::default());
    let (link_secret, ear) = match broker.server {
        ServerAccess::Direct => (None, Some(SetOnce::new())),
        ServerAccess::Client(secret) => (Some(secret), None),
    };
    let gate = Arc::new(Gate {
        credentials: Credentials { devices: broker.auth, link_secret, monitor_password: broker.monitor_password },
        sessions: Sessions::default(),
        rate: PublishRate::new(broker.limits.publish),
        refusals: broker.refusals,
        peers: peers.clone(),
        ear,
    });
    let retained = Arc::new(Retained::default());
    let context = context(&broker.limits, &gate, &retained).await;
    let (connections, hang_up) = (TaskTracker::new(), CancellationToken::new());
    let front = Front {
        listener: outer,
        tls,
        inner,
        peers,
        max_connections: usize::try_from(broker.limits.max_connections).unwrap_or(usize::MAX),
        connect_within: broker.limits.connect_within,
        connections: connections.clone(),
        hang_up: hang_up.clone(),
    };
    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    let listening = serve(&tasks, &stopping, front, context.clone(), listener, inner.port());
    let sweep = running::sweep(context.clone(), gate.clone(), retained, broker.clock);
    tasks.spawn(stopping.clone().run_until_cancelled_owned(sweep));
    Ok(RunningBroker { local_addr, context, gate, tasks, stopping, connections, hang_up, listening })
}

/// The listener devices connect to.
fn listen_outside(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server must not wait for the old connections' last packets to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The library's listener, on loopback, behind the front door.
fn listen_inside(limits: &BrokerLimits) -> rmqtt::Result<Listener> {
    Builder::new()
        .name("mqtt")
        .laddr((Ipv4Addr::LOCALHOST, 0).into())
        .nodelay(true)
        .allow_anonymous(false)
        .max_packet_size(MAX_PACKET_BYTES)
        .max_connections(usize::try_from(limits.max_connections).unwrap_or(usize::MAX))
        .max_inflight(MAX_INFLIGHT)
        .max_mqueue_len(CLIENT_QUEUE)
        .max_qos_allowed(QoS::AtLeastOnce)
        .max_clientid_len(128)
        .max_topic_levels(16)
        .max_subscriptions(64)
        .min_keepalive(KEEP_ALIVE_S.0)
        .max_keepalive(KEEP_ALIVE_S.1)
        .allow_zero_keepalive(false)
        .handshake_timeout(HANDSHAKE_WITHIN)
        .message_retry_interval(RETRY_AFTER)
        // Zero is "never": what is retained stays until replaced, unless the sender says otherwise.
        .message_expiry_interval(Duration::ZERO)
        .bind()?
        .tcp()
}

async fn context(limits: &BrokerLimits, gate: &Arc<Gate>, retained: &Arc<Retained>) -> ServerContext {
    let context = ServerContext::new()
        .mqtt_max_sessions(isize::try_from(limits.max_connections).unwrap_or(isize::MAX))
        // A camera must get in also while the machine is busy with something else.
        .busy_check_enable(false)
        .build()
        .await;
    *context.extends.retain_mut().await = Box::new(Shared(retained.clone()));
    *context.extends.fitter_mgr_mut().await = Box::new(Terms);
    let register = context.extends.hook_mgr().register();
    stand_guard(register.as_ref(), gate).await;
    context
}

/// Accepts connections until told to stop. The library's own accept loop has no way to end but to be dropped.
fn serve(
    tasks: &TaskTracker,
    stopping: &CancellationToken,
    front: Front,
    context: ServerContext,
    listener: Listener,
    port: u16,
) -> watch::Receiver<bool> {
    let (tell, listening) = watch::channel(true);
    let server = MqttServer::new(context).listener_by_id(listener, port).build();
    let stopping = stopping.clone();
    tasks.spawn(async move {
        let either = async {
            tokio::select! {
                _ = server.run() => {}
                () = front.run() => {}
            }
        };
        if stopping.run_until_cancelled(either).await.is_some() {
            tracing::error!("the MQTT broker stopped listening");
        }
        tell.send_replace(false);
    });
    listening
}
