//! What a batch of events must be before it goes anywhere near the store.

use std::collections::HashSet;

use ostiary_common::ids::EventId;
use ostiary_common::wire::{AckedBatch, EventBatch, EventRecord, MAX_EVENTS_PER_BATCH, QualitySummary};

/// Largest picture kept with an event, in bytes.
const MAX_CROP_BYTES: usize = 256 * 1024;
/// Largest embedding sent with an event, in bytes: 2048 numbers.
const MAX_EMBEDDING_BYTES: usize = 8 * 1024;
/// Longest text of a device's report, in characters.
const MAX_DETAIL_CHARS: usize = 2_000;

/// The highest number a batch may start at: what the store counts in, with room for the batch. No stream that is
/// honest gets there.
const MAX_SEQ: u64 = i64::MAX as u64 - MAX_EVENTS_PER_BATCH as u64;

/// What is wrong with a batch.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum BatchFault {
    /// No events, or too many.
    #[error("a batch has 1 to {MAX_EVENTS_PER_BATCH} events, this one has {0}")]
    Size(usize),
    /// Not a number a stream can have.
    #[error("sequence numbers go from 1 to {MAX_SEQ}, this batch starts at {0}")]
    SeqRange(u64),
    /// A gap or a step back within the batch.
    #[error("sequence number {found} stands where {expected} belongs")]
    Seq {
        /// The number that belongs there.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// The same event twice.
    #[error("event {0} is in the batch twice")]
    Twice(EventId),
    /// A visit and a report at once.
    #[error("event {0} is both a visit and a report")]
    Both(EventId),
    /// A number that is not one, or outside what it can be.
    #[error("event {id} has an impossible {what}")]
    Number {
        /// The event.
        id: EventId,
        /// Which number.
        what: &'static str,
    },
    /// Something is too large.
    #[error("event {id} has a {what} of {size}, at most {max} is taken")]
    TooLarge {
        /// The event.
        id: EventId,
        /// What.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// How large it may be.
        max: usize,
    },
}

/// A batch that hangs together, with the events that cannot be taken set apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sorted {
    /// The batch as it came, by name.
    pub(super) name: AckedBatch,
    /// What can be stored.
    pub(super) batch: EventBatch,
    /// What cannot, each with its number: it would be no better if sent again.
    pub(super) rejected: Vec<(u64, BatchFault)>,
}

/// Checks a batch as a whole, and sets apart the events that cannot be taken: one bad event must not keep the
/// others back for ever.
pub(super) fn sort(batch: EventBatch) -> Result<Sorted, BatchFault> {
    let name = whole(&batch)?;
    let mut rejected = Vec::new();
    let mut take = |event: &EventRecord| match check_event(event) {
        Ok(()) => true,
        Err(fault) => {
            rejected.push((event.seq, fault));
            false
        }
    };
    let EventBatch { stream, mut events } = batch;
    events.retain(&mut take);
    Ok(Sorted { name, batch: EventBatch { stream, events }, rejected })
}

/// What a batch must be as a whole, or its numbers mean nothing.
fn whole(batch: &EventBatch) -> Result<AckedBatch, BatchFault> {
    let events = &batch.events;
    let first = match events.first() {
        Some(first) if events.len() <= MAX_EVENTS_PER_BATCH => first.seq,
        _ => return Err(BatchFault::Size(events.len())),
    };
    if !(1..=MAX_SEQ).contains(&first) {
        return Err(BatchFault::SeqRange(first));
    }
    let mut ids = HashSet::with_capacity(events.len());
    for (expected, event) in (first..).zip(events) {
        if event.seq != expected {
            return Err(BatchFault::Seq { expected, found: event.seq });
        }
        if !ids.insert(event.id) {
            return Err(BatchFault::Twice(event.id));
        }
    }
    AckedBatch::of(events).ok_or(BatchFault::Size(0))
}

fn check_event(event: &EventRecord) -> Result<(), BatchFault> {
    let id = event.id;
    if event.visit.is_some() && event.report.is_some() {
        return Err(BatchFault::Both(id));
    }
    if let Some(report) = &event.report {
        at_most(id, "detail", report.detail.chars().count(), MAX_DETAIL_CHARS)?;
    }
    let Some(visit) = &event.visit else { return Ok(()) };
    let candidates = visit.matched.iter().chain(&visit.nearest).map(|c| ("similarity", c.similarity));
    let scores = [("threshold", visit.threshold), ("margin", visit.margin)].into_iter().chain(candidates);
    for (what, score) in scores {
        if !(-1.001..=2.001).contains(&score) {
            return Err(BatchFault::Number { id, what });
        }
    }
    if !quality_is_possible(&visit.quality) {
        return Err(BatchFault::Number { id, what: "quality" });
    }
    if !visit.liveness.iter().all(|l| [l.score, l.threshold].iter().all(|n| (0.0..=1.0).contains(n))) {
        return Err(BatchFault::Number { id, what: "liveness" });
    }
    at_most(id, "crop", visit.crop_jpeg.as_ref().map_or(0, |jpeg| jpeg.len()), MAX_CROP_BYTES)?;
    at_most(id, "embedding", visit.embedding.as_ref().map_or(0, |bytes| bytes.len()), MAX_EMBEDDING_BYTES)
}

fn quality_is_possible(quality: &QualitySummary) -> bool {
    let QualitySummary {
        overall, sharpness, exposure, pose, face_px, inter_eye_px, yaw_deg, pitch_deg, roll_deg, ..
    } = *quality;
    let measured = [inter_eye_px, yaw_deg, pitch_deg, roll_deg, quality.unoccluded].into_iter().flatten();
    [overall, sharpness, exposure, pose, face_px].into_iter().chain(measured).all(f32::is_finite)
}

fn at_most(id: EventId, what: &'static str, size: usize, max: usize) -> Result<(), BatchFault> {
    if size <= max { Ok(()) } else { Err(BatchFault::TooLarge { id, what, size, max }) }
}

#[cfg(test)]
pub(super) mod tests {
    use ostiary_common::ids::{BootId, PackId, StreamId};
    use ostiary_common::time::UnixMillis;
    use ostiary_common::wire::{
        DeviceReport, EventTime, Latency, LivenessPolicy, LivenessReport, OutcomeKind, ReportKind, Revision,
        VisitReport,
    };

    use super::*;

    pub(in crate::link) fn event(seq: u64) -> EventRecord {
        let boot = BootId(uuid::Uuid::from_u128(1));
        let time = EventTime { wall: UnixMillis(1_000), clock_synced: true, monotonic_ms: 5, boot };
        EventRecord { id: EventId::generate(), seq, time, visit: Some(visit()), report: None }
    }

    pub(in crate::link) fn batch(stream: StreamId, seqs: std::ops::RangeInclusive<u64>) -> EventBatch {
        EventBatch { stream, events: seqs.map(event).collect() }
    }

    fn visit() -> VisitReport {
        VisitReport {
            outcome: OutcomeKind::Unknown,
            matched: None,
            nearest: None,
            reason: None,
            liveness: None,
            threshold: 0.4,
            margin: 0.05,
            quality: QualitySummary::default(),
            frames: 3,
            embeddings: 1,
            gallery_rev: Revision(1),
            pack: PackId::parse("test@1").unwrap(),
            latency: Latency::default(),
            embedding: None,
            crop_jpeg: None,
        }
    }

    fn live(score: f32, threshold: f32) -> LivenessReport {
        LivenessReport { score, threshold, policy: LivenessPolicy::Report, cue: None }
    }

    fn expect(change: impl FnOnce(&mut EventBatch), expected: Option<&str>) {
        let mut batch = batch(StreamId::generate(), 5..=7);
        change(&mut batch);
        let first_rejected = |sorted: Sorted| sorted.rejected.first().map(|(_, fault)| fault.to_string());
        let found = sort(batch).map_or_else(|fault| Some(fault.to_string()), first_rejected);
        match (&found, expected) {
            (None, None) => {}
            (Some(found), Some(part)) if found.contains(part) => {}
            _ => panic!("expected {expected:?}, found {found:?}"),
        }
    }

    #[test]
    fn batches() {
        expect(|_| {}, None);
        expect(|b| b.events.clear(), Some("has 0"));
        expect(|b| b.events = (1..=65).map(event).collect(), Some("has 65"));
        expect(|b| b.events = (1..=64).map(event).collect(), None);
        expect(|b| b.events = vec![event(0)], Some("starts at 0"));
        expect(|b| b.events[1].seq = 9, Some("9 stands where 6"));
        expect(|b| b.events[1].seq = 5, Some("5 stands where 6"));
        expect(|b| b.events[2].id = b.events[0].id, Some("twice"));
        expect(|b| b.events = vec![event(u64::MAX)], Some("go from 1"));
        expect(|b| b.events = vec![event(MAX_SEQ)], None);
        let report = DeviceReport { kind: ReportKind::Started, detail: "x".repeat(MAX_DETAIL_CHARS + 1) };
        expect(|b| b.events[0].report = Some(report.clone()), Some("both"));
        expect(
            |b| {
                b.events[0].visit = None;
                b.events[0].report = Some(report.clone());
            },
            Some("detail"),
        );
        let with = |change: fn(&mut VisitReport)| move |b: &mut EventBatch| change(b.events[0].visit.as_mut().unwrap());
        expect(with(|v| v.threshold = f32::NAN), Some("threshold"));
        expect(with(|v| v.margin = 7.0), Some("margin"));
        expect(with(|v| v.quality.pose = f32::INFINITY), Some("quality"));
        expect(with(|v| v.quality.yaw_deg = Some(f32::NAN)), Some("quality"));
        expect(with(|v| v.liveness = Some(live(0.2, 0.5))), None);
        expect(with(|v| v.liveness = Some(live(1.2, 0.5))), Some("liveness"));
        expect(with(|v| v.liveness = Some(live(0.2, f32::NAN))), Some("liveness"));
        expect(with(|v| v.crop_jpeg = Some(vec![0; MAX_CROP_BYTES + 1].into())), Some("crop"));
        expect(with(|v| v.embedding = Some(vec![0; MAX_EMBEDDING_BYTES + 1].into())), Some("embedding"));
        expect(|b| b.events[0].visit = None, None);
    }

    #[test]
    fn one_bad_event_does_not_keep_the_others_back() {
        let mut mixed = batch(StreamId::generate(), 5..=7);
        mixed.events[1].visit.as_mut().unwrap().threshold = f32::NAN;
        let sorted = sort(mixed).unwrap();
        assert_eq!(sorted.batch.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [5, 7]);
        assert!(matches!(sorted.rejected[..], [(6, BatchFault::Number { what: "threshold", .. })]));
    }
}
