//! Somebody else's work in the way: what the database breaks off for its sake is made again, and nobody notices. The other
//! work is real: another connection that holds what the store needs.

use std::sync::Arc;
use std::time::Duration;

use ostiary_server::ports::{DeviceStore, PersonStore};
use ostiary_server::store::sql::Engine;
use sqlx::{AnyConnection, AnyPool, Connection};
use tokio::time::Instant;

use super::place::{Place, on_both};
use super::sample::{NOW, device, person, template};

on_both!(a_change_that_is_broken_off_is_made_again);

/// SQLite's own patience with somebody who writes is 10 s.
const BEYOND_PATIENCE: Duration = Duration::from_millis(10_500);
/// The lock by which servers take turns.
const TURN: i64 = 0x6f_73_74_69_61_72_79;
const SOON: Duration = Duration::from_secs(20);

async fn a_change_that_is_broken_off_is_made_again(place: Place) {
    let store = Arc::new(place.open().await);
    let (camera, someone) = (device(&*store, "cam").await, person("Ada"));
    store.add_person(&someone).await.unwrap();
    let pool = place.pool().await;
    let mut other = pool.acquire().await.unwrap();
    begin(&place, &mut other).await;

    let (first, second, template) = (store.clone(), store.clone(), template(someone.id, 1));
    let enrolled = tokio::spawn(async move { first.add_template(&template).await });
    let seen = tokio::spawn(async move { second.put_presence(camera.id, "online", 1, "1.0.0", NOW).await });
    provoke(&place, &pool, &mut other).await;
    sqlx::query("COMMIT").execute(&mut *other).await.unwrap();

    assert!(enrolled.await.unwrap().unwrap().1.is_some(), "the photo is new");
    assert!(seen.await.unwrap().unwrap());
    assert_eq!(store.templates(someone.id).await.unwrap().len(), 1, "made once");
    if place.url.engine() == Engine::Postgres {
        wait_for(&pool, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await;
    }
}

/// Holds the whole file, or the row from which revisions are taken.
async fn begin(place: &Place, other: &mut AnyConnection) {
    let statements: &[&str] = match place.url.engine() {
        Engine::Sqlite => &["BEGIN IMMEDIATE"],
        // Whoever waits longest for the lock looks for a deadlock and gives way; that is to be the store.
        Engine::Postgres => &["BEGIN", "SET LOCAL deadlock_timeout = '1h'", "SELECT rev FROM gallery FOR UPDATE"],
    };
    for statement in statements {
        sqlx::query(*statement).execute(&mut *other).await.unwrap();
    }
}

/// Holds it until the store was broken off.
async fn provoke(place: &Place, pool: &AnyPool, other: &mut AnyConnection) {
    match place.url.engine() {
        Engine::Sqlite => tokio::time::sleep(BEYOND_PATIENCE).await,
        Engine::Postgres => {
            wait_for(
                pool,
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted
                 AND l.locktype = 'transactionid' AND a.datname = current_database()",
            )
            .await;
            // The store has the turn and waits for the row; now the turn is wanted by who has the row.
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TURN).execute(&mut *other).await.unwrap();
        }
    }
    other.ping().await.unwrap();
}

/// Waits until a query gives more than nothing.
async fn wait_for(pool: &AnyPool, query: &'static str) {
    let until = Instant::now() + SOON;
    while sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await.unwrap() == 0 {
        assert!(Instant::now() < until, "in vain: {query}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
