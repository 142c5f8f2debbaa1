//! What lists and filters cost where there is much: PostgreSQL is asked how it carried out the statements of the store,
//! with the rows it touched. (How SQLite would carry them out is asked beside the statements, in `store/sql/tests.rs`.)

use ostiary_common::ids::{DeviceId, DoorId, PersonId};
use ostiary_server::domain::event::{EventFilter, EventKind, Page};
use ostiary_server::ports::{ErasureStore, EventStore, PersonStore, ScopeStore};
use sqlx::AnyPool;
use uuid::Uuid;

use super::place::Place;

/// A page reads so many rows of a large table at most, whatever is asked: those on it, and what lies between. Going back
/// through what many share is cheaper than gathering by an index and sorting, and PostgreSQL does so.
const MOST_ROWS: u64 = 4_000;
const PAGE: u32 = 50;

/// A hundred thousand events of forty devices at as many doors, of five hundred persons and of nobody; ten thousand
/// persons.
const FILLING: [&str; 9] = [
    "CREATE FUNCTION uuid_of(kind text, number bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
     AS $$ SELECT decode(md5(kind || number), 'hex') $$",
    "INSERT INTO sites (id, name, created_at) SELECT uuid_of('site', i), 'site ' || i, 1 FROM generate_series(0, 4) i",
    "INSERT INTO doors (id, site, name, created_at)
     SELECT uuid_of('door', i), uuid_of('site', i % 5), 'door ' || i, 1 FROM generate_series(0, 39) i",
    "INSERT INTO devices (id, site, door, name, state, created_at)
     SELECT uuid_of('device', i), uuid_of('site', i % 5), uuid_of('door', i), 'cam ' || i, 'active', 1
     FROM generate_series(0, 39) i",
    "INSERT INTO persons (id, name, name_sealed, created_at, rev)
     SELECT uuid_of('person', i), '', ''::bytea, 1, i FROM generate_series(0, 9999) i",
    "INSERT INTO person_groups (id, name, created_at, version) VALUES (uuid_of('group', 0), 'all', 1, 1)",
    "INSERT INTO memberships (person, in_group) SELECT id, uuid_of('group', 0) FROM persons",
    "INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, person, record, has_crop)
     SELECT uuid_of('event', i), uuid_of('device', i % 40), uuid_of('site', i % 5), uuid_of('door', i % 40),
     uuid_of('stream', i % 40), 1000 * i, 1000 * i,
     CASE WHEN i % 1000 = 0 THEN 'spoof_suspected' WHEN i % 3 = 0 THEN 'match' ELSE 'unknown' END,
     CASE WHEN i % 3 = 0 THEN uuid_of('person', i % 500) END, ''::bytea, 0 FROM generate_series(1, 100000) i",
    "ANALYZE",
];

async fn fill(pool: &AnyPool) {
    for statement in FILLING {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

async fn id(pool: &AnyPool, kind: &str, number: i64) -> Uuid {
    let bytes: Vec<u8> =
        sqlx::query_scalar("SELECT uuid_of($1, $2)").bind(kind).bind(number).fetch_one(pool).await.unwrap();
    Uuid::from_slice(&bytes).unwrap()
}

/// The rows that a plan's node read and gave or left out, if it reads `table`.
fn rows_read(plan: &str, table: &str) -> u64 {
    let number = |text: &str, behind: &str| -> Option<u64> {
        let digits = text.split_once(behind)?.1.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    let (mut read, mut reads_it) = (0, false);
    for line in plan.lines() {
        if line.contains("(actual ") {
            reads_it = line.contains(&format!(" on {table}"));
            let actual = line.split_once("(actual ").map_or("", |(_, actual)| actual);
            let rows = number(actual, "rows=").unwrap_or(0) * number(actual, "loops=").unwrap_or(1);
            read += if reads_it { rows } else { 0 };
        } else if reads_it {
            read += number(line, "Rows Removed by Filter: ").unwrap_or(0);
        }
    }
    read
}

fn check(place: &Place, what: &str, table: &str) {
    let plans: Vec<String> = place.plans().into_iter().filter(|plan| plan.contains(&format!(" on {table}"))).collect();
    assert!(!plans.is_empty(), "{what}: nothing read {table}");
    for plan in plans {
        assert!(!plan.contains(&format!("Seq Scan on {table}")), "{what} reads all of {table}:\n{plan}");
        let read = rows_read(&plan, table);
        assert!(read <= MOST_ROWS, "{what} reads {read} rows of {table}:\n{plan}");
    }
}

#[tokio::test]
async fn postgres_finds_every_page_by_an_index() {
    let place = Place::postgres().await;
    place.open().await.close().await;
    let pool = place.pool().await;
    fill(&pool).await;
    let device = Some(DeviceId(id(&pool, "device", 7).await));
    let door = Some(DoorId(id(&pool, "door", 7).await));
    let person = Some(PersonId(id(&pool, "person", 9).await));
    let group = ostiary_common::ids::GroupId(id(&pool, "group", 0).await);
    place.watch_plans(&pool).await;
    pool.close().await;
    let store = place.open().await;
    place.plans();

    let all = EventFilter::default;
    let filters = [
        ("no filter", all()),
        ("device", EventFilter { device, ..all() }),
        ("door", EventFilter { door, ..all() }),
        ("person", EventFilter { person, ..all() }),
        ("kind", EventFilter { kinds: vec![EventKind::SpoofSuspected], ..all() }),
        ("person at a door", EventFilter { person, door, ..all() }),
    ];
    for (name, filter) in filters {
        for page in [Page::Before(None), Page::Before(Some(50_000)), Page::After(50_000), Page::After(100_000)] {
            // Records of nothing cannot be read; that is behind the statement.
            let _ = store.events(&filter, page, PAGE).await;
            check(&place, &format!("events by {name}, {page:?}"), "events");
        }
    }
    let _ = store.persons(person, PAGE).await;
    check(&place, "persons", "persons");
    store.members(group, person, PAGE).await.unwrap();
    check(&place, "members of a group", "memberships");
    store.settle_validity(super::sample::NOW).await.unwrap();
    check(&place, "whose time has come", "persons");
    store.erase_expired(super::sample::NOW).await.unwrap();
    check(&place, "whose time is over for good", "persons");
}
