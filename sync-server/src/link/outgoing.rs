//! Sending to devices, through whatever connection there is now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use ostiary_common::codec::CodecError;
use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::MsgId;
use ostiary_common::topics::{Channel, DeviceRoot};
use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::PublishProperties;

use crate::ports::Clock;

/// Why a message was not sent. None of them is retried here: devices ask again, and what must be told is told
/// when the connection is back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no connection to the broker.
    #[error("the broker is not connected")]
    Offline,
    /// The message is over its cap.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// How long a notice or an answer is worth delivering: a device that was away for longer asks anyway.
const BRIEFLY_S: u32 = 60;

/// Whether the broker keeps a message for those who subscribe later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Whoever is subscribed now.
    No,
    /// Whoever is subscribed now, and who comes back within a minute: later it says nothing any more.
    Briefly,
    /// The newest of the topic is kept.
    Yes,
}

/// Hands bytes to the broker; waits while it is behind.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Hands over one message.
    ///
    /// # Errors
    /// [`SendError::Offline`] without a connection.
    async fn send(&self, topic: String, keep: Keep, payload: Vec<u8>) -> Result<(), SendError>;

    /// Whether anybody may be reading what is told to people; where that is not known, somebody may.
    fn is_watched(&self) -> bool {
        true
    }
}

/// The connection there is now, if any.
#[derive(Clone, Default)]
pub(super) struct Current(Arc<ArcSwapOption<AsyncClient>>);

/// The end of [`Current`] that the connection holds.
pub(super) struct Feed(Current);

/// A place to send to, and the end that says through what.
pub(super) fn channel() -> (Arc<dyn Outbound>, Feed) {
    let current = Current::default();
    (Arc::new(current.clone()), Feed(current))
}

impl Feed {
    /// Messages go through this client from now on, or nowhere.
    pub(super) fn set(&self, client: Option<AsyncClient>) {
        self.0.0.store(client.map(Arc::new));
    }
}

#[async_trait]
impl Outbound for Current {
    async fn send(&self, topic: String, keep: Keep, payload: Vec<u8>) -> Result<(), SendError> {
        let client = self.0.load_full().ok_or(SendError::Offline)?;
        // An error means that the connection ended meanwhile, or that the topic is not one, which cannot be:
        // topics are made in one place.
        let message_expiry_interval = (keep == Keep::Briefly).then_some(BRIEFLY_S);
        let properties = PublishProperties { message_expiry_interval, ..PublishProperties::default() };
        let retain = keep == Keep::Yes;
        let sent = client.publish_with_properties(topic, QoS::AtLeastOnce, retain, payload, properties).await;
        sent.map_err(|_| SendError::Offline)
    }
}

/// Puts messages into envelopes and sends them.
pub(super) struct Mailer {
    out: Arc<dyn Outbound>,
    clock: Arc<dyn Clock>,
    sent: AtomicU64,
}

impl Mailer {
    pub(super) fn new(out: Arc<dyn Outbound>, clock: Arc<dyn Clock>) -> Self {
        Self { out, clock, sent: AtomicU64::new(0) }
    }

    /// Sends `body` to a device; `session` is the last one heard of it, 0 if none.
    pub(super) async fn send<B: Body>(
        &self,
        root: DeviceRoot,
        channel: &Channel,
        keep: Keep,
        session: u64,
        body: B,
    ) -> Result<(), SendError> {
        let envelope = Envelope {
            v: WIRE_VERSION,
            msg_id: MsgId::generate(),
            device: root.device,
            session,
            seq: self.sent.fetch_add(1, Ordering::Relaxed) + 1,
            sent_at: self.clock.now(),
            body,
        };
        self.out.send(root.topic(channel), keep, envelope.encode()?).await
    }

    /// Clears what the broker keeps of a topic.
    pub(super) async fn clear(&self, topic: String) -> Result<(), SendError> {
        self.out.send(topic, Keep::Yes, Vec::new()).await
    }

    /// Whether anybody may be reading what is told to people.
    pub(super) fn is_watched(&self) -> bool {
        self.out.is_watched()
    }

    /// Sends bytes as they are, for people and other systems.
    pub(super) async fn tell(&self, root: DeviceRoot, channel: &Channel, json: Vec<u8>) -> Result<(), SendError> {
        self.out.send(root.topic(channel), Keep::No, json).await
    }
}
