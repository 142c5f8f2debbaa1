//! One life of a connection: dial, then messages both ways until it ends. Every connection has a client of
//! its own, so nothing of an old one is sent again behind the outbox's back.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, Filter, LastWill, Packet, Publish, PublishProperties, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ClientError, ConnectionError, Event, EventLoop, MqttOptions, Request, StateError};
use rumqttc::{Outgoing as Sent, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::sync::Outgoing;

/// Messages sent and not confirmed by the broker. rumqttc would make room for 65 535, about 7 MB.
const INFLIGHT: u16 = 32;
/// Messages handed to the client and not sent yet. Full means the link is slow: the driver keeps the rest and
/// makes no more.
const SEND_QUEUE: usize = 32;
/// Messages that came and are not worked off yet. Full means the disk is slow: reading from the broker stops.
const RECEIVE_QUEUE: usize = 32;
/// The largest packet taken from the broker, bytes: the largest gallery chunk with room to spare.
const MAX_PACKET_BYTES: u32 = 512 * 1024;
/// Longest wait for the connection to stand.
const CONNECT_TIMEOUT_S: u64 = 10;
/// Longest wait for the last words to be out.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where and as whom to connect.
pub struct Dial<'a> {
    /// `mqtts://host:port`.
    pub broker_url: &'a str,
    /// Trust and the device's certificate.
    pub tls: Arc<ClientConfig>,
    /// Client id and user name.
    pub device: String,
    /// The password.
    pub token: &'a str,
    /// What the broker says if the connection breaks.
    pub will: Outgoing,
    /// Between signs of life.
    pub keep_alive: Duration,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Not `mqtts://host:port`.
    #[error("`{0}` is not a broker address: expected mqtts://host:port")]
    Address(String),
    /// The broker does not take the token.
    #[error("the broker refuses the token: {0:?}")]
    Credentials(ConnectReturnCode),
    /// Anything else; trying again may help.
    #[error("{0}")]
    Unreachable(String),
}

/// What a connection tells.
#[derive(Debug)]
pub enum Incoming {
    /// A message.
    Message(Publish),
    /// The broker does not let the device read these.
    SubscriptionRefused,
    /// The broker has confirmed something: there is room again.
    Progress,
    /// The last words are out.
    Closed,
    /// The connection is gone.
    Lost(String),
    /// The broker sent more than this device takes.
    TooLarge(String),
}

/// A connection that stands.
pub struct Connection {
    client: AsyncClient,
    incoming: mpsc::Receiver<Incoming>,
    pump: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

impl Connection {
    /// Connects and waits for the broker's word.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn dial(dial: Dial<'_>) -> Result<Self, DialError> {
        let (client, mut events) = AsyncClient::new(options(dial)?, SEND_QUEUE);
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => break,
                Ok(_) => {}
                Err(error) => return Err(explain(error)),
            }
        }
        let (sender, incoming) = mpsc::channel(RECEIVE_QUEUE);
        let pump = tokio::spawn(pump(events, sender));
        Ok(Self { client, incoming, pump })
    }

    /// Asks for messages on `topics`.
    pub fn subscribe(&self, topics: Vec<String>) {
        let filters = topics.into_iter().map(|topic| Filter::new(topic, QoS::AtLeastOnce));
        if self.client.try_subscribe_many(filters).is_err() {
            tracing::error!("cannot subscribe: the queue of a new connection is full");
        }
    }

    /// Hands over a message; gives it back if there is no room now.
    pub fn send(&self, message: Outgoing) -> Result<(), Outgoing> {
        let qos = if message.reliable { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let Outgoing { topic, payload, retain, reliable, expiry } = message;
        let expiry_s = expiry.and_then(|expiry| u32::try_from(expiry.as_secs()).ok());
        let properties = PublishProperties { message_expiry_interval: expiry_s, ..PublishProperties::default() };
        let sent = self.client.try_publish_with_properties(topic.clone(), qos, retain, payload, properties);
        sent.map_err(|refused| {
            let (ClientError::Request(request) | ClientError::TryRequest(request)) = refused;
            let payload = if let Request::Publish(publish) = request { publish.payload.to_vec() } else { Vec::new() };
            Outgoing { topic, payload, retain, reliable, expiry }
        })
    }

    /// The next thing the connection tells; `None` after its end.
    pub async fn next(&mut self) -> Option<Incoming> {
        self.incoming.recv().await
    }

    /// Ends in order: the broker discards the will.
    pub async fn close(mut self) {
        let farewell = async {
            if self.client.disconnect().await.is_err() {
                return;
            }
            while let Some(told) = self.incoming.recv().await {
                if matches!(told, Incoming::Closed | Incoming::Lost(_)) {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

fn options(dial: Dial<'_>) -> Result<MqttOptions, DialError> {
    let refused = || DialError::Address(dial.broker_url.to_owned());
    let (host, port) = address(dial.broker_url).ok_or_else(refused)?;
    let mut options = MqttOptions::new(dial.device.clone(), host, port);
    let Outgoing { topic, payload, retain, .. } = dial.will;
    options
        .set_transport(Transport::Tls(TlsConfiguration::Rustls(dial.tls)))
        .set_credentials(dial.device, dial.token)
        .set_keep_alive(dial.keep_alive)
        .set_clean_start(true)
        .set_connection_timeout(CONNECT_TIMEOUT_S)
        .set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, retain, None))
        .set_receive_maximum(Some(INFLIGHT))
        .set_max_packet_size(Some(MAX_PACKET_BYTES))
        .set_outgoing_inflight_upper_limit(INFLIGHT);
    Ok(options)
}

/// Host and port of `mqtts://host[:port]`; the port is 8883 if it is not said.
fn address(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("mqtts://")?.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, port.parse().ok()?),
        _ => (rest, 8883),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

fn explain(error: ConnectionError) -> DialError {
    use ConnectReturnCode::{BadUserNamePassword, Banned, ClientIdentifierNotValid, NotAuthorized};
    let code = match &error {
        ConnectionError::ConnectionRefused(code) => Some(*code),
        ConnectionError::MqttState(StateError::ConnFail { reason }) => Some(*reason),
        _ => None,
    };
    match code {
        Some(code @ (BadUserNamePassword | NotAuthorized | Banned | ClientIdentifierNotValid)) => {
            DialError::Credentials(code)
        }
        _ => DialError::Unreachable(error.to_string()),
    }
}

/// Moves the connection on and passes on what it tells, until it ends or nobody listens.
async fn pump(mut events: EventLoop, sender: mpsc::Sender<Incoming>) {
    loop {
        let told = match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => Incoming::Message(publish),
            Ok(Event::Incoming(Packet::SubAck(ack))) => {
                if ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))) {
                    continue;
                }
                Incoming::SubscriptionRefused
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                // Only a hint: whoever is busy has enough to do without it.
                let _ = sender.try_send(Incoming::Progress);
                continue;
            }
            Ok(Event::Outgoing(Sent::Disconnect)) => Incoming::Closed,
            Ok(_) => continue,
            Err(ConnectionError::MqttState(error @ StateError::IncomingPacketTooLarge { .. })) => {
                Incoming::TooLarge(error.to_string())
            }
            Err(error) => Incoming::Lost(error.to_string()),
        };
        let is_last = matches!(told, Incoming::Closed | Incoming::Lost(_) | Incoming::TooLarge(_));
        if sender.send(told).await.is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("mqtts://broker:8883", Some(("broker", 8883))),
            ("mqtts://broker", Some(("broker", 8883))),
            ("mqtts://127.0.0.1:1/", Some(("127.0.0.1", 1))),
            ("mqtts://[::1]:99", Some(("::1", 99))),
            ("mqtts://[::1]", Some(("::1", 8883))),
            ("mqtt://broker:1", None),
            ("mqtts://", None),
            ("mqtts://broker:http", None),
        ] {
            let found = address(url);
            assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), expected, "{url}");
        }
    }
}
