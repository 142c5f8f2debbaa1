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
    outbox.set_durable_ms(5, 42);
    let durable_ms = |outbox: &OutboxShelf| {
        let last = outbox.batch(5, 1, 1).unwrap();
        last[0].visit.as_ref().unwrap().latency.decision_to_durable_ms
    };
    assert_eq!(durable_ms(&outbox), 42);
    outbox.delete_upto(2).unwrap();
    drop(outbox);
    let outbox = reopen(&path, WIDE);
    assert_eq!((outbox.stream(), outbox.first_seq(), outbox.last_seq(), outbox.len()), (stream, 3, 5, 3));
    let batch = outbox.batch(1, 64, 1 << 20).unwrap();
    assert_eq!(batch.iter().map(|e| e.seq).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(batch[2].visit.as_ref().unwrap().crop_jpeg.as_ref().unwrap().as_ref(), [7; 100]);
    outbox.delete_upto(5).unwrap();
    assert_eq!((outbox.len(), outbox.first_seq()), (0, 6));
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
fn a_burst_costs_one_flush_and_is_read_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    let outbox = reopen(&path, WIDE);
    let drafts: Vec<EventDraft> = (0..150).map(|n| if n % 2 == 0 { report("r") } else { visit(10) }).collect();
    assert_eq!(outbox.append_all(&drafts).unwrap(), (150, Dropped::default()));
    drop(outbox);
    let found = reopen(&path, WIDE).batch(1, 1000, u64::MAX).unwrap();
    assert_eq!(found.into_iter().map(EventDraft::from).collect::<Vec<_>>(), drafts);
}

#[test]
fn a_new_stream_numbers_what_waits_from_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cache");
    let outbox = reopen(&path, WIDE);
    let drafts: Vec<EventDraft> = (0..9).map(|_| report("r")).collect();
    outbox.append_all(&drafts).unwrap();
    outbox.delete_upto(4).unwrap();
    let stream = StreamId::generate();
    outbox.begin_stream(stream).unwrap();
    for outbox in [outbox, reopen(&path, WIDE)] {
        assert_eq!((outbox.stream(), outbox.first_seq(), outbox.last_seq(), outbox.len()), (stream, 1, 5, 5));
        let found = outbox.batch(0, 64, 1 << 20).unwrap();
        assert_eq!(found.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(found.into_iter().map(EventDraft::from).collect::<Vec<_>>(), drafts[4..]);
    }
}

/// What is in the outbox after so many visits with pictures and a report now and then.
fn filled(budget: Budget, visits: usize) -> (OutboxShelf, Dropped, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let outbox = reopen(&dir.path().join("cache"), budget);
    let mut total = Dropped::default();
    for n in 0..visits {
        let draft = if n % 10 == 9 { report(&"words ".repeat(60)) } else { visit(1000) };
        total += outbox.append(draft).unwrap().1;
        assert!(outbox.size_bytes() <= budget.total_bytes, "{} bytes after {n}", outbox.size_bytes());
    }
    (outbox, total, dir)
}

#[test]
fn pictures_go_first_then_words_events_last_and_all_are_counted() {
    let budget = Budget { total_bytes: 64 << 10, media_bytes: 48 << 10 };
    let (outbox, dropped, _dir) = filled(budget, 60);
    assert_eq!((dropped.events, dropped.reports), (0, 0), "{dropped:?}");
    assert!(dropped.media > 0, "{dropped:?}");
    let (outbox_after, dropped, _dir) = filled(budget, 1500);
    assert!(dropped.events > 0 && dropped.reports > 0, "{dropped:?}");
    assert_eq!(outbox_after.len() as u64 + dropped.events, 1500);
    assert_eq!(outbox_after.first_seq(), dropped.upto_seq + 1);
    let newest = outbox_after.batch(1499, 1, 1).unwrap();
    assert!(newest[0].visit.as_ref().unwrap().crop_jpeg.is_some(), "the newest picture stays");
    let kept = outbox.batch(1, 64, 1 << 20).unwrap();
    assert!(kept[0].visit.as_ref().unwrap().crop_jpeg.is_none(), "the oldest picture went");
    assert_eq!(kept[9].report.as_ref().unwrap().detail.len(), 360, "its words stayed");
}

/// A real disk that is really full; needs root to mount one.
#[test]
fn a_full_disk_costs_pictures_then_refuses_and_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mount = |args: &[&str]| std::process::Command::new(args[0]).args(&args[1..]).arg(dir.path()).output();
    let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=800k", "tmpfs"]);
    if !mounted.is_ok_and(|done| done.status.success()) {
        eprintln!("SKIPPED a_full_disk: cannot mount a small file system here");
        return;
    }
    let outcome = std::panic::catch_unwind(|| {
        let hog = dir.path().join("hog");
        std::fs::write(&hog, vec![1; 200 << 10]).unwrap();
        let budget = Budget { total_bytes: 4 << 20, media_bytes: 4 << 20 };
        let key = SealKey::from_bytes([1; 32]);
        let outbox = OutboxShelf::open(&dir.path().join("outbox"), &key, budget).ok().unwrap().outbox;
        let (mut written, mut dropped) = (0, Dropped::default());
        let refusal = loop {
            match outbox.append(visit(2000)) {
                Ok((seq, gone)) => {
                    written = seq;
                    dropped += gone;
                }
                Err(error) => break error,
            }
        };
        assert!(refusal.is_full(), "{refusal}");
        assert!(dropped.media > 100 && dropped.events == 0, "{dropped:?} of {written}");
        assert_eq!(outbox.len() as u64, written, "every event is still there");
        std::fs::remove_file(&hog).unwrap();
        assert_eq!(outbox.append(visit(2000)).unwrap().0, written + 1);
        let gone = outbox.drop_oldest();
        assert_eq!(outbox.first_seq(), gone.upto_seq + 1);
        drop(outbox);
        let outbox = OutboxShelf::open(&dir.path().join("outbox"), &key, budget).ok().unwrap().outbox;
        assert_eq!((outbox.first_seq(), outbox.last_seq()), (gone.upto_seq + 1, written + 1));
    });
    assert!(mount(&["umount"]).unwrap().status.success());
    outcome.unwrap();
}

#[test]
fn a_damaged_segment_takes_only_its_own_events_with_it() {
    let budget = Budget { total_bytes: 128 << 10, media_bytes: 128 << 10 };
    let (outbox, dropped, dir) = filled(budget, 40);
    assert_eq!(dropped, Dropped::default());
    drop(outbox);
    let mut segments: Vec<_> = std::fs::read_dir(dir.path().join("outbox"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    segments.sort();
    assert!(segments.len() > 4, "{segments:?}");
    let destroyed = std::fs::read(&segments[2]).unwrap();
    std::fs::write(&segments[2], vec![0; destroyed.len()]).unwrap();
    let key = SealKey::from_bytes([1; 32]);
    let opened = open(&dir.path().join("cache"), &key, &PackId::parse("test@1").unwrap(), budget, "t").unwrap();
    assert!(opened.quarantine.unwrap().reason.contains("missing"));
    let outbox = opened.cache.outbox;
    assert_eq!((outbox.first_seq(), outbox.last_seq()), (1, 40));
    let before = outbox.batch(1, 64, 1 << 20).unwrap();
    let after = outbox.batch(before.last().unwrap().seq + 1, 64, 1 << 20).unwrap();
    assert!(after[0].seq > before.last().unwrap().seq + 1, "a gap ends the batch");
    assert_eq!(after.last().unwrap().seq, 40);
}
