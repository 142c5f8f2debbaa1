//! What must be set for the promises to hold. The stories are in `tests/it/store`.

use super::SqliteStore;

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
