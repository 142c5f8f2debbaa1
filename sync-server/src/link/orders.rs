//! What is to be done for one device once: a command sent, a place among the topics cleared that nobody is at any more.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::home_assistant::discovery_topic;
use ostiary_common::topics::{Channel, DeviceRoot};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::outgoing::{Keep, Mailer, SendError};
use crate::domain::device::DeviceState;
use crate::ports::door_enrollment::{EnrollOrder, EnrollSay};
use crate::ports::{CommandOrder, Store};

/// Orders that wait. Full means that the broker is away for long: commands are refused, and a place is cleared at the
/// next start.
const QUEUE: usize = 1_024;
/// When a place is cleared: at once, and again for the last words of a session that was ended, which brokers keep too.
const CLEAR_AFTER: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];
/// Without a connection it is tried again this often.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// What brokers keep of a device.
const KEPT: [Channel; 5] =
    [Channel::ConfigDesired, Channel::Status, Channel::Info, Channel::Health, Channel::ConfigReported];

enum Order {
    Command(CommandOrder),
    Enroll(EnrollOrder),
    Departed(DeviceRoot),
}

/// Where orders are given.
pub(super) struct Orders(mpsc::Sender<Order>);

/// Carries them out.
pub(super) struct Errands {
    store: Arc<dyn Store>,
    mailer: Arc<Mailer>,
    queue: mpsc::Receiver<Order>,
    clearing: Vec<Clearing>,
}

/// A place being cleared.
#[derive(Clone, Copy)]
struct Clearing {
    root: DeviceRoot,
    since: Instant,
    /// How often it was cleared.
    times: usize,
    next: Instant,
}

/// A desk and what works for it.
pub(super) fn desk(store: Arc<dyn Store>, mailer: Arc<Mailer>) -> (Orders, Errands) {
    let (sender, queue) = mpsc::channel(QUEUE);
    (Orders(sender), Errands { store, mailer, queue, clearing: Vec::new() })
}

impl Orders {
    pub(super) fn departed(&self, root: DeviceRoot) {
        if self.0.try_send(Order::Departed(root)).is_err() {
            tracing::warn!(device.id = %root.device, "what the broker keeps of {} is cleared at the next start", root.device);
        }
    }

    pub(super) fn command(&self, order: CommandOrder) -> bool {
        self.0.try_send(Order::Command(order)).is_ok()
    }

    pub(super) fn enroll(&self, order: EnrollOrder) -> bool {
        self.0.try_send(Order::Enroll(order)).is_ok()
    }
}

impl Errands {
    /// Works until the desk is gone.
    pub(super) async fn run(mut self) {
        loop {
            let next = self.clearing.iter().map(|clearing| clearing.next).min();
            let due = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                order = self.queue.recv() => match order {
                    Some(Order::Command(order)) => self.send(order).await,
                    Some(Order::Enroll(order)) => self.tell(order).await,
                    Some(Order::Departed(root)) => {
                        let now = Instant::now();
                        self.clearing.push(Clearing { root, since: now, times: 0, next: now });
                    }
                    None => return,
                },
                () = tokio::time::sleep_until(due), if next.is_some() => self.clear_due().await,
            }
        }
    }

    /// Once: a command that does not reach the broker now would come at a time nobody thinks of it any more.
    async fn send(&self, order: CommandOrder) {
        let CommandOrder { root, session, kind, command } = order;
        let id = command.id;
        let sent = self.mailer.send(root, &Channel::Command(kind), Keep::No, session, command).await;
        if let Err(error) = sent {
            tracing::warn!(%error, device.id = %root.device, command.id = %id, "command {} was not sent", kind.as_str());
        }
    }

    /// Once as well: a start that is late begins nothing, and what a device is not told to forget it sends again.
    async fn tell(&self, order: EnrollOrder) {
        let EnrollOrder { root, session, say } = order;
        let mailer = &self.mailer;
        let sent = match say {
            EnrollSay::Start(body) => mailer.send(root, &Channel::EnrollStart, Keep::No, session, body).await,
            EnrollSay::Cancel(body) => mailer.send(root, &Channel::EnrollCancel, Keep::No, session, body).await,
            EnrollSay::Ack(body) => mailer.send(root, &Channel::EnrollAck, Keep::No, session, body).await,
        };
        if let Err(error) = sent {
            tracing::warn!(%error, device.id = %root.device, "{} is not told of an enrollment", root.device);
        }
    }

    async fn clear_due(&mut self) {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = self.clearing.drain(..).partition(|clearing| clearing.next <= now);
        self.clearing = later;
        for clearing in due {
            if let Some(again) = self.clear(clearing).await {
                self.clearing.push(again);
            }
        }
    }

    /// Clears a place unless somebody has come back to it; returns when to do so again.
    async fn clear(&self, clearing: Clearing) -> Option<Clearing> {
        let Clearing { root, since, times, .. } = clearing;
        let device = self.store.device(root.device).await.ok().flatten();
        let device = device.filter(|device| device.state != DeviceState::Revoked);
        if device.as_ref().is_some_and(|device| device.root() == root) {
            return None;
        }
        let here = KEPT.iter().map(|channel| root.topic(channel));
        // Home Assistant knows a device by its id alone: one that has moved describes itself anew in the same place.
        let described = device.is_none().then(|| discovery_topic(root.device));
        for topic in here.chain(described) {
            match self.mailer.clear(topic).await {
                Ok(()) => {}
                Err(SendError::Offline) => return Some(Clearing { next: Instant::now() + AGAIN_AFTER, ..clearing }),
                Err(error) => tracing::error!(%error, device.id = %root.device, "what is kept cannot be cleared"),
            }
        }
        let next = since + *CLEAR_AFTER.get(times + 1)?;
        Some(Clearing { times: times + 1, next: next.max(Instant::now()), ..clearing })
    }
}
