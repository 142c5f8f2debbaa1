//! Fills a store behind its server: people sealed as the server seals them, in one transaction, and events by one statement.

use anyhow::{Context, Result};
use ostiary_common::ids::{PersonId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::{Engine, StoreUrl};
use serde_json::json;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, AssertSqlSafe};

use crate::api::text;
use crate::device::{now, visit_with_crop};
use crate::server::Server;

const DEVICES: usize = 40;
/// Those that matches are of.
const VISITORS: i64 = 500;
const FILLING: [&str; 3] = [
    "CREATE TABLE bench_places AS SELECT row_number() OVER () - 1 AS n, id, site, door FROM devices",
    "CREATE TABLE bench_persons AS SELECT row_number() OVER () - 1 AS n, id FROM persons",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO events (event_id, device, site, door, stream, at, stored_at, kind, person, record, has_crop, score)
     SELECT randomblob(16), d.id, d.site, d.door, $2, $4 + i * 1000, $4 + i * 1000,
     CASE WHEN i % 3 = 0 THEN 'match' WHEN i % 1000 = 1 THEN 'spoof_suspected' ELSE 'unknown' END,
     CASE WHEN i % 3 = 0 THEN p.id END, $3, 0, CAST(i % 100 AS REAL) / 100
     FROM n JOIN bench_places d ON d.n = n.i % 40 JOIN bench_persons p ON p.n = (n.i / 7) % 500",
];

/// What requests may name.
pub(crate) struct Ground {
    pub(crate) site: String,
    pub(crate) door: String,
    pub(crate) device: String,
    pub(crate) person: String,
    pub(crate) group: String,
    pub(crate) event: String,
    /// The middle of the events' time.
    pub(crate) middle: String,
}

impl Ground {
    pub(crate) async fn fill(server: &Server, url: &str, events: i64, persons: u32) -> Result<Self> {
        let mut device = String::new();
        for number in 0..DEVICES {
            let site = format!("Site {}", number % 5);
            device = server.add_device(&site, &format!("Door {number}"), &format!("cam {number}"))?.device;
        }
        let master = MasterKey::read(&server.master_key_file(), true)?.context("the server's master key")?;
        let began = UnixMillis(now().0 - events * 1000);
        sqlx::any::install_default_drivers();
        let pool: AnyPool = AnyPoolOptions::new().max_connections(1).connect(url).await?;
        enroll(&pool, &master, persons.max(u32::try_from(VISITORS)?)).await?;
        insert(&pool, StoreUrl::parse(url)?.engine(), events, began).await?;
        pool.close().await;
        let placed = server.api.get(&format!("/api/v1/devices/{device}")).await?;
        let newest = server.api.get("/api/v1/events?limit=50").await?;
        let persons = server.api.get("/api/v1/persons?limit=200").await?;
        let group = server.api.post("/api/v1/groups", &json!({"name": "Staff"})).await?.ok()?;
        let (group, person) = (text(&group, "id")?, text(&persons["items"][7], "id")?);
        let members: Vec<_> = persons["items"].as_array().context("persons")?.iter().map(|one| &one["id"]).collect();
        let change = json!({"add": members});
        server.api.post(&format!("/api/v1/groups/{group}/members"), &change).await?.ok()?;
        Ok(Self {
            site: text(&placed, "site")?,
            door: text(&placed, "door")?,
            event: text(&newest["items"][0], "id")?,
            middle: UnixMillis(began.0 + events * 500).to_rfc3339(),
            device,
            person,
            group,
        })
    }
}

/// A commit for each would wait for the disk thousands of times.
async fn enroll(pool: &AnyPool, master: &MasterKey, persons: u32) -> Result<()> {
    let mut tx = pool.begin().await?;
    for number in 0..persons {
        let id = PersonId::generate();
        let (key, wrapped) = master.new_person_key(id);
        sqlx::query(
            "INSERT INTO persons (id, name, name_sealed, created_at, consent_at, rev, edit)
             VALUES ($1, '', $2, $3, $3, $4, $4)",
        )
        .bind(id.as_bytes().to_vec())
        .bind(key.seal_name(&format!("Person Number {number}")))
        .bind(now().0)
        .bind(i64::from(number) + 1)
        .execute(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO person_keys (person, wrapped) VALUES ($1, $2)")
            .bind(id.as_bytes().to_vec())
            .bind(wrapped)
            .execute(&mut *tx)
            .await?;
    }
    for counter in ["UPDATE gallery SET rev = rev + $1", "UPDATE person_edits SET edit = edit + $1"] {
        sqlx::query(counter).bind(i64::from(persons)).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

async fn insert(pool: &AnyPool, engine: Engine, events: i64, began: UnixMillis) -> Result<()> {
    if engine == Engine::Postgres {
        let random = "CREATE FUNCTION randomblob(integer) RETURNS bytea LANGUAGE sql
                      AS $$ SELECT uuid_send(gen_random_uuid()) $$";
        sqlx::raw_sql(random).execute(pool).await?;
    }
    for statement in &FILLING[..2] {
        sqlx::raw_sql(*statement).execute(pool).await?;
    }
    let visit = visit_with_crop(1, 0);
    let record = ostiary_common::codec::to_vec("record", 64 * 1024, &visit)?;
    let stream = StreamId::generate().as_bytes().to_vec();
    // Events lie in the order in which they happened, as they come; a join of PostgreSQL's would leave them in any.
    let in_order = if engine == Engine::Postgres { " ORDER BY n.i" } else { "" };
    let filling = AssertSqlSafe(format!("{}{in_order}", FILLING[2]));
    sqlx::query(filling).bind(events).bind(stream).bind(record).bind(began.0).execute(pool).await?;
    // All have the same record, which says its event's id: one event is what its record says, to be asked for by itself.
    let itself = "UPDATE events SET event_id = $1 WHERE cursor = (SELECT max(cursor) FROM events)";
    sqlx::query(itself).bind(visit.id.as_bytes().to_vec()).execute(pool).await?;
    sqlx::raw_sql("DROP TABLE bench_places; DROP TABLE bench_persons; ANALYZE").execute(pool).await?;
    settle(pool, engine).await
}

/// A store that has filled up over months was cleaned up long ago. One that was filled at a stroke is cleaned up within the
/// next minute, by PostgreSQL in the background, which takes the disk and a core from whoever is measured meanwhile.
async fn settle(pool: &AnyPool, engine: Engine) -> Result<()> {
    let statements: &[&str] = match engine {
        Engine::Sqlite => &["PRAGMA wal_checkpoint(TRUNCATE)"],
        Engine::Postgres => &["VACUUM", "CHECKPOINT"],
    };
    for statement in statements {
        sqlx::raw_sql(*statement).execute(pool).await?;
    }
    Ok(())
}
