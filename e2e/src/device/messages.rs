//! What a device by hand says: batches of visits, right unless a test makes them wrong.

use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::{BootId, DeviceId, EventId, MsgId, PackId, StreamId};
use ostiary_common::wire::{
    EventBatch, EventRecord, EventTime, Latency, OutcomeKind, QualitySummary, Revision, VisitReport,
};

use super::now;

/// An envelope as a device sends it.
pub fn envelope<B: Body>(device: DeviceId, body: B) -> Envelope<B> {
    Envelope { v: WIRE_VERSION, msg_id: MsgId::generate(), device, session: 1, seq: 1, sent_at: now(), body }
}

/// `count` unknown visits from `first_seq` on.
#[must_use]
pub fn batch(stream: StreamId, first_seq: u64, count: u64) -> EventBatch {
    EventBatch { stream, events: (first_seq..first_seq + count).map(|seq| visit_with_crop(seq, 0)).collect() }
}

/// The events of a batch.
#[must_use]
pub fn event_ids(batch: &EventBatch) -> Vec<EventId> {
    batch.events.iter().map(|event| event.id).collect()
}

/// An unknown visit with `crop_bytes` of picture.
#[must_use]
pub fn visit_with_crop(seq: u64, crop_bytes: usize) -> EventRecord {
    let crop = (crop_bytes > 0).then(|| vec![0xD8; crop_bytes].into());
    EventRecord { id: EventId::generate(), seq, time: time(), visit: Some(visit(crop)), report: None }
}

fn time() -> EventTime {
    EventTime { wall: now(), clock_synced: true, monotonic_ms: 1_000, boot: BootId::generate() }
}

fn visit(crop_jpeg: Option<serde_bytes::ByteBuf>) -> VisitReport {
    VisitReport {
        outcome: OutcomeKind::Unknown,
        matched: None,
        nearest: None,
        reason: None,
        liveness: None,
        threshold: 0.93,
        margin: 0.01,
        quality: QualitySummary {
            overall: 0.8,
            sharpness: 0.8,
            exposure: 0.8,
            pose: 0.9,
            face_px: 120.0,
            ..QualitySummary::default()
        },
        frames: 20,
        embeddings: 4,
        gallery_rev: Revision(0),
        pack: PackId::parse("ostiary-default@1").expect("the default pack's id is one"),
        latency: Latency::default(),
        embedding: None,
        crop_jpeg,
    }
}
