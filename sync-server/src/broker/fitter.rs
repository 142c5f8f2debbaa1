//! What the broker grants each connection: the server's own client gets a deep queue, everybody else a shallow
//! one.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rmqtt::fitter::{DefaultFitter, Fitter, FitterManager};
use rmqtt::types::{CodecPublish, ConnectInfo, Disconnect, FitterType, Id, ListenerConfig};

use super::LINK_USER;

/// How many messages may wait for the server's own client. Beyond it the broker drops the oldest; devices send
/// unacknowledged events again, so this bounds memory and loses nothing.
pub(super) const LINK_QUEUE: usize = 20_000;

/// Makes the terms of each connection.
pub(super) struct Terms;

impl FitterManager for Terms {
    fn create(&self, connect: Arc<ConnectInfo>, id: Id, listener: ListenerConfig) -> FitterType {
        let is_link = id.username.as_deref() == Some(LINK_USER);
        let max_queue = if is_link { LINK_QUEUE } else { listener.max_mqueue_len };
        Arc::new(Granted { usual: DefaultFitter::new(connect, id, listener), max_queue })
    }
}

struct Granted {
    usual: DefaultFitter,
    max_queue: usize,
}

#[async_trait]
impl Fitter for Granted {
    fn keep_alive(&self, keep_alive: &mut u16) -> rmqtt::Result<u16> {
        self.usual.keep_alive(keep_alive)
    }

    fn max_mqueue_len(&self) -> usize {
        self.max_queue
    }

    fn mqueue_rate_limit(&self) -> (NonZeroU32, Duration) {
        self.usual.mqueue_rate_limit()
    }

    fn max_inflight(&self) -> NonZeroU16 {
        self.usual.max_inflight()
    }

    /// Nobody's session outlives its connection: what must not be lost is kept by devices and the store, and a
    /// queue for absent clients would only grow.
    fn session_expiry_interval(&self, _: Option<&Disconnect>) -> Duration {
        Duration::ZERO
    }

    fn message_expiry_interval(&self, publish: &CodecPublish) -> Duration {
        self.usual.message_expiry_interval(publish)
    }

    fn max_client_topic_aliases(&self) -> u16 {
        self.usual.max_client_topic_aliases()
    }

    fn max_server_topic_aliases(&self) -> u16 {
        self.usual.max_server_topic_aliases()
    }
}
