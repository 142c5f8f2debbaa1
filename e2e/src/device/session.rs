//! A connection to the broker of which a test sees every answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use ostiary_common::envelope::Envelope;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{EventAck, EventBatch};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ClientError, Event, EventLoop, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::tls;

/// How long an answer of the broker may take.
const ANSWERS: Duration = Duration::from_secs(15);
/// Larger than any message of the wire, so that the other side's limit is what is met.
const MAX_PACKET_BYTES: u32 = 2 * 1024 * 1024;

/// What came from the broker.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A publish of ours was taken, or not.
    Published(PubAckReason),
    /// A subscription was taken, or not.
    Subscribed(SubscribeReasonCode),
    /// A message for us: topic and payload.
    Message(String, Vec<u8>),
    /// The connection is gone, and why.
    Ended(String),
}

/// A connection. It is not made anew when it ends.
#[derive(Debug)]
pub struct Session {
    client: AsyncClient,
    incoming: mpsc::UnboundedReceiver<Heard>,
    passed_over: VecDeque<Heard>,
    driver: JoinHandle<()>,
}

impl Session {
    /// Connects to `broker` (`host:port`).
    ///
    /// # Errors
    /// If the broker refuses or does not answer.
    pub async fn open(broker: &str, ca_pem: &str, client_id: &str, user: &str, password: &str) -> Result<Self> {
        Self::open_with(broker, tls::client(ca_pem)?, client_id, user, password).await
    }

    /// The same, with whatever certificate the TLS configuration shows.
    ///
    /// # Errors
    /// If the broker refuses or does not answer.
    pub async fn open_with(
        broker: &str,
        tls: Arc<ClientConfig>,
        client_id: &str,
        user: &str,
        password: &str,
    ) -> Result<Self> {
        let (host, port) = broker.rsplit_once(':').with_context(|| format!("host:port in {broker}"))?;
        let mut options = MqttOptions::new(client_id, host, port.parse()?);
        options.set_credentials(user, password).set_keep_alive(Duration::from_secs(10)).set_clean_start(true);
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls)));
        options.set_max_packet_size(Some(MAX_PACKET_BYTES)).set_outgoing_inflight_upper_limit(100);
        let (client, mut events) = AsyncClient::new(options, 100);
        timeout(ANSWERS, connected(&mut events)).await.context("the broker did not answer")??;
        // Unbounded, but only a test talks: what is heard is read or dropped with the session.
        let (sender, incoming) = mpsc::unbounded_channel();
        let driver = tokio::spawn(drive(events, sender));
        Ok(Self { client, incoming, passed_over: VecDeque::new(), driver })
    }

    /// Publishes and gives the broker's word.
    ///
    /// # Errors
    /// If the connection ends instead.
    pub async fn publish(&mut self, topic: &str, payload: Vec<u8>) -> Result<PubAckReason> {
        let sent = self.client.publish(topic, QoS::AtLeastOnce, false, payload).await;
        self.explained(sent).await?;
        let puback = |heard: &Heard| match heard {
            Heard::Published(reason) => Some(*reason),
            _ => None,
        };
        self.find("a PUBACK", ANSWERS, puback).await
    }

    /// Subscribes and gives the broker's word.
    ///
    /// # Errors
    /// If the connection ends instead.
    pub async fn subscribe(&mut self, filter: &str) -> Result<SubscribeReasonCode> {
        let sent = self.client.subscribe(filter, QoS::AtLeastOnce).await;
        self.explained(sent).await?;
        let suback = |heard: &Heard| match heard {
            Heard::Subscribed(code) => Some(*code),
            _ => None,
        };
        self.find("a SUBACK", ANSWERS, suback).await
    }

    /// Publishes a batch of events of the device at `root`.
    ///
    /// # Errors
    /// If the broker refuses.
    pub async fn send_events(&mut self, root: DeviceRoot, batch: &EventBatch) -> Result<()> {
        let bytes = super::envelope(root.device, batch.clone()).encode()?;
        match self.publish(&root.topic(&Channel::Events), bytes).await? {
            PubAckReason::Success => Ok(()),
            reason => bail!("the broker refused events: {reason:?}"),
        }
    }

    /// The client only knows that the connection is gone; why was heard.
    async fn explained(&mut self, sent: Result<(), ClientError>) -> Result<()> {
        let Err(error) = sent else { return Ok(()) };
        let reason = self.ended(ANSWERS).await.unwrap_or_else(|_| error.to_string());
        bail!("the connection has ended: {reason}")
    }

    /// Waits until the server has said that everything up to `upto_seq` is stored.
    ///
    /// # Errors
    /// If it does not say so in time.
    pub async fn acked(&mut self, upto_seq: u64, deadline: Duration) -> Result<EventAck> {
        let acked = |heard: &Heard| match heard {
            Heard::Message(topic, payload) if topic.ends_with("/events/ack") => {
                let ack = Envelope::<EventAck>::decode(payload).ok()?.body;
                (ack.upto_seq >= upto_seq).then_some(ack)
            }
            _ => None,
        };
        self.find(&format!("an ack up to {upto_seq}"), deadline, acked).await
    }

    /// Whether the connection has ended; what was heard before may not be looked at yet.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.driver.is_finished()
    }

    /// Waits until the connection has ended, and gives the reason.
    ///
    /// # Errors
    /// If it goes on.
    pub async fn ended(&mut self, deadline: Duration) -> Result<String> {
        let ended = |heard: &Heard| match heard {
            Heard::Ended(reason) => Some(reason.clone()),
            _ => None,
        };
        self.find("the end of the session", deadline, ended).await
    }

    /// Waits for something heard that `wanted` takes; what it does not take is kept for later questions.
    ///
    /// # Errors
    /// If it does not come in time, or the connection ends before it.
    pub async fn find<T>(&mut self, what: &str, deadline: Duration, wanted: impl Fn(&Heard) -> Option<T>) -> Result<T> {
        if let Some(place) = self.passed_over.iter().position(|heard| wanted(heard).is_some()) {
            let heard = self.passed_over.remove(place).expect("the place was just found");
            return Ok(wanted(&heard).expect("it was wanted just now"));
        }
        let end = Instant::now() + deadline;
        loop {
            let heard = timeout_at(end, self.incoming.recv()).await;
            let heard = heard.map_err(|_| anyhow!("waited {} s in vain for {what}", deadline.as_secs()))?;
            let heard = heard.with_context(|| format!("the session is over, {what} will not come"))?;
            if let Some(found) = wanted(&heard) {
                return Ok(found);
            }
            if let Heard::Ended(reason) = &heard {
                bail!("the connection ended before {what}: {reason}");
            }
            self.passed_over.push_back(heard);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn connected(events: &mut EventLoop) -> Result<()> {
    loop {
        if let Event::Incoming(Packet::ConnAck(_)) = events.poll().await.context("connecting to the broker")? {
            return Ok(());
        }
    }
}

async fn drive(mut events: EventLoop, heard: mpsc::UnboundedSender<Heard>) {
    loop {
        let news = match events.poll().await {
            Ok(Event::Incoming(packet)) => heard_of(packet),
            Ok(Event::Outgoing(_)) => None,
            Err(error) => {
                // The test may be over; then nobody wants to know.
                let _ = heard.send(Heard::Ended(error.to_string()));
                return;
            }
        };
        if news.is_some_and(|news| heard.send(news).is_err()) {
            return;
        }
    }
}

fn heard_of(packet: Packet) -> Option<Heard> {
    Some(match packet {
        Packet::PubAck(ack) => Heard::Published(ack.reason),
        Packet::SubAck(ack) => Heard::Subscribed(*ack.return_codes.first()?),
        Packet::Publish(publish) => {
            Heard::Message(String::from_utf8_lossy(&publish.topic).into_owned(), publish.payload.to_vec())
        }
        _ => return None,
    })
}
