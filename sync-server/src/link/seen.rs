//! Tells people and other systems what was seen, with names, after it is stored.
//!
//! This is a mirror for Home Assistant, Node-RED and a terminal, read by the monitor login only. It is not the
//! record: what cannot be told here is in the store and comes by the API.

use std::sync::Arc;

use ostiary_common::ids::EventId;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{Seen, to_json};
use tokio::sync::mpsc;

use super::outgoing::Mailer;
use crate::domain::event::StoredEvent;
use crate::domain::publishing::Budget;
use crate::ports::{Store, StoreError};

/// Tells what was seen.
pub(super) struct Teller {
    pub(super) store: Arc<dyn Store>,
    pub(super) mailer: Arc<Mailer>,
}

impl Teller {
    /// Tells what comes until there is no more.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Vec<EventId>>) {
        while let Some(events) = queue.recv().await {
            for id in events {
                if let Err(error) = self.tell(id).await {
                    tracing::warn!(%error, event.id = %id, "event {id} could not be told");
                }
            }
        }
    }

    async fn tell(&self, id: EventId) -> Result<(), StoreError> {
        let Some(event) = self.store.event(id).await? else { return Ok(()) };
        let door = self.store.door(event.door).await?;
        let root = DeviceRoot { site: event.site, device: event.device };
        if let Some(seen) = seen(event, door.map(|door| door.name).unwrap_or_default()) {
            // Nobody to tell it to while the broker is away.
            let _ = self.mailer.tell(root, &Channel::Seen, to_json(&seen)).await;
        }
        Ok(())
    }
}

/// A visit in words; `None` for what a device says of itself, which is no business of a monitor.
fn seen(event: StoredEvent, door_name: String) -> Option<Seen> {
    let visit = event.record.visit?;
    let budget = Budget::of(&visit, event.at, event.published_at);
    Some(Seen {
        event: event.record.id,
        device: event.device,
        door: event.door,
        door_name,
        outcome: visit.outcome,
        at: event.at.to_rfc3339(),
        person: event.person,
        name: event.person_name,
        similarity: visit.matched.map(|candidate| candidate.similarity),
        reason: visit.reason,
        liveness: visit.liveness,
        quality: Some(visit.quality),
        captured_at: Some(budget.captured_at.to_rfc3339()),
        decided_at: Some(budget.decided_at.to_rfc3339()),
        published_at: event.published_at.map(|at| at.to_rfc3339()),
        stored_at: Some(event.stored_at.to_rfc3339()),
        frame_to_decision_ms: Some(visit.latency.frame_to_decision_ms),
        decision_to_published_ms: budget.decision_to_published_ms,
        held_back: budget.held_back,
    })
}
