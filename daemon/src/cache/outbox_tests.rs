//! The outbox: numbers, budget, and what is there after opening again.

use ostiary_common::ids::{BootId, PackId};
use ostiary_common::seal::SealKey;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Latency, OutcomeKind, QualitySummary, ReportKind, Revision};

use super::*;
use crate::cache::open;

pub fn time() -> EventTime {
    EventTime { wall: UnixMillis(1), clock_synced: false, monotonic_ms: 2, boot: BootId(uuid::Uuid::nil()) }
}

pub fn report(detail: &str) -> EventDraft {
    let report = DeviceReport { kind: ReportKind::Started, detail: detail.into() };
    EventDraft { id: EventId::generate(), time: time(), visit: None, report: Some(report) }
}

pub fn visit(crop_bytes: usize) -> EventDraft {
    let visit = VisitReport {
        outcome: OutcomeKind::Unknown,
        matched: None,
        nearest: None,
        reason: None,
        liveness: None,
        threshold: 0.9,
        margin: 0.01,
        quality: QualitySummary::default(),
        frames: 3,
        embeddings: 3,
        gallery_rev: Revision(1),
        pack: PackId::parse("test@1").unwrap(),
        latency: Latency::default(),
        embedding: None,
        crop_jpeg: Some(vec![7; crop_bytes].into()),
    };
    EventDraft { id: EventId::generate(), time: time(), visit: Some(visit), report: None }
}

fn reopen(dir: &std::path::Path, budget: Budget) -> OutboxShelf {
    let key = SealKey::from_bytes([1; 32]);
    let opened = open(dir, &key, &PackId::parse("test@1").unwrap(), budget, "t").unwrap();
    assert!(opened.quarantine.is_none(), "{:?}", opened.quarantine);
    opened.cache.outbox
}

const WIDE: Budget = Budget { total_bytes: 1 << 20, media_bytes: 1 << 20 };

#[test]
fn numbers_go_on_after_opening_again_even_when_all_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    let outbox = reopen(&path, WIDE);
    let stream = outbox.stream();
    for n in 1..=5 {
        assert_eq!(outbox.append(visit(100)).unwrap(), (n, Dropped::default()));
    }
    outbox.set_durable_ms(5, 42).unwrap();
    outbox.delete_upto(2).unwrap();
    drop(outbox);
    let outbox = reopen(&path, WIDE);
    assert_eq!((outbox.stream(), outbox.first_seq(), outbox.last_seq(), outbox.len()), (stream, 3, 5, 3));
    let batch = outbox.batch(1, 64, 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|e| e.seq).collect::<Vec<_>>(), [3, 4, 5]);
    let last = batch[2].visit.as_ref().unwrap();
    assert_eq!(last.crop_jpeg.as_ref().unwrap().as_ref(), [7; 100]);
    assert_eq!(last.latency.decision_to_durable_ms, 42);
    outbox.delete_upto(5).unwrap();
    assert_eq!(outbox.size_bytes(), 0);
    drop(outbox);
    assert_eq!(reopen(&path, WIDE).append(report("next")).unwrap().0, 6);
}

#[test]
fn batches_stop_at_limits_and_have_at_least_one() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = reopen(&dir.path().join("cache"), WIDE);
    (0..10).for_each(|_| assert_eq!(outbox.append(visit(1000)).unwrap().1, Dropped::default()));
    for (from, max_events, max_bytes, expected) in
        [(1, 64, 1 << 20, 10), (1, 3, 1 << 20, 3), (8, 64, 1 << 20, 3), (1, 64, 1, 1), (1, 64, 5000, 3), (11, 64, 9, 0)]
    {
        let batch = outbox.batch(from, max_events, max_bytes).unwrap();
        assert_eq!(batch.len(), expected, "{from} {max_events} {max_bytes}");
    }
}

#[test]
fn pictures_go_first_events_last_and_both_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let budget = Budget { total_bytes: 6000, media_bytes: 3500 };
    let outbox = reopen(&dir.path().join("cache"), budget);
    let mut total = Dropped::default();
    for _ in 0..20 {
        let dropped = outbox.append(visit(1000)).unwrap().1;
        total.media += dropped.media;
        total.events += dropped.events;
        assert!(outbox.size_bytes() <= budget.total_bytes);
    }
    assert!(total.media >= 17 && total.events > 0, "{total:?}");
    let batch = outbox.batch(1, 64, 1 << 20).unwrap();
    assert_eq!(batch.last().unwrap().seq, 20);
    assert_eq!(batch.len() as u64 + total.events, 20);
    assert!(batch[0].visit.as_ref().unwrap().crop_jpeg.is_none());
}

#[test]
fn the_newest_pictures_stay_while_events_have_room() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = reopen(&dir.path().join("cache"), Budget { total_bytes: 1 << 20, media_bytes: 3500 });
    (0..9).for_each(|_| assert_eq!(outbox.append(visit(1000)).unwrap().1.events, 0));
    let batch = outbox.batch(1, 64, 1 << 20).unwrap();
    let pictures = batch.iter().map(|event| event.visit.as_ref().unwrap().crop_jpeg.is_some());
    assert_eq!(pictures.collect::<Vec<_>>(), [false, false, false, false, false, false, true, true, true]);
}
