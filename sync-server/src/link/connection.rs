//! The connection to the broker: made, watched, made again.
//!
//! Every connection is a new client with a new request queue. An acknowledgement or answer of an old connection
//! can therefore never go out on a new one, where its packet number means another message.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Filter, Packet, Publish, SubAck, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};
use rumqttc::{Outgoing, TlsConfiguration, Transport};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::incoming::{Courier, Incoming, Receipt};
use super::outgoing::Feed;
use super::{RECEIVE_MAX, UNCONFIRMED_MAX};
use crate::secret::Secret;

/// Largest packet taken, in bytes.
const MAX_PACKET_BYTES: u32 = 1024 * 1024;
/// Requests waiting for the socket; senders wait when it is full.
const REQUESTS: usize = 128;
/// Messages of QoS 1 sent and not yet acknowledged by the broker.
const SEND_MAX: u16 = 512;
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const CONNECT_WITHIN_S: u64 = 10;
/// First pause after a lost connection, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// A connection that held this long starts the back-off anew.
const HELD: Duration = Duration::from_secs(30);
const SAY_GOODBYE_WITHIN: Duration = Duration::from_millis(500);

/// Where the broker is.
#[derive(Clone)]
pub struct Endpoint {
    /// Host name or address, as it stands in the broker's certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How to check the broker's certificate; `None` speaks without TLS.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// As whom to connect.
#[derive(Clone, Debug)]
pub struct Login {
    /// MQTT client id; one connection at a time has it.
    pub client_id: String,
    /// User name and password, for brokers that ask for them.
    pub user: Option<(String, Secret)>,
}

/// A CA, certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the broker's {what} cannot be used: {reason}")]
pub struct TlsError {
    what: &'static str,
    reason: String,
}

/// Trusts the CA certificates in `ca_pem` and nothing else; shows `client` (certificate chain and key in PEM) to
/// a broker that asks.
///
/// # Errors
/// [`TlsError`] naming the part that cannot be used.
pub fn trusting(ca_pem: &[u8], client: Option<(&[u8], &[u8])>) -> Result<Arc<rustls::ClientConfig>, TlsError> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates("CA certificate", ca_pem)? {
        roots.add(certificate).map_err(|error| TlsError { what: "CA certificate", reason: error.to_string() })?;
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    let config = match client {
        None => config.with_no_client_auth(),
        Some((chain, key)) => {
            let failed = |reason: String| TlsError { what: "client certificate", reason };
            let chain = certificates("client certificate", chain)?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| failed(error.to_string()))?;
            config.with_client_auth_cert(chain, key).map_err(|error| failed(error.to_string()))?
        }
    };
    Ok(Arc::new(config))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError { what, reason: error.to_string() })?;
    if found.is_empty() {
        Err(TlsError { what, reason: "no certificate in the PEM text".to_owned() })
    } else {
        Ok(found)
    }
}

/// The connection a message came on, and what of it the broker's acknowledgement names.
struct BrokerAck(AsyncClient, Publish);

#[async_trait]
impl Courier for BrokerAck {
    async fn settled(self: Box<Self>) {
        // Fails only if the connection has ended, and then the message comes again.
        let _ = self.0.ack(&self.1).await;
    }
}

/// Where messages go, by what they are about.
pub(super) struct Inboxes {
    events: mpsc::Sender<Incoming>,
    gallery: mpsc::Sender<Incoming>,
    state: mpsc::Sender<Incoming>,
}

/// The other ends.
pub(super) struct Queues {
    pub(super) events: mpsc::Receiver<Incoming>,
    pub(super) gallery: mpsc::Receiver<Incoming>,
    pub(super) state: mpsc::Receiver<Incoming>,
}

/// Queues that hold all the broker may send unacknowledged, so that the connection never waits for a reader.
pub(super) fn inboxes(capacity: usize) -> (Inboxes, Queues) {
    let (events, events_queue) = mpsc::channel(capacity);
    let (gallery, gallery_queue) = mpsc::channel(capacity);
    let (state, state_queue) = mpsc::channel(capacity + UNCONFIRMED_MAX);
    let queues = Queues { events: events_queue, gallery: gallery_queue, state: state_queue };
    (Inboxes { events, gallery, state }, queues)
}

impl Inboxes {
    /// Puts a message where it belongs, and waits for room there. Nothing is left of it if nobody reads any more.
    pub(super) async fn put_when_room(&self, message: Incoming) {
        let _ = self.inbox(&message.topic).send(message).await;
    }

    /// Whether somebody still reads.
    pub(super) fn are_read(&self) -> bool {
        !self.state.is_closed()
    }

    fn inbox(&self, topic: &str) -> &mpsc::Sender<Incoming> {
        match topic.rsplit_once('/') {
            Some((_, "events")) => &self.events,
            Some((_, "request")) => &self.gallery,
            _ => &self.state,
        }
    }

    fn put(&self, message: Incoming) {
        let inbox = self.inbox(&message.topic);
        // Full only if the broker sends more than it may, or too much health, which is sent without
        // acknowledgement: dropped and not acknowledged, and so sent again or followed by newer figures.
        if inbox.try_send(message).is_err() {
            metrics::counter!("ostiary_server_mqtt_inbox_dropped_total").increment(1);
        }
    }
}

/// What a connection is made with.
pub(super) struct Settings {
    pub(super) endpoint: Endpoint,
    pub(super) login: Login,
    pub(super) filters: Vec<String>,
}

/// The connection, kept up.
pub(super) struct Connection {
    pub(super) config: Settings,
    pub(super) inboxes: Inboxes,
    pub(super) feed: Feed,
    pub(super) connected: watch::Sender<bool>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Connection(#[from] Box<ConnectionError>),
    #[error("the broker refused the subscription to {0}")]
    Subscription(String),
    #[error("the subscription could not be sent")]
    Request,
}

impl Connection {
    /// Connects, and again whenever the connection is lost, until `shutdown`.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let mut pause = BACK_OFF.0;
        loop {
            let started = tokio::time::Instant::now();
            let Err(lost) = self.hold(&shutdown).await else { return };
            self.feed.set(None);
            let was_up = self.connected.send_replace(false);
            metrics::counter!("ostiary_server_link_disconnects_total").increment(1);
            if was_up && started.elapsed() > HELD {
                pause = BACK_OFF.0;
            }
            tracing::warn!(error = %lost, "no connection to the MQTT broker, trying again in {pause:?}");
            if shutdown.run_until_cancelled(tokio::time::sleep(pause.mul_f32(jitter()))).await.is_none() {
                return;
            }
            pause = (pause * 2).min(BACK_OFF.1);
        }
    }

    /// One connection, from start to end. `Ok` only at shutdown.
    async fn hold(&self, shutdown: &CancellationToken) -> Result<(), Lost> {
        let (client, mut events) = AsyncClient::new(options(&self.config), REQUESTS);
        loop {
            let event = tokio::select! {
                event = events.poll() => event.map_err(Box::new)?,
                () = shutdown.cancelled() => {
                    say_goodbye(&client, &mut events).await;
                    return Ok(());
                }
            };
            match event {
                Event::Incoming(Packet::ConnAck(_)) => self.subscribe(&client)?,
                Event::Incoming(Packet::SubAck(answer)) => self.subscribed(&client, &answer)?,
                Event::Incoming(Packet::Publish(publish)) => self.inboxes.put(incoming(&client, publish)),
                _ => {}
            }
        }
    }

    fn subscribe(&self, client: &AsyncClient) -> Result<(), Lost> {
        let filters = self.config.filters.iter().map(|filter| Filter::new(filter, QoS::AtLeastOnce));
        client.try_subscribe_many(filters).map_err(|_| Lost::Request)
    }

    fn subscribed(&self, client: &AsyncClient, answer: &SubAck) -> Result<(), Lost> {
        let mut answers = self.config.filters.iter().zip(&answer.return_codes);
        if let Some((filter, _)) = answers.find(|(_, code)| !matches!(code, SubscribeReasonCode::Success(_))) {
            return Err(Lost::Subscription(filter.clone()));
        }
        tracing::info!("connected to the MQTT broker at {}:{}", self.config.endpoint.host, self.config.endpoint.port);
        self.feed.set(Some(client.clone()));
        self.connected.send_replace(true);
        Ok(())
    }
}

fn options(config: &Settings) -> MqttOptions {
    let Settings { endpoint, login, .. } = config;
    let mut options = MqttOptions::new(&login.client_id, &endpoint.host, endpoint.port);
    options
        .set_clean_start(true)
        .set_manual_acks(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_connection_timeout(CONNECT_WITHIN_S)
        .set_receive_maximum(Some(RECEIVE_MAX))
        .set_max_packet_size(Some(MAX_PACKET_BYTES))
        .set_outgoing_inflight_upper_limit(SEND_MAX);
    if let Some((name, password)) = &login.user {
        options.set_credentials(name, password.expose());
    }
    if let Some(tls) = &endpoint.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
    }
    let mut network = options.network_options();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    options
}

/// Takes a message apart; what stays for the receipt has no payload.
fn incoming(client: &AsyncClient, mut publish: Publish) -> Incoming {
    let payload = std::mem::take(&mut publish.payload);
    // A topic that is not text is not one of ours, and is refused as such.
    let topic = String::from_utf8_lossy(&publish.topic).into_owned();
    Incoming { topic, payload, receipt: Receipt::to(BrokerAck(client.clone(), publish)) }
}

async fn say_goodbye(client: &AsyncClient, events: &mut EventLoop) {
    if client.try_disconnect().is_ok() {
        // Until it is written; the broker may leave closing the connection to us.
        let sent =
            async { while events.poll().await.is_ok_and(|event| event != Event::Outgoing(Outgoing::Disconnect)) {} };
        let _ = tokio::time::timeout(SAY_GOODBYE_WITHIN, sent).await;
    }
}

/// Between one and one and a half, so that several servers do not come back at the same moment.
fn jitter() -> f32 {
    1.0 + rand::random::<f32>() / 2.0
}
