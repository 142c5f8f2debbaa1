//! Saying things to clients from within the broker's own process, without a connection to it.

use async_trait::async_trait;
use bytes::Bytes;
use rmqtt::codec::types::QoS;
use rmqtt::context::ServerContext;
use rmqtt::session::SessionState;
use rmqtt::types::{CodecPublish, From, Id, Publish};

use std::sync::Arc;
use std::time::Duration;

use super::LINK_USER;
use super::acl::Principal;
use super::gate::Gate;
use crate::ports::DeviceVoice;

/// How the broker says "for ever" of what it keeps.
const FOR_EVER: Duration = Duration::ZERO;

/// The broker, as something that speaks.
pub(super) struct Voice {
    pub(super) context: ServerContext,
    pub(super) gate: Arc<Gate>,
}

#[async_trait]
impl DeviceVoice for Voice {
    async fn say(&self, topic: String, keep: bool, payload: Bytes) -> bool {
        let from = From::from_system(Id::from(self.context.node.id(), LINK_USER.into()));
        let inner = CodecPublish {
            dup: false,
            retain: keep,
            qos: QoS::AtLeastOnce,
            topic: topic.into(),
            packet_id: None,
            payload,
            properties: None,
        };
        let create_time = Some(rmqtt::utils::timestamp_millis());
        let publish = Publish { inner: Box::new(inner), target_clientid: None, delay_interval: None, create_time };
        let said = SessionState::forwards(&self.context, from, publish, false, keep.then_some(FOR_EVER)).await;
        said.inspect_err(|error| tracing::warn!(%error, "the broker could not pass a message on")).is_ok()
    }

    fn is_watched(&self) -> bool {
        self.gate.sessions.any(|principal| matches!(principal, Principal::Monitor))
    }
}
