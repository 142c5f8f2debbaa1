//! Damage of every kind: whatever happened to the files, the cache opens, and what it gives is either what
//! was written or reported as set aside.

use std::fs;
use std::path::{Path, PathBuf};

use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::seal::SealKey;
use ostiary_common::wire::{Angle, PersonChange, Revision, TemplateRow};

use super::open::Opened;
use super::outbox::tests::{report, visit};
use super::*;
use crate::domain::holdings::{GalleryHead, GalleryStep, Holdings};

const BUDGET: Budget = Budget { total_bytes: 1 << 22, media_bytes: 1 << 22 };

fn key() -> SealKey {
    SealKey::from_bytes([3; 32])
}

fn pack() -> PackId {
    PackId::parse("test@1").unwrap()
}

fn open_at(path: &Path) -> Opened {
    open(&path.join("cache"), &key(), &pack(), BUDGET, "stamp").unwrap()
}

fn update(rev: u64, persons: u64) -> GalleryStep {
    let changes: Vec<PersonChange> = (0..persons)
        .map(|_| {
            let row = TemplateRow {
                id: TemplateId::generate(),
                version: 1,
                angle: Angle::Frontal,
                embedding: vec![5; 512].into(),
            };
            PersonChange { person: PersonId::generate(), rev: Revision(rev), templates: vec![row] }
        })
        .collect();
    let digest = Holdings::default().digest_after(&changes);
    GalleryStep { changes, stamp: 0, head: GalleryHead { rev: Revision(rev), digest, ..GalleryHead::default() } }
}

/// A cache with a gallery of 20 persons at revision 7, 30 events, and a session.
fn filled(path: &Path) {
    let cache = open_at(path).cache;
    cache.gallery.apply(&update(7, 20), &pack()).unwrap();
    for n in 0..30 {
        cache.outbox.append(if n % 3 == 0 { visit(2000) } else { report("x") }).unwrap();
    }
    cache.meta.set_session(5).unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// After any damage: it opens; what is there can be used; a set-aside cache is reported; it opens again.
fn check_usable(path: &Path, what: &str) -> bool {
    let opened = open_at(path);
    let quarantined = opened.quarantine.is_some();
    let held = (opened.gallery.head.rev.0, opened.gallery.persons.len());
    assert!(held == (7, 20) || held == (0, 0), "{what}: {held:?}");
    let cache = opened.cache;
    cache.outbox.append(report("after")).unwrap();
    let readable = readable(&cache.outbox);
    assert!((1..=31).contains(&readable), "{what}: {readable}");
    cache.meta.set_session(cache.meta.session().unwrap() + 1).expect(what);
    drop(cache);
    let again = open_at(path);
    assert!(again.quarantine.is_none(), "{what}: {:?}", again.quarantine);
    assert_eq!(self::readable(&again.cache.outbox), readable, "{what}");
    quarantined
}

/// How many events can be read, over any gaps.
fn readable(outbox: &OutboxShelf) -> usize {
    let (mut count, mut from) = (0, 0);
    while let Some(last) = outbox.batch(from, 1000, u64::MAX).unwrap().last() {
        count += outbox.batch(from, 1000, u64::MAX).unwrap().len();
        from = last.seq + 1;
    }
    count
}

/// Events in the trees of the storage engine, as programs before the log kept them.
#[test]
fn events_of_the_former_format_are_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let drafts = [report("old"), visit(300), report("last")];
    {
        let db = sled::open(path.join("cache")).unwrap();
        let shelf = |name| super::shelf::Shelf::open(&db, name, &key(), None).unwrap();
        let (events, media) = (shelf("outbox"), shelf("media"));
        for (seq, draft) in (5_u64..).zip(drafts.clone()) {
            let mut record = draft.numbered(seq);
            let crop = record.visit.as_mut().and_then(|visit| visit.crop_jpeg.take());
            events.put(&seq.to_be_bytes(), &record).unwrap();
            crop.iter().for_each(|crop| media.put(&seq.to_be_bytes(), crop).unwrap());
        }
        events.flush().unwrap();
    }
    for _ in 0..2 {
        let outbox = open_at(&path).cache.outbox;
        let found = outbox.batch(1, 64, u64::MAX).unwrap().into_iter().map(outbox::EventDraft::from);
        assert_eq!(found.collect::<Vec<_>>(), drafts);
    }
}

#[test]
fn an_undamaged_cache_gives_back_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    filled(&path);
    let opened = open_at(&path);
    assert!(opened.quarantine.is_none());
    assert_eq!((opened.gallery.head.rev, opened.gallery.persons.len()), (Revision(7), 20));
    assert_eq!(opened.cache.outbox.len(), 30);
    assert_eq!(opened.cache.meta.session().unwrap(), 5);
}

#[test]
fn flipped_bits_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let pristine = dir.path().join("pristine");
    filled(&pristine);
    let mut quarantined = 0;
    let mut tried = 0;
    for file in files(&pristine).into_iter().filter(|file| !file.ends_with("reserve")) {
        let relative = file.strip_prefix(&pristine).unwrap().to_owned();
        let used = used_bytes(&file);
        let steps = 60;
        for step in 0..steps.min(used.max(1)) {
            let at = step * used / steps;
            let path = dir.path().join(format!("flip-{tried}"));
            copy(&pristine, &path);
            let mut bytes = fs::read(path.join(&relative)).unwrap();
            if bytes.is_empty() {
                continue;
            }
            bytes[at] ^= 1 << (step % 8);
            fs::write(path.join(&relative), bytes).unwrap();
            tried += 1;
            quarantined += usize::from(check_usable(&path, &format!("{} at {at}", relative.display())));
            fs::remove_dir_all(&path).unwrap();
        }
    }
    println!("{quarantined} of {tried} damaged caches were set aside");
    assert!(tried >= 60 && quarantined > 0);
}

/// The length up to the last byte that is not zero: sled reserves much more than it uses.
fn used_bytes(file: &Path) -> usize {
    fs::read(file).unwrap().iter().rposition(|&b| b != 0).map_or(0, |at| at + 1)
}

#[test]
fn truncated_and_missing_files() {
    let dir = tempfile::tempdir().unwrap();
    let pristine = dir.path().join("pristine");
    filled(&pristine);
    for (n, file) in files(&pristine).into_iter().enumerate() {
        let relative = file.strip_prefix(&pristine).unwrap().to_owned();
        let length = fs::metadata(&file).unwrap().len();
        for (m, keep) in [Some(0), Some(1), Some(length / 3), Some(length.saturating_sub(1)), None].iter().enumerate() {
            let path = dir.path().join(format!("cut-{n}-{m}"));
            copy(&pristine, &path);
            match keep {
                Some(keep) => {
                    fs::OpenOptions::new().write(true).open(path.join(&relative)).unwrap().set_len(*keep).unwrap();
                }
                None => fs::remove_file(path.join(&relative)).unwrap(),
            }
            check_usable(&path, &format!("{} cut to {keep:?}", relative.display()));
        }
    }
}

#[test]
fn a_wrong_key_sets_aside_and_at_most_two_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    filled(&path);
    for n in 0..4 {
        let key = SealKey::generate();
        let opened = open(&path.join("cache"), &key, &pack(), BUDGET, &format!("{n}")).unwrap();
        let quarantine = opened.quarantine.expect("another key reads nothing");
        assert!(quarantine.path.unwrap().exists());
        assert_eq!(quarantine.salvaged, 0);
        opened.cache.outbox.append(report("y")).unwrap();
        opened.cache.meta.set_session(n).unwrap();
    }
    for part in ["cache", "outbox"] {
        let prefix = format!("{part}.quarantined-");
        let names = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.filter(|name| name.to_string_lossy().starts_with(&prefix)).count(), 2, "{part}");
    }
}

/// As a card leaves it that was full while the engine wrote a snapshot.
#[test]
fn an_unfinished_snapshot_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    filled(&path);
    drop(open_at(&path));
    for begun in [&b""[..], &[7; 40]] {
        fs::write(path.join("cache/snap.00000000FFFFFFFF.generating"), begun).unwrap();
        let opened = open_at(&path);
        assert!(opened.quarantine.is_none(), "{:?}", opened.quarantine);
        assert_eq!((opened.gallery.persons.len(), opened.cache.outbox.len()), (20, 30));
    }
}

#[test]
fn events_outlive_a_damaged_gallery() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    filled(&path);
    let ids: Vec<_> = {
        let cache = open_at(&path).cache;
        cache.outbox.batch(1, 100, u64::MAX).unwrap().into_iter().map(|e| e.id).collect()
    };
    {
        let db = sled::open(path.join("cache")).unwrap();
        let tree = db.open_tree("gallery").unwrap();
        let (key, mut value) = tree.iter().next().unwrap().map(|(k, v)| (k, v.to_vec())).unwrap();
        value[40] ^= 1;
        tree.insert(key, value).unwrap();
        tree.flush().unwrap();
    }
    let opened = open_at(&path);
    assert!(opened.quarantine.is_some() && opened.gallery.persons.is_empty());
    let events = opened.cache.outbox.batch(1, 100, u64::MAX).unwrap();
    assert_eq!(events.iter().map(|e| e.id).collect::<Vec<_>>(), ids, "ids stay, so the server can tell repeats");
    assert!(events[0].visit.as_ref().unwrap().crop_jpeg.is_some());
}

#[test]
fn another_pack_empties_the_gallery_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    filled(&path);
    let other = PackId::parse("other@1").unwrap();
    let opened = open(&path.join("cache"), &key(), &other, BUDGET, "s").unwrap();
    assert!(opened.quarantine.is_none());
    assert_eq!((opened.gallery.head.rev, opened.cache.outbox.len()), (Revision(0), 30));
}

/// The card is full, read-only or closed: the door stays in service, and what is on the card stays there.
#[test]
fn a_place_that_takes_no_writes_still_starts_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    for path in [Path::new("/proc/ostiaryd/cache"), &file.join("cache")] {
        let opened = open(path, &key(), &pack(), BUDGET, "s").unwrap();
        assert!(opened.quarantine.is_some_and(|q| q.path.is_none()));
        opened.cache.outbox.append(report("in memory")).unwrap();
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was set aside");
}

/// The power goes after each step: what was said to be durable is there, whatever of the file's tail is lost
/// that had not been flushed.
#[test]
fn a_power_cut_after_any_step_keeps_what_was_durable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let cache = open_at(&path).cache;
    let stream = cache.outbox.stream();
    for n in 1..=12_u64 {
        match n {
            4 => cache.gallery.apply(&update(3, 5), &pack()).unwrap(),
            8 => cache.outbox.delete_upto(2).unwrap(),
            _ => assert!(cache.outbox.append(visit(500)).unwrap().0 > 0),
        }
        let cut = dir.path().join(format!("cut-{n}"));
        copy(&path, &cut);
        let opened = open_at(&cut);
        assert!(opened.quarantine.is_none(), "step {n}: {:?}", opened.quarantine);
        assert_eq!(opened.gallery.persons.len(), if n >= 4 { 5 } else { 0 }, "step {n}");
        let outbox = opened.cache.outbox;
        assert_eq!((outbox.stream(), outbox.last_seq()), (stream, cache.outbox.last_seq()), "step {n}");
        assert!(outbox.len() >= cache.outbox.len(), "step {n}: a deletion may come back, an event may not be lost");
    }
}

#[test]
fn a_torn_last_write_is_opened_or_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let pristine = dir.path().join("pristine");
    filled(&pristine);
    let used = used_bytes(&pristine.join("cache/db"));
    for lost in [1, 7, 64, 512, 4096, used / 2] {
        let path = dir.path().join(format!("torn-{lost}"));
        copy(&pristine, &path);
        let mut bytes = fs::read(path.join("cache/db")).unwrap();
        bytes[used - lost.min(used)..].fill(0);
        fs::write(path.join("cache/db"), bytes).unwrap();
        let opened = open_at(&path);
        opened.cache.outbox.append(report("after")).unwrap();
        drop(opened);
        assert!(open_at(&path).quarantine.is_none(), "{lost} bytes lost");
    }
}
