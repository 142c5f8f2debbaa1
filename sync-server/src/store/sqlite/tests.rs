//! What must be set for the promises to hold. The stories are in `tests/it/store`.

use sqlx::migrate::Migrator;

use super::{MIGRATIONS, SqliteStore, options};
use crate::domain::recognition::InstallationRules;
use crate::ports::{DeviceStore, EventStore, RecognitionStore};

async fn pragma(store: &SqliteStore, name: &'static str) -> String {
    let query = sqlx::AssertSqlSafe(format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"));
    sqlx::query_scalar(query).fetch_one(&store.write).await.unwrap()
}

#[tokio::test]
async fn a_commit_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("t.sqlite")).await.unwrap();
    assert_eq!(pragma(&store, "journal_mode").await, "wal");
    assert_eq!(pragma(&store, "synchronous").await, "2", "FULL");
    assert_eq!(pragma(&store, "foreign_keys").await, "1");
    assert_eq!(pragma(&store, "secure_delete").await, "1");
}

#[tokio::test]
async fn every_filter_uses_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("t.sqlite")).await.unwrap();
    for column in ["device", "door", "person", "kind"] {
        let query =
            format!("EXPLAIN QUERY PLAN SELECT * FROM events WHERE {column} = ? AND cursor < ? ORDER BY cursor DESC");
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .bind(vec![0u8; 16])
            .bind(9)
            .fetch_all(&store.write)
            .await
            .unwrap();
        let plan: Vec<String> = plan.into_iter().map(|row| row.3).collect();
        assert!(plan.iter().any(|step| step.contains(&format!("events_by_{column}"))), "{column}: {plan:?}");
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{column}: {plan:?}");
    }
}

/// A database as the first release wrote it, with a device and an event.
async fn written_by_the_first_release(path: &std::path::Path) {
    let pool = sqlx::SqlitePool::connect_with(options(path)).await.unwrap();
    let first = MIGRATIONS.iter().filter(|migration| migration.version == 1).cloned().collect();
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
    let store = SqliteStore::open(&path).await.unwrap();
    let device = store.devices().await.unwrap().remove(0);
    assert_eq!((device.config_version, &device.desired()), (4, &device.config), "it is told what it was told");
    let set = store.recognition().await.unwrap();
    assert_eq!((set.value, set.version), (InstallationRules::default(), 0));
    assert_eq!(store.newest_cursor().await.unwrap(), 1);
    let published: Option<i64> =
        sqlx::query_scalar("SELECT published_at FROM events").fetch_one(&store.read).await.unwrap();
    assert_eq!(published, None, "when it was sent was not kept then");
}
