//! Messages.

use std::collections::HashMap;

use ostiary_common::ids::{EventId, UserId};
use ostiary_common::time::UnixMillis;
use sqlx::{AnyConnection, AssertSqlSafe};
use uuid::Uuid;

use super::keys::ThreadOpener;
use super::rows::MessageRow;
use crate::domain::notify::{MessageId, ThreadId};
use crate::domain::talk::Message;
use crate::ports::StoreError;
use crate::ports::talk::{NewMessage, Searchable};
use crate::store::sql::again::again;
use crate::store::sql::statement::Statement;
use crate::store::sql::{SqlStore, columns};

/// Messages with what opens them.
const MESSAGES: &str = "SELECT m.id, m.thread, m.author, m.at, m.edited_at, m.sealed, m.edit, t.wrapped, t.person,
    k.wrapped AS person_key FROM messages m JOIN threads t ON t.id = m.thread
    LEFT JOIN person_keys k ON k.person = t.person";

/// Takes the next number of a change.
pub(super) async fn next_edit(tx: &mut AnyConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("UPDATE message_edits SET edit = edit + 1 RETURNING edit").fetch_one(tx).await?)
}

impl SqlStore {
    pub(super) async fn add_message(&self, message: &NewMessage) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(key) = self.thread_key(&mut tx, message.thread).await? else { return Ok(false) };
            let edit = next_edit(&mut tx).await?;
            let id = message.id.as_bytes().to_vec();
            sqlx::query(
                "INSERT INTO messages (id, thread, author, at, edited_at, sealed, edit)
                 VALUES ($1, $2, (SELECT id FROM accounts WHERE id = $3), $4, NULL, $5, $6)",
            )
            .bind(id.clone())
            .bind(message.thread.as_bytes().to_vec())
            .bind(message.author.as_bytes().to_vec())
            .bind(message.at.0)
            .bind(key.seal(message.id.as_bytes(), &message.text))
            .bind(edit)
            .execute(&mut *tx)
            .await?;
            for account in &message.mentions {
                sqlx::query(
                    "INSERT INTO message_mentions (message, account) SELECT $1, id FROM accounts WHERE id = $2
                     ON CONFLICT DO NOTHING",
                )
                .bind(id.clone())
                .bind(account.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            }
            for event in &message.events {
                sqlx::query("INSERT INTO message_events (message, event) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(id.clone())
                    .bind(event.as_bytes().to_vec())
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query("UPDATE threads SET messages = messages + 1, last_at = $1, state = 'open' WHERE id = $2")
                .bind(message.at.0)
                .bind(message.thread.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn message_of(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        let row: Option<MessageRow> = sqlx::query_as(AssertSqlSafe(format!("{MESSAGES} WHERE m.id = $1")))
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.read)
            .await?;
        Ok(self.opened_messages(row.into_iter().collect()).await?.pop())
    }

    pub(super) async fn list_messages(
        &self,
        thread: ThreadId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let query = format!("{MESSAGES} WHERE m.thread = $1 AND m.id < $2 ORDER BY m.id DESC LIMIT $3");
        let before = before.map_or_else(|| columns::BEHIND_EVERY_ID.to_vec(), |id| id.as_bytes().to_vec());
        let rows: Vec<MessageRow> = sqlx::query_as(AssertSqlSafe(query))
            .bind(thread.as_bytes().to_vec())
            .bind(before)
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        self.opened_messages(rows).await
    }

    pub(super) async fn edit_message(
        &self,
        id: MessageId,
        text: Option<&str>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let row: Option<(Vec<u8>, Option<Vec<u8>>, i64)> =
                sqlx::query_as("SELECT thread, sealed, edit FROM messages WHERE id = $1")
                    .bind(id.as_bytes().to_vec())
                    .fetch_optional(&mut *tx)
                    .await?;
            let Some((thread, Some(was), edit)) = row else { return Ok(false) };
            let thread = columns::id(ThreadId, &thread)?;
            let Some(key) = self.thread_key(&mut tx, thread).await? else { return Ok(false) };
            // What was taken back is not kept either.
            if text.is_some() {
                sqlx::query("INSERT INTO message_history (message, edit, at, sealed) VALUES ($1, $2, $3, $4)")
                    .bind(id.as_bytes().to_vec())
                    .bind(edit)
                    .bind(now.0)
                    .bind(was)
                    .execute(&mut *tx)
                    .await?;
            } else {
                sqlx::query("DELETE FROM message_history WHERE message = $1")
                    .bind(id.as_bytes().to_vec())
                    .execute(&mut *tx)
                    .await?;
            }
            let next = next_edit(&mut tx).await?;
            sqlx::query("UPDATE messages SET sealed = $1, edited_at = $2, edit = $3 WHERE id = $4")
                .bind(text.map(|text| key.seal(id.as_bytes(), text)))
                .bind(now.0)
                .bind(next)
                .bind(id.as_bytes().to_vec())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn message_history(&self, id: MessageId) -> Result<Vec<(UnixMillis, String)>, StoreError> {
        let row: Option<MessageRow> = sqlx::query_as(AssertSqlSafe(format!("{MESSAGES} WHERE m.id = $1")))
            .bind(id.as_bytes().to_vec())
            .fetch_optional(&self.read)
            .await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let history: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT at, sealed FROM message_history WHERE message = $1 ORDER BY edit")
                .bind(id.as_bytes().to_vec())
                .fetch_all(&self.read)
                .await?;
        let mut opener = ThreadOpener::new(self);
        history.into_iter().map(|(at, sealed)| Ok((UnixMillis(at), opener.open(&row, &sealed)?))).collect()
    }

    pub(super) async fn changed_messages(&self, after: i64, limit: u32) -> Result<Vec<Searchable>, StoreError> {
        let query = format!("{MESSAGES} WHERE m.edit > $1 ORDER BY m.edit LIMIT $2");
        let rows: Vec<MessageRow> =
            sqlx::query_as(AssertSqlSafe(query)).bind(after).bind(i64::from(limit)).fetch_all(&self.read).await?;
        let mut opener = ThreadOpener::new(self);
        let searchable = |row: MessageRow| {
            Ok(Searchable {
                edit: row.edit,
                message: columns::id(MessageId, &row.id)?,
                thread: columns::id(ThreadId, &row.thread)?,
                text: opener.text(&row)?,
            })
        };
        rows.into_iter().map(searchable).collect()
    }

    async fn opened_messages(&self, rows: Vec<MessageRow>) -> Result<Vec<Message>, StoreError> {
        let ids: Vec<Vec<u8>> = rows.iter().map(|row| row.id.clone()).collect();
        let mut mentions = self.hanging(UserId, "SELECT message, account FROM message_mentions", &ids).await?;
        let mut events = self.hanging(EventId, "SELECT message, event FROM message_events", &ids).await?;
        let mut opener = ThreadOpener::new(self);
        let open = |row: MessageRow| {
            Ok(Message {
                id: columns::id(MessageId, &row.id)?,
                thread: columns::id(ThreadId, &row.thread)?,
                author: row.author.as_deref().map(|id| columns::id(UserId, id)).transpose()?,
                at: UnixMillis(row.at),
                edited_at: columns::time(row.edited_at),
                text: opener.text(&row)?,
                mentions: mentions.remove(&row.id).unwrap_or_default(),
                events: events.remove(&row.id).unwrap_or_default(),
            })
        };
        rows.into_iter().map(open).collect()
    }

    /// What hangs on messages, by message.
    async fn hanging<T>(
        &self,
        make: fn(Uuid) -> T,
        select: &str,
        messages: &[Vec<u8>],
    ) -> Result<HashMap<Vec<u8>, Vec<T>>, StoreError> {
        let mut found: HashMap<Vec<u8>, Vec<T>> = HashMap::new();
        for some in messages.chunks(200) {
            let mut query = Statement::new(select);
            query.push(" WHERE message IN ").bind_list(some.iter().cloned());
            for (message, id) in query.query_as::<(Vec<u8>, Vec<u8>)>().fetch_all(&self.read).await? {
                found.entry(message).or_default().push(columns::id(make, &id)?);
            }
        }
        Ok(found)
    }
}
