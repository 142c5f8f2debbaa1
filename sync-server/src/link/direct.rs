//! The way between the link and a broker of the same process: messages are handed over, not sent.
//!
//! A device's message waits at the broker, and with it the device's connection, until there is room here. What is
//! taken in and not dealt with yet is bounded by its size; what the store could not take is brought again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Inboxes;
use super::incoming::{Courier, Incoming, Receipt};
use super::outgoing::{Keep, Outbound, SendError};
use crate::ports::{DeviceEar, DeviceVoice};

/// What may be under way at once, KiB; each message counts as one KiB at least.
const UNDER_WAY_KIB: u32 = 64 * 1024;
/// After how long a message the store could not take is brought again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Where the broker hands messages over.
pub(super) struct Ear {
    inboxes: Arc<Inboxes>,
    room: Arc<Semaphore>,
    again_after: Duration,
}

impl Ear {
    pub(super) fn new(inboxes: Inboxes) -> Self {
        Self::patient(inboxes, AGAIN_AFTER)
    }

    fn patient(inboxes: Inboxes, again_after: Duration) -> Self {
        let room = Arc::new(Semaphore::new(UNDER_WAY_KIB as usize));
        Self { inboxes: Arc::new(inboxes), room, again_after }
    }
}

#[async_trait]
impl DeviceEar for Ear {
    async fn hear(&self, topic: &str, payload: Bytes) {
        let kib = u32::try_from(payload.len() / 1024 + 1).unwrap_or(UNDER_WAY_KIB).min(UNDER_WAY_KIB);
        // Both fail only when the link has ended, and the server with it.
        let Ok(room) = self.room.clone().acquire_many_owned(kib).await else { return };
        let (topic, inboxes, again_after) = (topic.to_owned(), self.inboxes.clone(), self.again_after);
        let message = Message { topic, payload, inboxes, again_after, _room: room };
        message.hand_over().await;
    }
}

/// A message and the room it takes.
struct Message {
    topic: String,
    payload: Bytes,
    inboxes: Arc<Inboxes>,
    again_after: Duration,
    _room: OwnedSemaphorePermit,
}

impl Message {
    async fn hand_over(self) {
        let (topic, payload, inboxes) = (self.topic.clone(), self.payload.clone(), self.inboxes.clone());
        inboxes.put_when_room(Incoming { topic, payload, receipt: Receipt::to(Carried(Some(self))) }).await;
    }
}

/// A message with the link. Dropped before it was settled, it is brought again.
struct Carried(Option<Message>);

#[async_trait]
impl Courier for Carried {
    async fn settled(mut self: Box<Self>) {
        self.0 = None;
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        // Without a runtime the program ends.
        let (Some(message), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        metrics::counter!("ostiary_server_link_brought_again_total").increment(1);
        runtime.spawn(async move {
            tokio::time::sleep(message.again_after).await;
            if message.inboxes.are_read() {
                message.hand_over().await;
            }
        });
    }
}

/// What the link says goes through the broker's own voice.
pub(super) struct Spoken(pub(super) Arc<dyn DeviceVoice>);

#[async_trait]
impl Outbound for Spoken {
    async fn send(&self, topic: String, keep: Keep, payload: Vec<u8>) -> Result<(), SendError> {
        // Nothing is delivered late here: no session outlives its connection.
        let said = self.0.say(topic, keep == Keep::Yes, payload.into()).await;
        if said { Ok(()) } else { Err(SendError::Offline) }
    }

    fn is_watched(&self) -> bool {
        self.0.is_watched()
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::inboxes;
    use super::*;

    #[tokio::test]
    async fn what_is_not_settled_is_brought_again_in_its_own_room() {
        let (inboxes, mut queues) = inboxes(4);
        let ear = Ear::patient(inboxes, Duration::from_millis(1));
        ear.hear("a/b/events", Bytes::from_static(b"one")).await;
        ear.hear("a/b/gallery/request", Bytes::from_static(b"two")).await;
        assert_eq!(ear.room.available_permits(), UNDER_WAY_KIB as usize - 2);
        drop(queues.events.recv().await.unwrap().receipt);
        queues.gallery.recv().await.unwrap().receipt.give().await;
        assert_eq!(ear.room.available_permits(), UNDER_WAY_KIB as usize - 1, "it keeps its place");
        let again = queues.events.recv().await.unwrap();
        assert_eq!(&again.payload[..], b"one");
        again.receipt.give().await;
        assert_eq!(ear.room.available_permits(), UNDER_WAY_KIB as usize);
    }
}
