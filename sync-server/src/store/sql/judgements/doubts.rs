//! Faces persons were mistaken for, and matches that come near them again.

use std::collections::HashMap;

use ostiary_common::ids::{EventId, JudgementId, PackId, PersonId};
use sqlx::AnyConnection;

use crate::domain::judgement::Judgement;
use crate::ports::StoreError;
use crate::ports::judgements::DoubtfulMatch;
use crate::store::sql::error::corrupt;
use crate::store::sql::opener::key_of;
use crate::store::sql::pictures::{EMBEDDING, OWNED, OWNERS, Owners, record};
use crate::store::sql::{SqlStore, columns};

#[derive(sqlx::FromRow)]
struct FaceRow {
    embedding: Vec<u8>,
    with_key: i64,
    #[sqlx(flatten)]
    owners: Owners,
}

#[derive(sqlx::FromRow)]
struct MatchRow {
    cursor: i64,
    event_id: Vec<u8>,
    record: Vec<u8>,
    person: Vec<u8>,
    #[sqlx(flatten)]
    face: FaceRow,
}

#[derive(sqlx::FromRow)]
struct NotThemRow {
    judgement: Vec<u8>,
    pack: String,
    embedding: Vec<u8>,
}

/// Names a face in its seal, as one that is not the person's.
const NOT_THEM: &str = "not them";

impl SqlStore {
    /// Keeps the face of an event that named `named`, if one came with it, as one that is not theirs.
    pub(super) async fn keep_not_them(
        &self,
        tx: &mut AnyConnection,
        judgement: &Judgement,
        named: PersonId,
    ) -> Result<(), StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT m.embedding, m.sealed AS with_key, {OWNERS} FROM events e
             JOIN event_embeddings m ON m.cursor = e.cursor {OWNED} WHERE e.event_id = $1"
        ));
        let row: Option<FaceRow> =
            sqlx::query_as(query).bind(judgement.event.as_bytes().to_vec()).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return Ok(()) };
        let (from, key) =
            (self.seal_of(&mut *tx, row.with_key, &row.owners).await?, key_of(&mut *tx, &self.master, named).await?);
        let (Some(from), Some(key)) = (from, key) else { return Ok(()) };
        let face =
            from.open(EMBEDDING, judgement.event, &row.embedding).map_err(|e| corrupt("embedding of an event", e))?;
        let sealed = key.seal_of_event(NOT_THEM, EventId(judgement.id.0), &face);
        sqlx::query(
            "INSERT INTO not_them (judgement, person, event_id, pack, embedding, at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(judgement.id.as_bytes().to_vec())
        .bind(named.as_bytes().to_vec())
        .bind(judgement.event.as_bytes().to_vec())
        .bind(judgement.pack.as_str().to_owned())
        .bind(sealed)
        .bind(judgement.judged_at.0)
        .execute(tx)
        .await?;
        Ok(())
    }

    pub(super) async fn matches_to_doubt(&self, limit: u32) -> Result<Option<(i64, Vec<DoubtfulMatch>)>, StoreError> {
        let mut conn = self.read.acquire().await?;
        let mistaken: i64 = sqlx::query_scalar("SELECT count(*) FROM not_them").fetch_one(&mut *conn).await?;
        if mistaken == 0 {
            return Ok(None);
        }
        let upto: i64 = sqlx::query_scalar("SELECT doubted FROM face_grouping").fetch_one(&mut *conn).await?;
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(cursor), 0) FROM events").fetch_one(&mut *conn).await?;
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT e.cursor, e.event_id, e.record, e.person, m.embedding, m.sealed AS with_key, {OWNERS} FROM events e
             JOIN event_embeddings m ON m.cursor = e.cursor {OWNED}
             WHERE e.kind = 'match' AND e.cursor > $1 AND e.cursor <= $2
             AND e.person IN (SELECT n.person FROM not_them n) ORDER BY e.cursor LIMIT $3"
        ));
        let rows: Vec<MatchRow> =
            sqlx::query_as(query).bind(upto).bind(newest).bind(i64::from(limit)).fetch_all(&mut *conn).await?;
        let upto = match rows.last() {
            Some(last) if rows.len() == limit as usize => last.cursor,
            _ => newest,
        };
        let (mut found, mut known) = (Vec::new(), HashMap::new());
        for row in rows {
            found.extend(self.opened_match(&mut conn, row, &mut known).await?);
        }
        Ok(Some((upto, found)))
    }

    async fn opened_match(
        &self,
        conn: &mut AnyConnection,
        row: MatchRow,
        known: &mut HashMap<PersonId, Vec<(PackId, Vec<u8>)>>,
    ) -> Result<Option<DoubtfulMatch>, StoreError> {
        let (event, person) = (columns::id(EventId, &row.event_id)?, columns::id(PersonId, &row.person)?);
        let Some(visit) = record(&row.record)?.visit else { return Ok(None) };
        let seal = self.seal_of(conn, row.face.with_key, &row.face.owners).await?;
        let (Some(seal), Some(matched)) = (seal, visit.matched) else { return Ok(None) };
        let face = seal.open(EMBEDDING, event, &row.face.embedding).map_err(|e| corrupt("embedding of an event", e))?;
        let not_them = match known.get(&person) {
            Some(faces) => faces.clone(),
            None => known.entry(person).or_insert(self.faces_not_of(conn, person).await?).clone(),
        };
        let (similarity, face) = (matched.similarity, (visit.pack, face));
        Ok(Some(DoubtfulMatch { cursor: row.cursor, similarity, face, not_them }))
    }

    async fn faces_not_of(
        &self,
        conn: &mut AnyConnection,
        person: PersonId,
    ) -> Result<Vec<(PackId, Vec<u8>)>, StoreError> {
        let Some(key) = key_of(&mut *conn, &self.master, person).await? else { return Ok(Vec::new()) };
        let rows: Vec<NotThemRow> =
            sqlx::query_as("SELECT judgement, pack, embedding FROM not_them WHERE person = $1 ORDER BY at, judgement")
                .bind(person.as_bytes().to_vec())
                .fetch_all(conn)
                .await?;
        let opened = |row: NotThemRow| {
            let judgement = columns::id(JudgementId, &row.judgement)?;
            let face = key.open_of_event(NOT_THEM, EventId(judgement.0), &row.embedding);
            Ok((columns::pack(&row.pack)?, face.map_err(|e| corrupt("face that is not theirs", e))?))
        };
        rows.into_iter().map(opened).collect()
    }
}
