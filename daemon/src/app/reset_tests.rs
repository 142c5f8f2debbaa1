//! A reset leaves nothing but what was to be kept, wherever it is broken off.

use ostiary_common::ids::EventId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{DeviceReport, ReportKind};

use super::*;
use crate::clock::SystemClock;

fn config(dir: &Path) -> Config {
    let mut config = Config::default();
    config.device.state_dir = dir.to_owned();
    config
}

/// A state with three events that wait, a gallery key, an identity, and a damaged cache of old; the events' ids.
fn state(config: &Config) -> Vec<EventId> {
    let dir = &config.device.state_dir;
    let cache = open(config, dir).unwrap();
    cache.meta.raise_time_floor(UnixMillis(77)).unwrap();
    let ids: Vec<_> = (0..3).map(|_| EventId::generate()).collect();
    for id in &ids {
        let report = DeviceReport { kind: ReportKind::Started, detail: "x".into() };
        let time = SystemClock::new().event_time();
        cache.outbox.append(EventDraft { id: *id, time, visit: None, report: Some(report) }).unwrap();
    }
    for file in ["identity/device-key.pem", "cache.quarantined-1/db", LOCK] {
        fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
        fs::write(dir.join(file), "secret").unwrap();
    }
    ids
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn kept(config: &Config) -> Vec<EventId> {
    let cache = open(config, &config.device.state_dir).unwrap();
    assert_eq!(cache.meta.time_floor().unwrap(), Some(UnixMillis(77)));
    cache.outbox.batch(1, 99, u64::MAX).unwrap().iter().map(|event| event.id).collect()
}

#[test]
fn nothing_is_left_but_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    finish(&config).unwrap();
    state(&config);
    forget(&config, Keep::Nothing).unwrap();
    assert_eq!(names(dir.path()), [LOCK]);
    forget(&config, Keep::Outbox).unwrap();
    assert_eq!(names(dir.path()), [LOCK], "nothing to keep");
}

#[test]
fn the_outbox_is_kept_under_a_new_key() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let ids = state(&config);
    let old_key = fs::read(dir.path().join("cache.key")).unwrap();
    forget(&config, Keep::Outbox).unwrap();
    assert_eq!(names(dir.path()), ["cache", "cache.key", LOCK, "outbox"]);
    assert_ne!(fs::read(dir.path().join("cache.key")).unwrap(), old_key);
    assert_eq!(kept(&config), ids);
}

#[test]
fn broken_off_anywhere_it_is_finished_at_the_next_start() {
    let check = |name: &str, break_off: fn(&Config)| {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let ids = state(&config);
        break_off(&config);
        finish(&config).unwrap();
        assert_eq!(names(dir.path()), ["cache", "cache.key", LOCK, "outbox"], "{name}");
        assert_eq!(kept(&config), ids, "{name}");
    };
    check("before anything", |config| mark(&config.device.state_dir, Stage::SetAside(Keep::Outbox)).unwrap());
    check("while setting aside", |config| {
        mark(&config.device.state_dir, Stage::SetAside(Keep::Outbox)).unwrap();
        set_aside(config).unwrap();
    });
    check("while removing", |config| {
        set_aside(config).unwrap();
        mark(&config.device.state_dir, Stage::Remove(Keep::Outbox)).unwrap();
        remove(&config.device.state_dir.join("cache")).unwrap();
    });
    check("while putting back", |config| {
        let dir = &config.device.state_dir;
        set_aside(config).unwrap();
        remove_but(dir, &[LOCK, MARK, KEPT]).unwrap();
        mark(dir, Stage::PutBack).unwrap();
        fs::rename(dir.join(KEPT).join("cache.key"), dir.join("cache.key")).unwrap();
    });
}

#[test]
fn another_identity_keeps_what_waits_and_nothing_that_was_held() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let ids = state(&config);
    forget(&config, Keep::OutboxAndIdentity).unwrap();
    assert_eq!(names(dir.path()), ["cache", "cache.key", "identity", LOCK, "outbox"]);
    assert_eq!(kept(&config), ids);
}

#[test]
fn a_mark_that_cannot_be_read_is_a_reset_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    state(&config);
    fs::write(dir.path().join(MARK), "").unwrap();
    finish(&config).unwrap();
    assert_eq!(names(dir.path()), [LOCK]);
    for (stage, word) in Stage::ALL {
        assert_eq!((stage.word(), Stage::parse(word)), (word, stage));
    }
}
