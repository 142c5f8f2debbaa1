//! What the grouping reads and writes.

use ostiary_common::ids::{DoorId, EventId, PackId, SiteId, UnknownId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::{dissolve, edited, make, move_visit, place, seal, visits};
use crate::domain::unknown::{HeldFace, Joining, Membership, NewFace, Regrouping};
use crate::ports::StoreError;
use crate::store::sql::error::corrupt;
use crate::store::sql::pictures::{EMBEDDING, EventSeal, OWNED, OWNERS, Owners, record};
use crate::store::sql::statement::Statement;
use crate::store::sql::values::Flag;
use crate::store::sql::{SqlStore, columns};

/// Ids of one statement.
const AT_ONCE: usize = 100;

#[derive(sqlx::FromRow)]
pub(super) struct FaceRow {
    pub(super) cursor: i64,
    event_id: Vec<u8>,
    site: Vec<u8>,
    door: Vec<u8>,
    at: i64,
    embedding: Vec<u8>,
    with_key: i64,
    #[sqlx(flatten)]
    owners: Owners,
}

/// Faces with where they were seen, and whose keys they are sealed with.
pub(super) fn faces() -> String {
    format!(
        "SELECT e.cursor, e.event_id, e.site, e.door, e.at, m.embedding, m.sealed AS with_key, {OWNERS}
         FROM events e JOIN event_embeddings m ON m.cursor = e.cursor {OWNED}"
    )
}

#[derive(sqlx::FromRow)]
struct NewRow {
    record: Vec<u8>,
    #[sqlx(flatten)]
    face: FaceRow,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    cursor: i64,
    visitor: Vec<u8>,
    pinned: Flag,
}

#[derive(sqlx::FromRow)]
struct VisitRow {
    site: Vec<u8>,
    door: Vec<u8>,
    at: i64,
    record: Vec<u8>,
}

impl SqlStore {
    pub(super) async fn faces_behind(&self, after: i64, limit: u32) -> Result<Vec<NewFace>, StoreError> {
        let query = sqlx::AssertSqlSafe(
            faces().replacen("SELECT", "SELECT e.record,", 1)
                + " WHERE e.kind = 'unknown' AND e.person IS NULL AND v.cursor IS NULL AND e.cursor > $1
                   ORDER BY e.cursor LIMIT $2",
        );
        let rows: Vec<NewRow> = sqlx::query_as(query).bind(after).bind(i64::from(limit)).fetch_all(&self.read).await?;
        let mut faces = Vec::with_capacity(rows.len());
        for row in rows {
            let visit = record(&row.record)?.visit;
            let cursor = row.face.cursor;
            let face = self.opened_face(row.face).await?.zip(visit);
            faces.push(NewFace { cursor, face: face.map(|(face, visit)| (visit.pack, face.embedding)) });
        }
        Ok(faces)
    }

    pub(super) async fn members_of_groups(&self, pack: &PackId) -> Result<Vec<Membership>, StoreError> {
        let rows: Vec<MemberRow> = sqlx::query_as(
            "SELECT v.cursor, v.visitor, v.pinned FROM unknown_visits v JOIN unknowns u ON u.id = v.visitor
             WHERE u.pack = $1 ORDER BY v.cursor",
        )
        .bind(pack.as_str())
        .fetch_all(&self.read)
        .await?;
        let member = |row: MemberRow| {
            let visitor = columns::id(UnknownId, &row.visitor)?;
            Ok(Membership { cursor: row.cursor, visitor, pinned: row.pinned.0 })
        };
        rows.into_iter().map(member).collect()
    }

    pub(super) async fn faces_at(&self, cursors: &[i64]) -> Result<Vec<HeldFace>, StoreError> {
        let mut found = Vec::with_capacity(cursors.len());
        for some in cursors.chunks(AT_ONCE) {
            let mut statement = Statement::new(&faces());
            statement.push(" WHERE v.cursor IN ").bind_list(some.iter().copied());
            let rows: Vec<FaceRow> = statement.query_as().fetch_all(&self.read).await?;
            for row in rows {
                found.extend(self.opened_face(row).await?);
            }
        }
        found.sort_unstable_by_key(|face| face.cursor);
        Ok(found)
    }

    /// A face; none if its key is gone.
    pub(super) async fn opened_face(&self, row: FaceRow) -> Result<Option<HeldFace>, StoreError> {
        let event = columns::id(EventId, &row.event_id)?;
        let mut conn = self.read.acquire().await?;
        let Some(seal) = self.seal_of(&mut conn, row.with_key, &row.owners).await? else { return Ok(None) };
        let embedding = seal.open(EMBEDDING, event, &row.embedding).map_err(|e| corrupt("embedding of an event", e))?;
        Ok(Some(HeldFace {
            cursor: row.cursor,
            event,
            site: columns::id(SiteId, &row.site)?,
            door: columns::id(DoorId, &row.door)?,
            at: UnixMillis(row.at),
            embedding,
        }))
    }

    pub(super) async fn join(&self, joining: &Joining) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if place(&mut tx).await? != joining.made_for {
            return Ok(false);
        }
        for (cursor, visitor) in &joining.joins {
            let seal = match seal(self, &mut tx, *visitor).await? {
                Some(seal) => seal,
                None => make(self, &mut tx, *visitor, joining.pack.as_str(), joining.now).await?,
            };
            self.reseal(&mut tx, *cursor, &seal).await?;
            insert(&mut tx, *cursor, *visitor).await?;
        }
        sqlx::query("UPDATE face_grouping SET upto = $1").bind(joining.upto).execute(&mut *tx).await?;
        if !joining.joins.is_empty() {
            edited(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    pub(super) async fn move_between(&self, plan: &Regrouping) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if place(&mut tx).await?.edit != plan.made_for.edit {
            return Ok(false);
        }
        let mut last: Option<(UnknownId, EventSeal<'_>)> = None;
        for (cursor, visitor) in &plan.moves {
            if last.as_ref().is_none_or(|(of, _)| of != visitor) {
                let seal = match seal(self, &mut tx, *visitor).await? {
                    Some(seal) => seal,
                    None => make(self, &mut tx, *visitor, plan.pack.as_str(), plan.now).await?,
                };
                last = Some((*visitor, seal));
            }
            let Some((_, seal)) = &last else { continue };
            move_visit(self, &mut tx, *cursor, (*visitor, seal), None).await?;
        }
        for (gone, became) in &plan.became {
            if visits(&mut tx, *gone).await?.is_empty() {
                self.join_threads(&mut tx, *gone, *became).await?;
                dissolve(&mut tx, *gone, *became, plan.now).await?;
            }
        }
        edited(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Puts a visit into a group. An event that went meanwhile is nobody's.
async fn insert(tx: &mut AnyConnection, cursor: i64, visitor: UnknownId) -> Result<(), StoreError> {
    let row: Option<VisitRow> = sqlx::query_as("SELECT site, door, at, record FROM events WHERE cursor = $1")
        .bind(cursor)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let quality = record(&row.record)?.visit.map_or(0.0, |visit| visit.quality.overall);
    sqlx::query(
        "INSERT INTO unknown_visits (cursor, visitor, site, door, at, quality, pinned)
         VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (cursor) DO NOTHING",
    )
    .bind(cursor)
    .bind(visitor.as_bytes().to_vec())
    .bind(row.site)
    .bind(row.door)
    .bind(row.at)
    .bind(f64::from(quality))
    .execute(tx)
    .await?;
    Ok(())
}
