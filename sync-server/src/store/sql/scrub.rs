//! Takes a removed person out of stored events: the outcome stays, who it was does not. It is done after the removal,
//! some rows at a time, so that devices' events are taken in meanwhile; what comes in meanwhile no longer tells the
//! person (see `gone`).

use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::again::again;
use super::pictures::{record, record_bytes};
use super::values::Real;
use super::{SqlStore, columns};
use crate::domain::erasure::forget_person;
use crate::domain::event::score_of;
use crate::ports::StoreError;

/// Cursors looked through by one read.
const CURSORS_AT_ONCE: i64 = 50_000;
/// Events rewritten in one transaction.
const EVENTS_AT_ONCE: usize = 200;

/// An event's cursor, its record, and whose visit it is.
type Row = (i64, Vec<u8>, Option<Vec<u8>>);

impl SqlStore {
    /// Clears every erasure that is not cleared yet.
    pub(super) async fn clear_all(&self, now: UnixMillis) -> Result<u64, StoreError> {
        again(|| async {
            let open: Vec<Vec<u8>> = sqlx::query_scalar("SELECT person FROM erasures WHERE cleared_at IS NULL")
                .fetch_all(&self.read)
                .await?;
            for person in &open {
                self.scrub(columns::id(PersonId, person)?).await?;
            }
            if open.is_empty() || !self.empty_log().await? {
                return Ok(0);
            }
            for person in &open {
                sqlx::query("UPDATE erasures SET cleared_at = $1 WHERE person = $2")
                    .bind(now.0)
                    .bind(person)
                    .execute(&self.write)
                    .await?;
            }
            Ok(open.len() as u64)
        })
        .await
    }

    async fn scrub(&self, person: PersonId) -> Result<(), StoreError> {
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(cursor), 0) FROM events").fetch_one(&self.read).await?;
        let mut after = 0i64;
        while after < newest {
            // Ids stand in records as their 16 bytes; events of others may name the person as the nearest one.
            let named = self.engine.contains("record", "$3");
            let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
                "SELECT cursor, record, person FROM events WHERE cursor > $1 AND cursor <= $2 AND (person = $3 OR {named})"
            )))
            .bind(after)
            .bind(after + CURSORS_AT_ONCE)
            .bind(person.as_bytes().as_slice())
            .fetch_all(&self.read)
            .await?;
            for some in rows.chunks(EVENTS_AT_ONCE) {
                self.rewrite(person, some).await?;
            }
            after += CURSORS_AT_ONCE;
        }
        Ok(())
    }

    async fn rewrite(&self, person: PersonId, rows: &[Row]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            for (cursor, bytes, whose) in rows {
                let mut record = record(bytes)?;
                // Whom people said it was, or whom the device named: either way the picture is theirs.
                let was_theirs = whose.as_deref() == Some(person.as_bytes().as_slice())
                    || record.visit.as_ref().and_then(|visit| visit.matched).is_some_and(|m| m.person == person);
                if !forget_person(&mut record, person) && !was_theirs {
                    continue;
                }
                sqlx::query("UPDATE events SET record = $1, score = $2 WHERE cursor = $3")
                    .bind(record_bytes(&record)?)
                    .bind(score_of(&record).map(Real))
                    .bind(cursor)
                    .execute(&mut *tx)
                    .await?;
                if was_theirs {
                    self.drop_attached(&mut tx, *cursor).await?;
                }
                sqlx::query("UPDATE erasures SET events = events + 1 WHERE person = $1")
                    .bind(person.as_bytes().as_slice())
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn drop_attached(&self, tx: &mut AnyConnection, cursor: i64) -> Result<(), StoreError> {
        for statement in [
            "UPDATE events SET person = NULL, named = NULL, doubt = NULL, has_crop = 0 WHERE cursor = $1",
            "DELETE FROM event_crops WHERE cursor = $1",
            "DELETE FROM event_embeddings WHERE cursor = $1",
        ] {
            sqlx::query(statement).bind(cursor).execute(&mut *tx).await?;
        }
        Ok(())
    }
}
