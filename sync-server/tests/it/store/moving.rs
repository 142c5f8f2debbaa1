//! A store is moved to another database under the hands of a server that goes on working.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ostiary_common::ids::{DeviceId, EventId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::event::{EventFilter, Page};
use ostiary_server::ports::{EventStore, GalleryStore, PersonStore, StoreError};
use ostiary_server::store::sql::{MoveError, MoveStep, MovedTable, SqlStore, move_store};
use sqlx::AnyPool;

use super::place::Place;
use super::sample::{batch, device, master, pack, person, report, template, visit};

const PERSONS: i64 = 10_000;
const EVENTS: i64 = 100_000;

/// Persons with two templates each, and events of which each tenth has a picture, put there without the store's ways.
const FILLING: [&str; 5] = [
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO persons (id, name, name_sealed, created_at, rev) SELECT randomblob(16), '', randomblob(60), i, i FROM n",
    "INSERT INTO person_keys (person, wrapped) SELECT id, randomblob(72) FROM persons
     WHERE NOT EXISTS (SELECT 1 FROM person_keys k WHERE k.person = persons.id) AND $1 > 0",
    "INSERT INTO templates (id, person, version, pack, angle, quality, embedding, source_sha256, created_at, sealed)
     SELECT randomblob(16), p.id, 1, 'bulk@1', 'frontal', 0.7, randomblob(540), randomblob(32), 1, 1
     FROM persons p CROSS JOIN (SELECT 1 UNION ALL SELECT 2) twice WHERE p.created_at <= $1",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, record, has_crop)
     SELECT randomblob(16), d.id, d.site, d.door, randomblob(16), i, i, 'unknown', randomblob(200), i % 10 = 0
     FROM n CROSS JOIN (SELECT id, site, door FROM devices LIMIT 1) d",
    "INSERT INTO event_crops (cursor, jpeg, sealed) SELECT cursor, randomblob(2000), 1 FROM events
     WHERE has_crop = 1 AND $1 > 0 ON CONFLICT DO NOTHING",
];

async fn fill(pool: &AnyPool) {
    for (statement, count) in FILLING.into_iter().zip([PERSONS, 1, PERSONS, EVENTS, EVENTS]) {
        sqlx::query(statement).bind(count).execute(pool).await.unwrap();
    }
}

/// A server at work: it stores events and remembers which it has acknowledged, until the store takes none any more.
async fn work(store: Arc<SqlStore>, device: DeviceId, stop: Arc<AtomicBool>) -> BTreeSet<EventId> {
    let stream = StreamId::generate();
    let mut acknowledged = BTreeSet::new();
    for first in (1..).step_by(3) {
        let events: Vec<_> = (first..first + 3).map(report).collect();
        let sent = batch(device, stream, events.clone());
        while let Err(error) = store.ingest(&sent).await {
            if stop.load(Ordering::Relaxed) {
                assert!(error.to_string().contains("was moved to another database"), "{error}");
                return acknowledged;
            }
            // Locked for a while; a device sends again.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        acknowledged.extend(events.iter().map(|event| event.id));
    }
    unreachable!("there are numbers enough")
}

async fn moved(from: &Place, to: &Place) -> Result<Vec<MovedTable>, MoveError> {
    move_store(&from.url, &to.url, |_| {}).await
}

fn rows(tables: &[MovedTable], name: &str) -> i64 {
    tables.iter().find(|table| table.name == name).map(|table| table.rows as i64).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_use_is_moved_whole() {
    let (from, to) = (Place::sqlite(), Place::postgres().await);
    let store = Arc::new(from.open().await);
    let device = device(&*store, "cam").await;
    let ada = person("Ada");
    store.add_person(&ada).await.unwrap();
    store.add_template(&template(ada.id, 1)).await.unwrap();
    let seen = visit(1, OutcomeKind::Match, Some(ada.id), Some(b"\xFF\xD8\xFF of her"));
    store.ingest(&batch(device.id, StreamId::generate(), vec![seen.clone()])).await.unwrap();
    let pool = from.pool().await;
    fill(&pool).await;
    pool.close().await;

    let stop = Arc::new(AtomicBool::new(false));
    let server = tokio::spawn(work(Arc::clone(&store), device.id, Arc::clone(&stop)));
    let tables = moved(&from, &to).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let acknowledged = server.await.unwrap();
    assert!(!acknowledged.is_empty());
    assert_eq!(rows(&tables, "persons"), PERSONS + 1);
    assert_eq!(rows(&tables, "templates"), 2 * PERSONS + 1);
    assert_eq!(rows(&tables, "events"), EVENTS + 1 + acknowledged.len() as i64);
    assert_eq!(rows(&tables, "event_crops"), EVENTS / 10 + 1);

    let there = to.open().await;
    assert_eq!(there.person(ada.id).await.unwrap().unwrap().name, "Ada");
    assert_eq!(there.templates(ada.id).await.unwrap()[0].embedding, template(ada.id, 1).embedding);
    assert_eq!(there.crop(seen.id).await.unwrap().unwrap(), b"\xFF\xD8\xFF of her");
    assert_eq!(there.revision().await.unwrap(), store.revision().await.unwrap());
    let newest = store.newest_cursor().await.unwrap();
    assert_eq!(there.newest_cursor().await.unwrap(), newest);
    for id in acknowledged {
        assert!(there.event(id).await.unwrap().is_some(), "acknowledged and lost");
    }
    // It goes on where the old one stopped.
    there.ingest(&batch(device.id, StreamId::generate(), vec![report(1)])).await.unwrap();
    let behind = there.events(&EventFilter::default(), Page::After(newest), 9).await.unwrap();
    assert_eq!(behind.len(), 1);
    assert_eq!(there.gallery_size(&pack()).await.unwrap().templates, 1);

    // The old one is shut for those who have it open and for those who come, and the new one is nobody's target.
    assert!(store.add_person(&person("Bob")).await.is_err());
    assert!(matches!(SqlStore::open(&from.url, &master()).await, Err(StoreError::Elsewhere(_))));
    assert!(matches!(moved(&from, &to).await, Err(MoveError::TargetInUse)));
}

/// Moves until a step, and is cut off there.
async fn cut_off_at(from: &Place, to: &Place, step: fn(&MoveStep<'_>) -> bool) {
    let (reached, mut wait) = tokio::sync::mpsc::unbounded_channel();
    let told = move |now: MoveStep<'_>| {
        if step(&now) {
            let _ = reached.send(());
        }
    };
    tokio::select! {
        biased;
        _ = wait.recv() => {}
        _ = move_store(&from.url, &to.url, told) => {}
    }
}

#[tokio::test]
async fn a_move_cut_off_anywhere_is_begun_again() {
    let (from, to) = (Place::sqlite(), Place::postgres().await);
    let store = from.open().await;
    let device = device(&store, "cam").await;
    let (ada, bob) = (person("Ada"), person("Bob"));
    for one in [&ada, &bob] {
        store.add_person(one).await.unwrap();
        store.add_template(&template(one.id, 1)).await.unwrap();
    }
    cut_off_at(&from, &to, |step| matches!(step, MoveStep::Copied(table) if table.name == "templates")).await;
    assert!(matches!(SqlStore::open(&to.url, &master()).await, Err(StoreError::Elsewhere(_))), "half of it is there");
    // What was copied then is changed or gone now.
    store.remove_person(bob.id, super::sample::NOW).await.unwrap();
    store.ingest(&batch(device.id, StreamId::generate(), vec![report(1)])).await.unwrap();
    cut_off_at(&from, &to, |step| matches!(step, MoveStep::Verified(table) if table.name == "events")).await;
    store.ingest(&batch(device.id, StreamId::generate(), vec![report(2)])).await.unwrap();
    moved(&from, &to).await.unwrap();
    let there = to.open().await;
    assert_eq!(there.persons(None, 9).await.unwrap().len(), 1);
    assert_eq!(there.events(&EventFilter::default(), Page::After(0), 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn only_a_file_is_moved_and_only_into_an_empty_database() {
    let (from, used) = (Place::sqlite(), Place::postgres().await);
    assert!(matches!(moved(&from, &used).await, Err(MoveError::Nothing)));
    from.open().await.close().await;
    used.open().await.close().await;
    assert!(matches!(moved(&from, &used).await, Err(MoveError::TargetInUse)));
    assert!(matches!(moved(&used, &from).await, Err(MoveError::Direction)));
    from.open().await;
}
