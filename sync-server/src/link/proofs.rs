//! A device's word that it holds exactly what it should is the proof that whoever was removed before is gone from it.

use std::sync::Arc;

use ostiary_common::ids::DeviceId;
use ostiary_common::wire::GalleryAck;

use super::core::CoreParts;
use super::patience::Patience;
use crate::domain::erasure::Confirmation;
use crate::identity::holding;
use crate::ports::{Clock, Store, StoreError};
use crate::refusals::{Refusal, RefusalLog};

/// Keeps devices' proofs.
pub(super) struct Proofs {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    refusals: Arc<RefusalLog>,
    patience: Patience,
}

impl Proofs {
    pub(super) fn new(parts: &CoreParts) -> Self {
        let (store, clock, refusals) = (parts.store.clone(), parts.clock.clone(), parts.refusals.clone());
        Self { store, clock, refusals, patience: parts.patience }
    }

    /// Takes the word of a device whose gallery was found to be the truth. Most words prove nothing new, and cost a
    /// look only.
    pub(super) async fn take(&self, id: DeviceId, ack: &GalleryAck) -> Result<(), StoreError> {
        if !self.patience.ask(|| self.store.confirmation_awaited(id, ack.rev)).await? {
            return Ok(());
        }
        let Some(device) = self.patience.ask(|| self.store.device(id)).await? else { return Ok(()) };
        let key_pem = device.public_key_pem;
        if let Some(proof) = &ack.proof {
            let said = (proof.at, proof.signature.as_slice());
            let checked = holding::check(id, key_pem.as_deref().unwrap_or(""), (ack.rev, &ack.digest), said);
            if let Err(error) = checked {
                self.refuse(id, error.to_string());
                return Ok(());
            }
        }
        let said = Confirmation {
            rev: ack.rev,
            digest: ack.digest,
            at: self.clock.now(),
            said_at: ack.proof.as_ref().map(|proof| proof.at),
            signature: ack.proof.as_ref().map(|proof| proof.signature.to_vec()),
            key_pem,
        };
        let erasures = self.patience.ask(|| self.store.confirm_erasures(id, &said)).await?;
        tracing::info!(device.id = %id, rev = ack.rev.0, erasures, "{id} has confirmed {erasures} erasures");
        Ok(())
    }

    fn refuse(&self, device: DeviceId, detail: String) {
        metrics::counter!("ostiary_server_holding_refused_total").increment(1);
        let (actor, target) = (format!("device:{device}"), String::new());
        self.refusals.refuse(Refusal { actor, action: "gallery.proof", target, source: String::new(), detail });
    }
}
