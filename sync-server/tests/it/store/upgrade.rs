//! A database of every earlier release, with something in it, is brought up to date, and everything is still there.

use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::EventRecord;
use ostiary_server::domain::account::LAST_RESORT;
use ostiary_server::domain::gallery::GalleryRule;
use ostiary_server::ports::accounts::AccountStore;
use ostiary_server::ports::{DeviceStore, EventStore, LifeStore, PersonStore, RecognitionStore, ScopeStore};
use ostiary_server::store::sql::{Engine, SqlStore};
use sqlx::AnyPool;
use sqlx::migrate::Migrator;
use uuid::Uuid;

use super::place::{Place, on_both};
use super::sample::report;

on_both!(every_earlier_schema_is_brought_up_to_date, the_two_databases_have_the_same_migrations);

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The id of whatever it is, in every table.
const ID: [u8; 16] = [7; 16];
const OTHER: [u8; 16] = [8; 16];

/// What was put in by releases of a schema, in statements both databases know: `{id}` is [`ID`], `{other}` is [`OTHER`],
/// `{bytes}` 32 bytes, `{floats}` an embedding of two numbers, `{record}` an event's record.
const WRITTEN: [(i64, &[&str]); 4] = [
    (
        1,
        &[
            "INSERT INTO users (id, login, password_hash, role, created_at) VALUES ({id}, 'ada', 'hash', 'admin', 1)",
            "INSERT INTO sites (id, name, created_at) VALUES ({id}, 'Head office', 1)",
            "INSERT INTO doors (id, site, name, created_at) VALUES ({id}, {id}, 'Front', 1)",
            "INSERT INTO devices (id, site, door, name, state, created_at, config_version, config_json)
             VALUES ({id}, {id}, {id}, 'cam', 'active', 1, 4, '{\"match_threshold\":0.5}')",
            "INSERT INTO persons (id, name, created_at, rev) VALUES ({id}, 'Ada', 1, 1)",
            "INSERT INTO templates (id, person, version, pack, angle, quality, embedding, source_sha256, created_at)
             VALUES ({id}, {id}, 1, 'test@1', 'frontal', 0.5, {floats}, {bytes}, 1)",
            "UPDATE gallery SET rev = 1",
            "INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, person, record, has_crop)
             VALUES ({id}, {id}, {id}, {id}, {id}, 1, 2, 'match', {id}, {record}, 1)",
            "INSERT INTO event_crops (cursor, jpeg) VALUES (1, {bytes})",
            "INSERT INTO streams (device, stream, upto_seq) VALUES ({id}, {id}, 3)",
        ],
    ),
    (2, &["INSERT INTO door_recognition (door, match_threshold, version, changed_at) VALUES ({id}, 0.25, 3, 1)"]),
    (
        3,
        &[
            "INSERT INTO person_groups (id, name, created_at, version) VALUES ({id}, 'Staff', 1, 1)",
            "INSERT INTO memberships (person, in_group) VALUES ({id}, {id})",
            "INSERT INTO door_gallery (door, everyone, version, changed_at) VALUES ({id}, 0, 2, 1)",
            "INSERT INTO door_gallery_groups (door, in_group) VALUES ({id}, {id})",
        ],
    ),
    (
        5,
        &[
            "INSERT INTO device_certificates (serial, device, issued_at, ends_at, revoked_at)
             VALUES ({other}, {id}, 1, 9000000000000, 5)",
            "INSERT INTO device_postings (device, until, site, door) VALUES ({id}, 3, {other}, {other})",
        ],
    ),
];

fn migrations(place: &Place) -> &'static Migrator {
    match place.url.engine() {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// A database as a release of this schema left it.
async fn written(place: &Place, pool: &AnyPool, schema: i64) {
    migrations(place).run_to(schema, pool).await.unwrap();
    let record = record();
    let values: [(&str, &[u8]); 5] = [
        ("{id}", &ID),
        ("{other}", &OTHER),
        ("{bytes}", &[9; 32]),
        ("{floats}", &[0, 0, 128, 63, 0, 0, 0, 0]),
        ("{record}", &record),
    ];
    for statement in WRITTEN.iter().filter(|(since, _)| *since <= schema).flat_map(|(_, statements)| *statements) {
        let literal = |bytes: &[u8]| match place.url.engine() {
            Engine::Sqlite => format!("x'{}'", hex::encode(bytes)),
            Engine::Postgres => format!("'\\x{}'::bytea", hex::encode(bytes)),
        };
        let sql = values.iter().fold((*statement).to_owned(), |sql, (name, bytes)| sql.replace(name, &literal(bytes)));
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(pool)
            .await
            .unwrap_or_else(|e| panic!("{schema} {statement}: {e}"));
    }
}

fn record() -> Vec<u8> {
    let record = EventRecord { id: EventId(Uuid::from_bytes(ID)), ..report(1) };
    ostiary_common::codec::to_vec("record", 4_096, &record).unwrap()
}

async fn everything_is_there(store: &SqlStore, schema: i64) {
    let id = Uuid::from_bytes(ID);
    let ada = store.account(UserId(id)).await.unwrap().unwrap();
    assert_eq!(
        (ada.login.as_str(), ada.access.grants()),
        ("ada", [LAST_RESORT].as_slice()),
        "the oldest admin is owner"
    );
    let device = store.device(DeviceId(id)).await.unwrap().unwrap();
    assert_eq!((device.config_version, device.config.match_threshold), (4, Some(0.5)));
    assert_eq!(store.person(PersonId(id)).await.unwrap().unwrap().name, "Ada");
    assert_eq!(store.templates(PersonId(id)).await.unwrap()[0].embedding, [1.0, 0.0]);
    let event = store.event(EventId(id)).await.unwrap().unwrap();
    assert_eq!((event.cursor, event.person_name.as_deref()), (1, Some("Ada")));
    assert_eq!(store.crop(EventId(id)).await.unwrap().unwrap(), [9; 32]);
    assert_eq!(store.highest_seq(DeviceId(id), ostiary_common::ids::StreamId(id)).await.unwrap(), 3);
    let door = store.door_recognition(DoorId(id)).await.unwrap().unwrap();
    assert_eq!((door.version, door.value.match_threshold.is_some()), if schema >= 2 { (3, true) } else { (0, false) });
    let rule = store.door_gallery(DoorId(id)).await.unwrap().unwrap().value;
    let staff = GalleryRule::Groups([GroupId(id)].into());
    assert_eq!(rule, if schema >= 3 { staff } else { GalleryRule::Everyone });
    assert_eq!(store.groups().await.unwrap().iter().map(|group| group.members).sum::<u64>(), u64::from(schema >= 3));
    assert_eq!(store.revoked_certificates(UnixMillis(9)).await.unwrap().len(), usize::from(schema >= 5));
    assert_eq!(store.former_postings(DeviceId(id)).await.unwrap().len(), usize::from(schema >= 5));
}

async fn every_earlier_schema_is_brought_up_to_date(first: Place) {
    let versions: Vec<i64> = migrations(&first).iter().map(|migration| migration.version).collect();
    for (number, schema) in versions.iter().enumerate() {
        let place = first.another().await;
        let pool = place.made().await;
        written(&place, &pool, *schema).await;
        pool.close().await;
        let pending = SqlStore::pending_migrations(&place.url).await.unwrap();
        let pending: Vec<i64> = pending.iter().map(|migration| migration.version).collect();
        assert_eq!(pending, versions[number + 1..], "what --check says of {schema}");
        // Twice: the second start finds nothing to do.
        for _ in 0..2 {
            let store = place.open().await;
            everything_is_there(&store, *schema).await;
            store.close().await;
        }
        assert_eq!(SqlStore::pending_migrations(&place.url).await.unwrap(), []);
    }
}

async fn the_two_databases_have_the_same_migrations(place: Place) {
    let named = |migrator: &'static Migrator| -> Vec<(i64, &str)> {
        migrator.iter().map(|migration| (migration.version, &*migration.description)).collect()
    };
    assert_eq!(named(&SQLITE), named(&POSTGRES));
    // A store that was never made says what would be done, and is not made by the question.
    assert_eq!(SqlStore::pending_migrations(&place.url).await.unwrap().len(), SQLITE.iter().count());
    assert!(place.url.file().is_none_or(|path| !path.exists()));
    place.open().await.close().await;
    // Several that start at once wait for the one that migrates.
    let again = Place::sqlite();
    let (one, other) = tokio::join!(again.open(), again.open());
    one.close().await;
    other.close().await;
}
