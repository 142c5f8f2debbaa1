//! What must be set for the promises to hold. The stories are in `tests/it/store`.

use std::collections::BTreeSet;

use ostiary_common::ids::{BootId, DeviceId, DoorId, EventId, GroupId, PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{
    Candidate, EventRecord, EventTime, GalleryPlace, Latency, OutcomeKind, QualitySummary, Revision, VisitReport,
};
use serde_bytes::ByteBuf;
use sqlx::migrate::Migrator;

use super::events::list;
use super::gallery_rows::walk;
use super::statement::Statement;
use super::{SqlStore, StoreUrl, migrations};
use crate::domain::event::{EventFilter, EventKind, Page};
use crate::domain::gallery::Scope;
use crate::domain::recognition::InstallationRules;
use crate::ports::{DeviceStore, EventStore, PersonStore, RecognitionStore};
use crate::sealing::MasterKey;

fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

async fn pragma(store: &SqlStore, name: &'static str) -> String {
    let query = sqlx::AssertSqlSafe(format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"));
    sqlx::query_scalar(query).fetch_one(&store.write).await.unwrap()
}

#[tokio::test]
async fn a_commit_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqlStore::open(&StoreUrl::sqlite(&dir.path().join("t.sqlite")), &master()).await.unwrap();
    assert_eq!(pragma(&store, "journal_mode").await, "wal");
    assert_eq!(pragma(&store, "synchronous").await, "2", "FULL");
    assert_eq!(pragma(&store, "foreign_keys").await, "1");
    assert_eq!(pragma(&store, "secure_delete").await, "1");
}

#[tokio::test]
async fn every_filter_uses_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqlStore::open(&StoreUrl::sqlite(&dir.path().join("t.sqlite")), &master()).await.unwrap();
    let (device, door, person) = (DeviceId::generate(), DoorId::generate(), PersonId::generate());
    let all = EventFilter::default;
    let filters = [
        all(),
        EventFilter { device: Some(device), ..all() },
        EventFilter { door: Some(door), ..all() },
        EventFilter { person: Some(person), ..all() },
        EventFilter { kinds: vec![EventKind::SpoofSuspected], ..all() },
        EventFilter { person: Some(person), door: Some(door), ..all() },
    ];
    for filter in filters {
        for page in [Page::Before(None), Page::Before(Some(9)), Page::After(9)] {
            let mut explained = Statement::new("EXPLAIN QUERY PLAN ");
            explained.append(list(&filter, page, 50));
            let plan: Vec<(i64, i64, i64, String)> = explained.query_as().fetch_all(&store.write).await.unwrap();
            let plan: Vec<String> = plan.into_iter().map(|row| row.3).collect();
            let is_costly = |step: &String| step.starts_with("SCAN") || step.contains("TEMP B-TREE");
            assert!(!plan.iter().any(is_costly), "{filter:?} {page:?}: {plan:?}");
        }
    }
}

#[tokio::test]
async fn a_walk_is_read_in_order_and_sorts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqlStore::open(&StoreUrl::sqlite(&dir.path().join("t.sqlite")), &master()).await.unwrap();
    let place = GalleryPlace { rev: Revision(7), person: PersonId(uuid::Uuid::nil()) };
    let some = [1, 2].map(|n| GroupId(uuid::Uuid::from_u128(n))).into();
    for scope in [Scope::Everyone, Scope::Groups(some), Scope::Groups(BTreeSet::new())] {
        let mut explained = Statement::new("EXPLAIN QUERY PLAN ");
        explained.append(walk(&PackId::parse("test@1").unwrap(), &scope, place, Revision(0), 9));
        let plan: Vec<(i64, i64, i64, String)> = explained.query_as().fetch_all(&store.write).await.unwrap();
        let plan: Vec<String> = plan.into_iter().map(|row| row.3).collect();
        for needed in ["persons_in_order", "tombstones_in_order", "(person=? AND pack=?"] {
            assert!(plan.iter().any(|step| step.contains(needed)), "{needed}: {plan:?}");
        }
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER")), "{plan:?}");
    }
}

/// A database as the first release wrote it, with a device and an event.
async fn written_by_the_first_release(path: &std::path::Path) {
    let pool = sqlx::SqlitePool::connect_with(
        sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true),
    )
    .await
    .unwrap();
    let first = migrations::SQLITE.iter().filter(|migration| migration.version == 1).cloned().collect();
    Migrator::with_migrations(first).run(&pool).await.unwrap();
    for statement in [
        "INSERT INTO sites VALUES (zeroblob(16), 'Head office', 1)",
        "INSERT INTO doors VALUES (zeroblob(16), zeroblob(16), 'Front', 1)",
        "INSERT INTO devices (id, site, door, name, state, created_at, config_version, config_json)
         VALUES (zeroblob(16), zeroblob(16), zeroblob(16), 'cam', 'active', 1, 4, '{\"match_threshold\":0.5}')",
        "INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, record, has_crop)
         VALUES (zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(16), 1, 2, 'report', x'00', 0)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
}

#[tokio::test]
async fn what_the_first_release_wrote_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    written_by_the_first_release(&path).await;
    let store = SqlStore::open(&StoreUrl::sqlite(&path), &master()).await.unwrap();
    let device = store.devices().await.unwrap().remove(0);
    assert_eq!((device.config_version, &device.desired()), (4, &device.config), "it is told what it was told");
    let set = store.recognition().await.unwrap();
    assert_eq!((set.value, set.version), (InstallationRules::default(), 0));
    assert_eq!(store.newest_cursor().await.unwrap(), 1);
    let published: Option<i64> =
        sqlx::query_scalar("SELECT published_at FROM events").fetch_one(&store.read).await.unwrap();
    assert_eq!(published, None, "when it was sent was not kept then");
}

/// A database as the second release wrote it, with somebody enrolled and seen, all of it open.
async fn written_by_the_second_release(path: &std::path::Path, record: Vec<u8>) {
    let pool = sqlx::SqlitePool::connect_with(
        sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true),
    )
    .await
    .unwrap();
    let older = migrations::SQLITE.iter().filter(|migration| migration.version <= 2).cloned().collect();
    Migrator::with_migrations(older).run(&pool).await.unwrap();
    for statement in [
        "INSERT INTO sites VALUES (zeroblob(16), 'Head office', 1)",
        "INSERT INTO doors VALUES (zeroblob(16), zeroblob(16), 'Front', 1)",
        "INSERT INTO devices (id, site, door, name, state, created_at)
         VALUES (zeroblob(16), zeroblob(16), zeroblob(16), 'cam', 'active', 1)",
        "INSERT INTO persons (id, name, created_at, rev) VALUES (zeroblob(16), 'Zacharias Quillfeather', 1, 1)",
        "INSERT INTO templates VALUES (zeroblob(16), zeroblob(16), 1, 'p@1', 'frontal', 0.5, x'0000803f', zeroblob(32), 1)",
        "INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, record, has_crop)
         VALUES (x'01010101010101010101010101010101', zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(16), 1, 2,
                 'report', x'00', 1)",
        "INSERT INTO event_crops VALUES (1, CAST('a stranger in the picture' AS BLOB))",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    sqlx::query(
        "INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, person, record, has_crop)
         VALUES (zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(16), 1, 2, 'match', zeroblob(16), $1, 1)",
    )
    .bind(record)
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("INSERT INTO event_crops VALUES (2, CAST('Quillfeather in the picture' AS BLOB))")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}

fn record_with_an_embedding() -> EventRecord {
    let nil = uuid::Uuid::nil();
    let time = EventTime { wall: UnixMillis(1), clock_synced: true, monotonic_ms: 1, boot: BootId(nil) };
    let person = Candidate { person: PersonId(nil), template: TemplateId(nil), similarity: 0.9 };
    let visit = VisitReport {
        outcome: OutcomeKind::Match,
        matched: Some(person),
        nearest: None,
        reason: None,
        liveness: None,
        threshold: 0.5,
        margin: 0.1,
        quality: QualitySummary::default(),
        frames: 3,
        embeddings: 1,
        gallery_rev: Revision(1),
        pack: PackId::parse("p@1").unwrap(),
        latency: Latency::default(),
        embedding: Some(ByteBuf::from(b"an embedding of Quillfeather".to_vec())),
        crop_jpeg: None,
    };
    EventRecord { id: EventId(nil), seq: 1, time, visit: Some(visit), report: None }
}

#[tokio::test]
async fn what_older_releases_wrote_is_sealed_at_the_first_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    let nil = uuid::Uuid::nil();
    let record = record_with_an_embedding();
    written_by_the_second_release(&path, super::pictures::record_bytes(&record).unwrap()).await;
    let lie_open = || {
        let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let all: Vec<u8> = files.flat_map(|path| std::fs::read(path).unwrap()).collect();
        let has = |what: &[u8]| all.windows(what.len()).any(|window| window == what);
        (has(b"Quillfeather"), has(b"in the picture"))
    };
    assert_eq!(lie_open(), (true, true));
    assert!(!SqlStore::is_sealed(&StoreUrl::sqlite(&path)).await.unwrap());
    for start in ["the first", "the second"] {
        let store = SqlStore::open(&StoreUrl::sqlite(&path), &master()).await.unwrap();
        assert_eq!(lie_open(), (false, false), "{start}");
        assert_eq!(store.person(PersonId(nil)).await.unwrap().unwrap().name, "Zacharias Quillfeather");
        assert_eq!(store.templates(PersonId(nil)).await.unwrap()[0].embedding, [1.0]);
        assert_eq!(store.crop(EventId(nil)).await.unwrap().unwrap(), b"Quillfeather in the picture");
        let stranger = EventId(uuid::Uuid::from_bytes([1; 16]));
        assert_eq!(store.crop(stranger).await.unwrap().unwrap(), b"a stranger in the picture");
        let event = store.event(EventId(nil)).await.unwrap().unwrap();
        assert_eq!(event.person_name.as_deref(), Some("Zacharias Quillfeather"));
        assert!(event.record.visit.unwrap().embedding.is_none(), "it is kept apart now");
        store.close().await;
    }
}
