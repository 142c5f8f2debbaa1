//! The door every message passes: decoded, from a device that is known and active, or refused and noted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ostiary_common::ids::DeviceId;
use ostiary_common::topics::DeviceRoot;

use super::batch::BatchFault;
use super::incoming::Incoming;
use super::patience::Patience;
use super::route::{Fault, Routed, route};
use crate::domain::device::{DeviceStanding, DeviceState};
use crate::ports::Store;
use crate::refusals::{Refusal, RefusalLog};

/// Checks messages against the store.
pub(super) struct Intake {
    store: Arc<dyn Store>,
    refusals: Arc<RefusalLog>,
    patience: Patience,
}

/// A message let in, and the device it is from.
pub(super) struct Admitted {
    pub(super) device: DeviceId,
    pub(super) routed: Routed,
}

/// Why a message goes no further.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("there is no such device")]
    Unknown,
    #[error("the device is {0}")]
    NotActive(&'static str),
    #[error("the device does not belong to this site")]
    Site,
}

impl Refused {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.reason(),
            Self::Unknown => "unknown_device",
            Self::NotActive(_) => "not_active",
            Self::Site => "site",
        }
    }
}

/// What became of a message at the door.
pub(super) enum Passed {
    /// Let in.
    In(Box<Admitted>),
    /// Refused or empty; there is nothing more to do for it.
    Out,
    /// The store did not answer; it must come again.
    NotNow,
}

impl Intake {
    pub(super) fn new(store: Arc<dyn Store>, refusals: Arc<RefusalLog>, patience: Patience) -> Self {
        Self { store, refusals, patience }
    }

    /// Lets each of these messages in or not; the store is asked once for all of them. What is answered is to name the
    /// highest session heard of a device, whatever its message says: one whose card was set back learns by that that it
    /// counts too low.
    pub(super) async fn pass_all(&self, messages: &[Incoming]) -> Vec<Passed> {
        let routed: Vec<_> = messages.iter().map(|message| route(&message.topic, &message.payload)).collect();
        let devices: HashSet<DeviceId> = routed.iter().flatten().flatten().map(|routed| routed.root.device).collect();
        let standings = self.standings(devices.into_iter().collect()).await;
        let answer = |(message, routed)| match (routed, &standings) {
            (Ok(None), _) => Passed::Out,
            (Err(fault), _) => self.refuse(message, &Refused::Fault(fault)),
            (Ok(Some(_)), None) => Passed::NotNow,
            (Ok(Some(routed)), Some(standings)) => self.admit(message, routed, standings),
        };
        messages.iter().zip(routed).map(answer).collect()
    }

    /// How devices stand with the store; `None` if it does not answer.
    async fn standings(&self, devices: Vec<DeviceId>) -> Option<HashMap<DeviceId, DeviceStanding>> {
        match self.patience.ask(|| self.store.device_standings(&devices)).await {
            Ok(standings) => Some(standings),
            Err(error) => {
                tracing::error!(%error, devices = devices.len(), "devices could not be looked up");
                None
            }
        }
    }

    fn admit(&self, message: &Incoming, routed: Routed, standings: &HashMap<DeviceId, DeviceStanding>) -> Passed {
        let device = routed.root.device;
        match known(standings.get(&device), routed.root) {
            Ok(standing) => {
                let routed = Routed { session: routed.session.max(standing.session), ..routed };
                Passed::In(Box::new(Admitted { device, routed }))
            }
            Err(refused) => self.refuse(message, &refused),
        }
    }

    /// Notes events that are not taken though their batch is.
    pub(super) fn reject(&self, topic: &str, device: DeviceId, rejected: &[(u64, BatchFault)]) {
        for (seq, fault) in rejected {
            metrics::counter!("ostiary_server_events_rejected_total").increment(1);
            self.refusals.refuse(Refusal {
                actor: format!("device:{device}"),
                action: "events.rejected",
                target: topic.to_owned(),
                source: String::new(),
                detail: format!("event number {seq} is not taken: {fault}"),
            });
        }
    }

    fn refuse(&self, message: &Incoming, refused: &Refused) -> Passed {
        let reason = refused.reason();
        metrics::counter!("ostiary_server_events_refused_total", "reason" => reason).increment(1);
        let actor = DeviceRoot::parse(&message.topic)
            .map_or_else(|| "unknown".to_owned(), |(r, _)| format!("device:{}", r.device));
        self.refusals.refuse(Refusal {
            actor,
            action: "ingest.refused",
            target: message.topic.clone(),
            source: String::new(),
            detail: format!("{reason}: {refused}"),
        });
        Passed::Out
    }
}

fn known(standing: Option<&DeviceStanding>, root: DeviceRoot) -> Result<&DeviceStanding, Refused> {
    let standing = standing.ok_or(Refused::Unknown)?;
    match standing.state {
        _ if standing.site != root.site => Err(Refused::Site),
        DeviceState::Active => Ok(standing),
        state => Err(Refused::NotActive(state.as_str())),
    }
}
