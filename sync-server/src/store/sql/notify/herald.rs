//! What the herald reads, and its step.

use std::collections::HashMap;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, DoorId, EventId, GroupId, PersonId, SiteId, UserId};
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::rows::{NOTICE, NoticeRow};
use super::step;
use crate::domain::access::Scope;
use crate::domain::event::EventKind;
use crate::domain::notify::{Notice, Of};
use crate::ports::StoreError;
use crate::ports::notify::{Delivery, HeraldState, HeraldStore, Sighting, Step};
use crate::store::sql::again::again;
use crate::store::sql::error::corrupt;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns, pictures};

/// Rises with every step.
const HERALD: &str = "herald";
/// How far events are followed.
const EVENTS: &str = "notices of events";
/// How far the audit log is.
const AUDIT: &str = "notices of the audit log";

#[derive(sqlx::FromRow)]
struct SightingRow {
    cursor: i64,
    event_id: Vec<u8>,
    device: Vec<u8>,
    site: Vec<u8>,
    door: Vec<u8>,
    at: i64,
    kind: String,
    person: Option<Vec<u8>>,
    record: Option<Vec<u8>>,
}

impl TryFrom<SightingRow> for Sighting {
    type Error = StoreError;
    fn try_from(row: SightingRow) -> Result<Self, StoreError> {
        let record = row.record.as_deref().map(pictures::record).transpose()?;
        Ok(Self {
            cursor: row.cursor,
            event: columns::id(EventId, &row.event_id)?,
            device: columns::id(DeviceId, &row.device)?,
            site: columns::id(SiteId, &row.site)?,
            door: columns::id(DoorId, &row.door)?,
            at: UnixMillis(row.at),
            kind: EventKind::parse(&row.kind).unwrap_or(EventKind::Other),
            person: row.person.as_deref().map(|id| columns::id(PersonId, id)).transpose()?,
            report: record.and_then(|record| record.report),
        })
    }
}

/// A follower's place; the first time, it is put where `newest` says.
pub(in crate::store::sql) async fn position(
    conn: &mut AnyConnection,
    name: &'static str,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT position FROM followers WHERE name = $1").bind(name).fetch_optional(conn).await?)
}

/// Puts a follower somewhere.
pub(in crate::store::sql) async fn put_position(
    tx: &mut AnyConnection,
    name: &'static str,
    position: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO followers (name, position) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position",
    )
    .bind(name)
    .bind(position)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the next generation, if nobody has meanwhile.
async fn take_turn(tx: &mut AnyConnection, generation: i64) -> Result<bool, StoreError> {
    let taken = sqlx::query("UPDATE followers SET position = position + 1 WHERE name = $1 AND position = $2")
        .bind(HERALD)
        .bind(generation)
        .execute(tx)
        .await?;
    Ok(taken.rows_affected() == 1)
}

impl SqlStore {
    /// Counts everything so far as followed.
    async fn begin_following(&self) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            if position(&mut tx, HERALD).await?.is_none() {
                let newest: i64 =
                    sqlx::query_scalar("SELECT coalesce(max(cursor), 0) FROM events").fetch_one(&mut *tx).await?;
                let line: i64 = sqlx::query_scalar("SELECT seq FROM audit_head").fetch_one(&mut *tx).await?;
                for (name, at) in [(HERALD, 0), (EVENTS, newest), (AUDIT, line)] {
                    put_position(&mut tx, name, at).await?;
                }
            }
            Ok(tx.commit().await?)
        })
        .await
    }
}

#[async_trait]
impl HeraldStore for SqlStore {
    async fn herald_state(&self) -> Result<HeraldState, StoreError> {
        if position(&mut *self.read.acquire().await?, HERALD).await?.is_none() {
            self.begin_following().await?;
        }
        let mut tx = self.begin_reading().await?;
        let missing = || corrupt("follower", "it is not there");
        let generation = position(&mut tx, HERALD).await?.ok_or_else(missing)?;
        let events = position(&mut tx, EVENTS).await?.ok_or_else(missing)?;
        let audit = position(&mut tx, AUDIT).await?.ok_or_else(missing)?;
        let query = format!("SELECT {NOTICE} FROM notices n WHERE n.next_at IS NOT NULL OR n.escalate_at IS NOT NULL");
        let rows: Vec<NoticeRow> = sqlx::query_as(AssertSqlSafe(query)).fetch_all(&mut *tx).await?;
        let open = rows.into_iter().map(Notice::try_from).collect::<Result<_, _>>()?;
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT condition_key, since FROM notify_conditions").fetch_all(&mut *tx).await?;
        let conditions = rows.into_iter().map(|(key, since)| (key, UnixMillis(since))).collect();
        tx.commit().await?;
        Ok(HeraldState { generation, events, audit, open, conditions })
    }

    async fn sightings(&self, after: i64, limit: u32) -> Result<Vec<Sighting>, StoreError> {
        let rows: Vec<SightingRow> = sqlx::query_as(
            "SELECT cursor, event_id, device, site, door, at, kind, person,
             CASE WHEN kind = 'report' THEN record END AS record
             FROM events WHERE cursor > $1 ORDER BY cursor LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Sighting::try_from).collect()
    }

    async fn groups_of(&self, persons: &[PersonId]) -> Result<HashMap<PersonId, Vec<GroupId>>, StoreError> {
        let mut groups: HashMap<PersonId, Vec<GroupId>> = HashMap::new();
        for some in persons.chunks(500) {
            let mut query = Statement::new("SELECT person, in_group FROM memberships WHERE person IN ");
            query.bind_list(some.iter().map(|person| person.as_bytes().to_vec()));
            for (person, group) in query.query_as::<(Vec<u8>, Vec<u8>)>().fetch_all(&self.read).await? {
                groups.entry(columns::id(PersonId, &person)?).or_default().push(columns::id(GroupId, &group)?);
            }
        }
        Ok(groups)
    }

    async fn was_seen(&self, of: Of, place: Scope, from: UnixMillis, until: UnixMillis) -> Result<bool, StoreError> {
        let mut query = Statement::new("SELECT e.cursor FROM events e WHERE ");
        match of {
            Of::Person(person) => query.push("e.person = ").bind(person.as_bytes().to_vec()),
            Of::Group(group) => query
                .push("e.person IN (SELECT person FROM memberships WHERE in_group = ")
                .bind(group.as_bytes().to_vec())
                .push(")"),
        };
        query.push(" AND e.at >= ").bind(from.0).push(" AND e.at < ").bind(until.0);
        match place {
            Scope::Everything => &mut query,
            Scope::Site(site) => query.push(" AND e.site = ").bind(site.as_bytes().to_vec()),
            Scope::Door(door) => query.push(" AND e.door = ").bind(door.as_bytes().to_vec()),
        };
        query.push(" LIMIT 1");
        Ok(query.query_as::<(i64,)>().fetch_optional(&self.read).await?.is_some())
    }

    async fn take_step(&self, taken: &Step) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            if !take_turn(&mut tx, taken.generation).await? {
                return Ok(false);
            }
            step::write(&mut tx, taken).await?;
            put_position(&mut tx, EVENTS, taken.events).await?;
            put_position(&mut tx, AUDIT, taken.audit).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn tell_directly(&self, notice: &Notice, account: UserId, deliveries: &[Delivery]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            step::insert(&mut tx, notice).await?;
            step::add_reader(&mut tx, notice.id, account).await?;
            for delivery in deliveries {
                step::add_delivery(&mut tx, delivery).await?;
            }
            Ok(tx.commit().await?)
        })
        .await
    }
}
