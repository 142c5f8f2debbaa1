//! Starting, supervising and stopping the embedded broker (RMQTT as a library).

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::DeviceId;
use rmqtt::codec::types::QoS;
use rmqtt::context::ServerContext;
use rmqtt::net::{Builder, Listener};
use rmqtt::server::MqttServer;
use rmqtt::types::Id;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::acl::Principal;
use super::credentials::Credentials;
use super::fitter::Terms;
use super::gate::{Gate, stand_guard};
use super::rate::{PublishLimits, PublishRate};
use super::retain::{Retained, Shared};
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
/// Time for TLS and CONNECT together.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(15);
/// Keep-alive granted, in seconds: dead connections are noticed within one and a half times this.
const KEEP_ALIVE_S: (u16, u16) = (5, 300);
/// How often ended tokens are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// When a kick is repeated, to catch a connection that was being let in at the time.
const KICK_AGAIN_AFTER: [Duration; 3] = [Duration::ZERO, Duration::from_millis(500), Duration::from_secs(3)];
/// How long connections get to end when the broker stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What the broker needs.
pub struct EmbeddedBroker {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate and key.
    pub tls: TlsFiles,
    /// Checks device tokens.
    pub auth: Arc<dyn DeviceAuth>,
    /// Where refusals are told.
    pub refusals: Arc<RefusalLog>,
    /// Wall time, for tokens that end.
    pub clock: Arc<dyn Clock>,
    /// The password of the server's own client.
    pub link_secret: Secret,
    /// The password of the read-only monitor; `None` for no monitor.
    pub monitor_password: Option<Secret>,
    /// Bounds.
    pub limits: BrokerLimits,
}

/// PEM files of the TLS listener. The library takes paths only.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, then those up to the CA.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How much the broker takes on.
#[derive(Clone, Copy, Debug)]
pub struct BrokerLimits {
    /// Clients connected at once.
    pub max_connections: u32,
    /// What one client may send.
    pub publish: PublishLimits,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self { max_connections: 10_000, publish: PublishLimits::default() }
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
    /// Certificate or key cannot be used.
    #[error("the MQTT broker cannot use certificate {chain} with key {key}: {reason}")]
    Tls {
        /// The certificate file.
        chain: String,
        /// The key file.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// The broker at work. Dropping it does not stop it; see [`RunningBroker::stop`].
pub struct RunningBroker {
    /// Where it listens.
    pub local_addr: SocketAddr,
    context: ServerContext,
    gate: Arc<Gate>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    listening: watch::Receiver<bool>,
}

/// Starts the broker.
///
/// # Errors
/// [`BrokerError`] if it cannot listen or its certificate cannot be used.
pub async fn start(broker: EmbeddedBroker) -> Result<RunningBroker, BrokerError> {
    let listener = listen(broker.listen, &broker.tls, &broker.limits)?;
    let local_addr = listener.local_addr().map_err(|error| listen_error(broker.listen, &error))?;
    let gate = Arc::new(Gate {
        credentials: Credentials {
            devices: broker.auth,
            link_secret: broker.link_secret,
            monitor_password: broker.monitor_password,
        },
        sessions: Sessions::default(),
        rate: PublishRate::new(broker.limits.publish),
        refusals: broker.refusals,
    });
    let retained = Arc::new(Retained::default());
    let context = context(&broker.limits, &gate, &retained).await;
    let tasks = TaskTracker::new();
    let stopping = CancellationToken::new();
    let listening = serve(&tasks, &stopping, context.clone(), listener, local_addr.port());
    let sweep = sweep(context.clone(), gate.clone(), retained, broker.clock);
    tasks.spawn(stopping.clone().run_until_cancelled_owned(sweep));
    Ok(RunningBroker { local_addr, context, gate, tasks, stopping, listening })
}

fn listen(listen: SocketAddr, tls: &TlsFiles, limits: &BrokerLimits) -> Result<Listener, BrokerError> {
    let path = |path: &PathBuf| path.display().to_string();
    let (chain, key) = (path(&tls.chain), path(&tls.key));
    let max_connections = usize::try_from(limits.max_connections).unwrap_or(usize::MAX);
    Builder::new()
        .name("mqtts")
        .laddr(listen)
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(false)
        .max_packet_size(MAX_PACKET_BYTES)
        .max_connections(max_connections)
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
        .tls_cert(Some(chain.clone()))
        .tls_key(Some(key.clone()))
        .bind()
        .map_err(|error| listen_error(listen, &error))?
        .tls()
        .map_err(|error| BrokerError::Tls { chain, key, reason: format!("{error:#}") })
}

fn listen_error(listen: SocketAddr, error: &rmqtt::Error) -> BrokerError {
    BrokerError::Listen { listen, reason: format!("{error:#}") }
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
    context: ServerContext,
    listener: Listener,
    port: u16,
) -> watch::Receiver<bool> {
    let (tell, listening) = watch::channel(true);
    let server = MqttServer::new(context).listener_by_id(listener, port).build();
    let stopping = stopping.clone();
    tasks.spawn(async move {
        let ended = stopping.run_until_cancelled(server.run()).await;
        if let Some(ended) = ended {
            tracing::error!(?ended, "the MQTT broker stopped listening");
        }
        tell.send_replace(false);
    });
    listening
}

/// Ends connections whose token has ended, and forgets what is over.
async fn sweep(context: ServerContext, gate: Arc<Gate>, retained: Arc<Retained>, clock: Arc<dyn Clock>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    loop {
        tick.tick().await;
        for id in gate.sessions.expired(clock.now()) {
            tracing::info!(device.id = %id.client_id, "the token of {} has ended, closing its session", id.client_id);
            end_session(&context, &id).await;
            gate.sessions.leave(&id);
        }
        forget_absent(&context, &gate).await;
        retained.forget_expired();
        gate.rate.forget_quiet();
        metrics::gauge!("ostiary_server_mqtt_connections").set(context.connections.count() as f64);
    }
}

/// Forgets clients that were let in and then never finished connecting.
async fn forget_absent(context: &ServerContext, gate: &Gate) {
    let shared = context.extends.shared().await;
    let now_ms = rmqtt::utils::timestamp_millis();
    let grace_ms = i64::try_from(4 * HANDSHAKE_WITHIN.as_millis()).unwrap_or(i64::MAX);
    for id in gate.sessions.all(|one| one.id.create_time.saturating_add(grace_ms) < now_ms) {
        if !shared.exist(&id.client_id) {
            gate.sessions.leave(&id);
        }
    }
}

/// Ends a client's connection. Its will is sent, as for any connection that ends without a word.
async fn end_session(context: &ServerContext, id: &Id) {
    let entry = context.extends.shared().await.entry(id.clone());
    if !entry.exist() {
        return;
    }
    let ended = match entry.try_lock().await {
        Ok(mut entry) => entry.kick(true, true, true).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, client.id = %id.client_id, "the session of {} could not be ended yet", id.client_id);
    }
}

impl RunningBroker {
    /// Ends a device's connection, soon and without waiting. The device was revoked in the store before, so it
    /// cannot come back; a connection being let in right now is caught by asking again.
    pub fn kick(&self, device: DeviceId) {
        let (context, gate) = (self.context.clone(), self.gate.clone());
        let again = self.stopping.clone().run_until_cancelled_owned(async move {
            for pause in KICK_AGAIN_AFTER {
                tokio::time::sleep(pause).await;
                let client = device.to_string();
                for id in gate.sessions.all(|one| *one.id.client_id == *client) {
                    end_session(&context, &id).await;
                }
            }
        });
        self.tasks.spawn(again);
    }

    /// How many clients are connected, the server's own included.
    pub fn connected(&self) -> usize {
        usize::try_from(self.context.connections.count()).unwrap_or(0)
    }

    /// How many devices are connected.
    pub fn devices_connected(&self) -> usize {
        self.gate.sessions.all(|one| matches!(*one.principal, Principal::Device(_))).len()
    }

    /// Whether it accepts connections.
    pub fn is_listening(&self) -> bool {
        *self.listening.borrow()
    }

    /// Returns when it no longer accepts connections, told to or not.
    pub async fn ended(&self) {
        // An error means that the sender is gone, which is the same.
        let _ = self.listening.clone().wait_for(|listening| !listening).await;
    }

    /// Stops listening, ends every connection, and returns when they are gone or have had their time.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Again and again, because a client may have been half let in when listening stopped.
        let ended = async {
            while self.context.connections.count() + self.context.handshakings.count() > 0 {
                for id in self.gate.sessions.all(|_| true) {
                    end_session(&self.context, &id).await;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::warn!(connections = self.connected(), "connections were still open when the broker stopped");
        }
    }
}
