//! Conversations about unknown visitors follow what becomes of these: two who are one talk on as one, who turns out to be
//! a person takes the conversation along under the person's key, and with the last visit it ends.

use ostiary_common::ids::{PersonId, UnknownId};
use sqlx::AnyConnection;

use super::messages::next_edit;
use crate::domain::notify::ThreadId;
use crate::ports::StoreError;
use crate::sealing::{PersonKey, ThreadKeeper, ThreadKey};
use crate::store::sql::error::corrupt;
use crate::store::sql::{SqlStore, columns};

/// The conversation about an unknown visitor.
async fn about(tx: &mut AnyConnection, unknown: UnknownId) -> Result<Option<ThreadId>, StoreError> {
    let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM threads WHERE about = 'unknown' AND subject = $1")
        .bind(unknown.as_bytes().to_vec())
        .fetch_optional(tx)
        .await?;
    id.map(|id| columns::id(ThreadId, &id)).transpose()
}

impl SqlStore {
    /// A visitor turned out to be another: what was said about the one is said about the other.
    pub(in crate::store::sql) async fn join_threads(
        &self,
        tx: &mut AnyConnection,
        gone: UnknownId,
        became: UnknownId,
    ) -> Result<(), StoreError> {
        let Some(from) = about(&mut *tx, gone).await? else { return Ok(()) };
        let Some(into) = about(&mut *tx, became).await? else {
            sqlx::query("UPDATE threads SET subject = $1 WHERE id = $2")
                .bind(became.as_bytes().to_vec())
                .bind(from.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            return Ok(());
        };
        self.move_messages(&mut *tx, from, into).await?;
        sqlx::query(
            "UPDATE threads SET
                messages = (SELECT count(*) FROM messages m WHERE m.thread = threads.id),
                last_at = coalesce((SELECT max(t.last_at) FROM threads t WHERE t.id IN ($1, $2)), last_at),
                held = coalesce((SELECT max(t.held) FROM threads t WHERE t.id IN ($1, $2)), held)
             WHERE id = $1",
        )
        .bind(into.as_bytes().to_vec())
        .bind(from.as_bytes().to_vec())
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM threads WHERE id = $1").bind(from.as_bytes().to_vec()).execute(tx).await?;
        Ok(())
    }

    /// Seals what was said in one conversation with the key of another, where it stands from now on.
    async fn move_messages(&self, tx: &mut AnyConnection, from: ThreadId, into: ThreadId) -> Result<(), StoreError> {
        let keys = (self.thread_key(&mut *tx, from).await?, self.thread_key(&mut *tx, into).await?);
        let (Some(old), Some(new)) = keys else { return Ok(()) };
        let messages: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            sqlx::query_as("SELECT id, sealed FROM messages WHERE thread = $1 ORDER BY id")
                .bind(from.as_bytes().to_vec())
                .fetch_all(&mut *tx)
                .await?;
        for (id, sealed) in messages {
            let anew = sealed.map(|sealed| resealed(&old, &new, &id, &sealed)).transpose()?;
            let edit = next_edit(&mut *tx).await?;
            sqlx::query("UPDATE messages SET thread = $1, sealed = $2, edit = $3 WHERE id = $4")
                .bind(into.as_bytes().to_vec())
                .bind(anew)
                .bind(edit)
                .bind(id.clone())
                .execute(&mut *tx)
                .await?;
            let history: Vec<(i64, Vec<u8>)> =
                sqlx::query_as("SELECT edit, sealed FROM message_history WHERE message = $1")
                    .bind(id.clone())
                    .fetch_all(&mut *tx)
                    .await?;
            for (edit, sealed) in history {
                sqlx::query("UPDATE message_history SET sealed = $1 WHERE message = $2 AND edit = $3")
                    .bind(resealed(&old, &new, &id, &sealed)?)
                    .bind(id.clone())
                    .bind(edit)
                    .execute(&mut *tx)
                    .await?;
            }
        }
        Ok(())
    }

    /// A visitor turned out to be a new person: what was said is about that person, and ends with them.
    pub(in crate::store::sql) async fn hand_thread_to(
        &self,
        tx: &mut AnyConnection,
        unknown: UnknownId,
        person: PersonId,
        key: &PersonKey,
    ) -> Result<(), StoreError> {
        let Some(thread) = about(&mut *tx, unknown).await? else { return Ok(()) };
        let Some(own) = self.thread_key(&mut *tx, thread).await? else { return Ok(()) };
        sqlx::query("UPDATE threads SET about = 'person', subject = $1, person = $1, wrapped = $2 WHERE id = $3")
            .bind(person.as_bytes().to_vec())
            .bind(own.wrapped(&ThreadKeeper::Person(key), thread.as_bytes()))
            .bind(thread.as_bytes().to_vec())
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Conversations about visitors who are gone end with them, but for those that are held.
pub(in crate::store::sql) async fn end_orphans(tx: &mut AnyConnection) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM threads WHERE about = 'unknown' AND held = 0
         AND NOT EXISTS (SELECT 1 FROM unknowns u WHERE u.id = threads.subject)",
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn resealed(old: &ThreadKey, new: &ThreadKey, message: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let id: [u8; 16] = message.try_into().map_err(|e| corrupt("message", e))?;
    let text = old.open(&id, sealed).map_err(|e| corrupt("message", e))?;
    Ok(new.seal(&id, &text))
}
