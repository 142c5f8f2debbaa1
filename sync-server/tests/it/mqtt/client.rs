//! An MQTT 5 client that says what the broker answered.

use std::collections::VecDeque;
use std::time::Duration;

use ostiary_common::topics::DeviceRoot;
use ostiary_server::broker::MONITOR_USER;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, LastWill, Packet, PubAckReason, Publish, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, MqttOptions};
use rumqttc::{TlsConfiguration, Transport};
use tokio::sync::mpsc;

use super::world::World;

/// Long enough for a busy machine; nothing here waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long "nothing comes" is watched.
pub const SILENCE: Duration = Duration::from_millis(300);

/// A connected client.
pub struct Client {
    pub mqtt: AsyncClient,
    packets: mpsc::UnboundedReceiver<Packet>,
    /// Messages that came while something else was waited for.
    waiting: VecDeque<Packet>,
    task: tokio::task::JoinHandle<ConnectionError>,
}

/// Options for `user`, as a device would set them.
pub fn options(world: &World, client_id: &str, user: &str, password: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, "127.0.0.1", world.broker.local_addr.port());
    options
        .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(world.trust.clone())))
        .set_credentials(user, password)
        .set_keep_alive(Duration::from_secs(5))
        .set_max_packet_size(Some(2 * 1024 * 1024))
        .set_outgoing_inflight_upper_limit(64);
    options
}

impl Client {
    /// Connects, or says how it was refused.
    pub async fn connect(options: MqttOptions) -> Result<Self, ConnectReturnCode> {
        let (mqtt, mut events) = AsyncClient::new(options, 64);
        match tokio::time::timeout(PATIENCE, events.poll()).await.expect("the broker answers") {
            Ok(_) => {}
            Err(ConnectionError::ConnectionRefused(code)) => return Err(code),
            Err(error) => panic!("no connection: {error}"),
        }
        let (sender, packets) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(packet)) => drop(sender.send(packet)),
                    Ok(Event::Outgoing(_)) => {}
                    Err(error) => return error,
                }
            }
        });
        Ok(Self { mqtt, packets, waiting: VecDeque::new(), task })
    }

    /// A device with a good token.
    pub async fn device(world: &World, root: DeviceRoot) -> Self {
        let id = root.device.to_string();
        Self::connect(options(world, &id, &id, &world.token(root))).await.expect("a good token is let in")
    }

    /// The monitor.
    pub async fn monitor(world: &World) -> Self {
        Self::connect(options(world, "desk", MONITOR_USER, &world.monitor_password)).await.expect("let in")
    }

    /// The next packet `pick` wants. Messages it does not want wait for who does.
    pub async fn next<T>(&mut self, mut pick: impl FnMut(&Packet) -> Option<T>) -> T {
        let found = self.waiting.iter().enumerate().find_map(|(at, packet)| pick(packet).map(|found| (at, found)));
        if let Some((at, found)) = found {
            self.waiting.remove(at);
            return found;
        }
        let wanted = async {
            loop {
                let packet = self.packets.recv().await.expect("still connected");
                match pick(&packet) {
                    Some(found) => return found,
                    None if matches!(packet, Packet::Publish(_)) => self.waiting.push_back(packet),
                    None => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, wanted).await.expect("the packet comes")
    }

    /// Subscribes to one filter and says what the broker answered.
    pub async fn subscribe(&mut self, filter: &str) -> SubscribeReasonCode {
        self.mqtt.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        self.next(|packet| match packet {
            Packet::SubAck(ack) => ack.return_codes.first().copied(),
            _ => None,
        })
        .await
    }

    /// Publishes with QoS 1 and says what the broker answered.
    pub async fn publish(&mut self, topic: &str, retain: bool, payload: impl Into<Vec<u8>>) -> PubAckReason {
        self.mqtt.publish(topic, QoS::AtLeastOnce, retain, payload.into()).await.unwrap();
        self.next(|packet| match packet {
            Packet::PubAck(ack) => Some(ack.reason),
            _ => None,
        })
        .await
    }

    /// The next message.
    pub async fn message(&mut self) -> Publish {
        self.next(|packet| match packet {
            Packet::Publish(publish) => Some(publish.clone()),
            _ => None,
        })
        .await
    }

    /// Fails if a message comes within [`SILENCE`].
    pub async fn expect_silence(&mut self) {
        if let Ok(publish) = tokio::time::timeout(SILENCE, self.message()).await {
            panic!("a message came on {:?}", publish.topic);
        }
    }

    /// Waits until the connection ends.
    pub async fn ended(self) -> ConnectionError {
        tokio::time::timeout(PATIENCE, self.task).await.expect("the connection ends").unwrap()
    }

    /// Goes without a word, so that the will is sent.
    pub fn vanish(self) {
        self.task.abort();
    }
}

/// A will on `topic`.
pub fn will(topic: &str, payload: &[u8]) -> LastWill {
    LastWill::new(topic, payload.to_vec(), QoS::AtLeastOnce, true, None)
}
