//! Where a visit's time went, as the API shows it.

use ostiary_common::wire::Latency;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::publishing::Budget;

/// Where the time went, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub struct LatencyView {
    /// From the visit's first frame to the decision.
    first_frame_to_decision_ms: u32,
    /// From the capture of the deciding frame to the decision.
    frame_to_decision_ms: u32,
    /// From the decision to its being safe on the device.
    decision_to_durable_ms: u32,
    /// From the decision to the sending of the batch it was stored from; long after an outage. Absent where the
    /// device's clock cannot tell.
    decision_to_published_ms: Option<u64>,
}

impl LatencyView {
    /// What the device measured, and what follows from when it was sent.
    pub(super) fn new(latency: &Latency, budget: &Budget) -> Self {
        Self {
            first_frame_to_decision_ms: latency.first_frame_to_decision_ms,
            frame_to_decision_ms: latency.frame_to_decision_ms,
            decision_to_durable_ms: latency.decision_to_durable_ms,
            decision_to_published_ms: budget.decision_to_published_ms,
        }
    }
}
