//! How long pages take over a million events, as a measurement of the store alone:
//! `cargo test --workspace --test it -- --ignored --nocapture store::pace`.

use std::time::{Duration, Instant};

use ostiary_common::ids::{DeviceId, DoorId, PersonId, StreamId};
use ostiary_common::wire::OutcomeKind;
use ostiary_server::domain::event::{EventFilter, EventKind, Page};
use ostiary_server::ports::{DeviceStore, EventStore, PersonStore};
use ostiary_server::store::sql::{Engine, SqlStore};
use rand::Rng;
use sqlx::{AnyPool, AssertSqlSafe};

use super::place::{Place, on_both_ignored};
use super::sample::{device, person, visit};

on_both_ignored!("a measurement", pages_over_a_million_events);

const EVENTS: i64 = 1_000_000;
const DEVICES: usize = 40;
const PERSONS: usize = 500;
const PAGE: u32 = 50;
const ASKED: usize = 200;

/// Tables to pick from by number, and a million events of which a third are matches.
const FILLING: [&str; 3] = [
    "CREATE TABLE pace_places AS SELECT row_number() OVER () - 1 AS n, id, site, door FROM devices",
    "CREATE TABLE pace_persons AS SELECT row_number() OVER () - 1 AS n, id FROM persons",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, person, record, has_crop)
     SELECT randomblob(16), d.id, d.site, d.door, $2, i * 1000, i * 1000,
     CASE WHEN i % 3 = 0 THEN 'match' WHEN i % 1000 = 1 THEN 'spoof_suspected' ELSE 'unknown' END,
     CASE WHEN i % 3 = 0 THEN p.id END, $3, 0
     FROM n JOIN pace_places d ON d.n = n.i % 40 JOIN pace_persons p ON p.n = (n.i / 7) % 500",
];

async fn fill(place: &Place, pool: &AnyPool) {
    if place.url.engine() == Engine::Postgres {
        let random = "CREATE FUNCTION randomblob(integer) RETURNS bytea LANGUAGE sql
                      AS $$ SELECT uuid_send(gen_random_uuid()) $$";
        sqlx::raw_sql(random).execute(pool).await.unwrap();
    }
    for statement in &FILLING[..2] {
        sqlx::raw_sql(*statement).execute(pool).await.unwrap();
    }
    let record = visit(1, OutcomeKind::Unknown, None, None);
    let record = ostiary_common::codec::to_vec("record", 64 * 1024, &record).unwrap();
    let stream = StreamId::generate().as_bytes().to_vec();
    // In the order in which they happened, as they come; a join of PostgreSQL's would leave them in any. And cleaned up, as
    // long ago, not by the database in the background while it is measured.
    let (in_order, settle) = match place.url.engine() {
        Engine::Sqlite => ("", "ANALYZE"),
        Engine::Postgres => (" ORDER BY n.i", "VACUUM (ANALYZE)"),
    };
    let filling = AssertSqlSafe(format!("{}{in_order}", FILLING[2]));
    sqlx::query(filling).bind(EVENTS).bind(stream).bind(record).execute(pool).await.unwrap();
    sqlx::raw_sql(settle).execute(pool).await.unwrap();
}

/// The time that 99 of 100 pages did not exceed, each from another place on.
async fn p99(store: &SqlStore, filter: &EventFilter) -> Duration {
    let mut took = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let before = rand::rng().random_range(1..EVENTS);
        let began = Instant::now();
        let page = store.events(filter, Page::Before(Some(before)), PAGE).await.unwrap();
        took.push(began.elapsed());
        assert!(page.len() <= PAGE as usize);
    }
    took.sort_unstable();
    took[ASKED * 99 / 100]
}

async fn pages_over_a_million_events(place: Place) {
    let store = place.open().await;
    for number in 0..DEVICES {
        device(&store, &format!("cam {number}")).await;
    }
    for number in 0..PERSONS {
        store.add_person(&person(&format!("person {number}"))).await.unwrap();
    }
    let pool = place.pool().await;
    fill(&place, &pool).await;
    pool.close().await;
    let one = store.devices().await.unwrap().remove(7);
    let (device, door): (Option<DeviceId>, Option<DoorId>) = (Some(one.id), Some(one.door));
    let person: Option<PersonId> = store.persons(None, 9).await.unwrap().last().map(|person| person.id);
    let all = EventFilter::default;
    for (name, filter) in [
        ("all", all()),
        ("device", EventFilter { device, ..all() }),
        ("door", EventFilter { door, ..all() }),
        ("person", EventFilter { person, ..all() }),
        ("kind", EventFilter { kinds: vec![EventKind::SpoofSuspected], ..all() }),
        ("person_at_door", EventFilter { person, door, ..all() }),
    ] {
        let ms = p99(&store, &filter).await.as_secs_f64() * 1_000.0;
        println!("{{\"engine\": \"{:?}\", \"list\": \"events by {name}\", \"p99_ms\": {ms:.2}}}", place.url.engine());
    }
}
