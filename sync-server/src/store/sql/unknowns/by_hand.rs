//! What people do with groups. Whom they put somewhere stays there.

use ostiary_common::ids::{EventId, UnknownId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::{dissolve, edited, make, move_visit, pin_all, risen, seal, visits};
use crate::domain::audit::AuditNote;
use crate::domain::unknown::{UnknownDeed, UnknownState};
use crate::ports::StoreError;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, ledger};

impl SqlStore {
    pub(super) async fn deed(&self, deed: &UnknownDeed, now: UnixMillis, note: &AuditNote) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let done = match deed {
            UnknownDeed::Merge { into, from } => self.merge_unknowns(&mut tx, *into, from, now).await?,
            UnknownDeed::Split { from, visits, into } => {
                self.split_unknown(&mut tx, *from, (*into, visits), now).await?
            }
            UnknownDeed::Mark { id, state } => mark(&mut tx, *id, *state).await?,
        };
        if done {
            edited(&mut tx).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
        }
        Ok(done)
    }

    async fn merge_unknowns(
        &self,
        tx: &mut AnyConnection,
        into: UnknownId,
        from: &[UnknownId],
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let Some(seal) = seal(self, tx, into).await? else { return Ok(false) };
        for other in from.iter().filter(|other| **other != into) {
            let visits = visits(&mut *tx, *other).await?;
            if visits.is_empty() {
                return Ok(false);
            }
            for cursor in visits {
                move_visit(self, &mut *tx, cursor, (into, &seal), Some(true)).await?;
            }
            self.join_threads(&mut *tx, *other, into).await?;
            dissolve(&mut *tx, *other, into, now).await?;
        }
        pin_all(&mut *tx, into).await?;
        risen(tx, into).await
    }

    async fn split_unknown(
        &self,
        tx: &mut AnyConnection,
        from: UnknownId,
        (into, events): (UnknownId, &[EventId]),
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let pack: Option<String> = sqlx::query_scalar("SELECT pack FROM unknowns WHERE id = $1")
            .bind(from.as_bytes().to_vec())
            .fetch_optional(&mut *tx)
            .await?;
        let mut statement = Statement::new(
            "SELECT v.cursor FROM unknown_visits v JOIN events e ON e.cursor = v.cursor WHERE v.visitor = ",
        );
        statement.bind(from.as_bytes().to_vec()).push(" AND e.event_id IN ");
        statement.bind_list(events.iter().map(|event| event.as_bytes().to_vec()));
        let moving: Vec<(i64,)> = statement.query_as().fetch_all(&mut *tx).await?;
        let all = visits(&mut *tx, from).await?.len();
        let Some(pack) = pack.filter(|_| moving.len() == events.len() && moving.len() < all) else { return Ok(false) };
        let seal = make(self, &mut *tx, into, &pack, now).await?;
        for (cursor,) in moving {
            move_visit(self, &mut *tx, cursor, (into, &seal), Some(true)).await?;
        }
        pin_all(&mut *tx, from).await?;
        risen(tx, from).await
    }
}

async fn mark(tx: &mut AnyConnection, id: UnknownId, state: UnknownState) -> Result<bool, StoreError> {
    sqlx::query("UPDATE unknowns SET state = $1 WHERE id = $2")
        .bind(state.as_str())
        .bind(id.as_bytes().to_vec())
        .execute(&mut *tx)
        .await?;
    pin_all(&mut *tx, id).await?;
    risen(tx, id).await
}
