//! Between the embedded broker and the side that talks to devices.

use async_trait::async_trait;
use bytes::Bytes;

/// Where the embedded broker hands over what devices say.
#[async_trait]
pub trait DeviceEar: Send + Sync {
    /// Takes a message; returns when there was room for it. Until then the device's connection waits.
    async fn hear(&self, topic: &str, payload: Bytes);
}

/// Says things to devices and monitors through the embedded broker.
#[async_trait]
pub trait DeviceVoice: Send + Sync {
    /// Says something on a topic; the broker keeps it for those who come later if `keep`. `false` if the broker does
    /// not pass anything on any more.
    async fn say(&self, topic: String, keep: bool, payload: Bytes) -> bool;
    /// Whether a monitor is connected, who may read what is told to people.
    fn is_watched(&self) -> bool;
}
