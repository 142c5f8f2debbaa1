//! What devices were told to do, and what they answered.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Attachment, CommandResult};
use sqlx::AnyConnection;

use super::again::again;
use super::error::corrupt;
use super::statement::Statement;
use super::values::Flag;
use super::{SqlStore, columns, ledger};
use crate::domain::audit::AuditNote;
use crate::domain::command::{CommandState, DeviceCommand, MediaType, plain};
use crate::ports::StoreError;
use crate::ports::commands::CommandStore;

const SELECT: &str =
    "SELECT c.id, c.device, c.kind, c.asked_by, c.asked_at, c.not_after, c.status, c.detail, c.answered_at,
    c.media_type, c.size, CAST(CASE WHEN a.command IS NULL THEN 0 ELSE 1 END AS BIGINT) AS has_attachment
    FROM device_commands c LEFT JOIN device_command_attachments a ON a.command = c.id";

#[derive(sqlx::FromRow)]
struct Row {
    id: Vec<u8>,
    device: Vec<u8>,
    kind: String,
    asked_by: String,
    asked_at: i64,
    not_after: i64,
    status: String,
    detail: String,
    answered_at: Option<i64>,
    media_type: Option<String>,
    size: Option<i64>,
    has_attachment: Flag,
}

impl TryFrom<Row> for DeviceCommand {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let size = columns::unsigned("size of an attachment", row.size.unwrap_or_default())?;
        Ok(Self {
            id: columns::id(MsgId, &row.id)?,
            device: columns::id(DeviceId, &row.device)?,
            kind: row.kind,
            asked_by: row.asked_by,
            asked_at: UnixMillis(row.asked_at),
            not_after: UnixMillis(row.not_after),
            state: CommandState::parse(&row.status).ok_or_else(|| corrupt("state of a command", &row.status))?,
            detail: row.detail,
            answered_at: columns::time(row.answered_at),
            attachment: row.media_type.as_deref().map(media_type).transpose()?.map(|media| (media, size)),
            has_attachment: row.has_attachment.0,
        })
    }
}

fn media_type(name: &str) -> Result<MediaType, StoreError> {
    MediaType::parse(name).ok_or_else(|| corrupt("media type", name))
}

/// Statements of one command of one device.
fn one(select: &str, device: DeviceId, id: MsgId) -> Statement {
    let mut query = Statement::new(select);
    query.push(" WHERE c.id = ").bind(id.as_bytes().to_vec());
    query.push(" AND c.device = ").bind(device.as_bytes().to_vec());
    query
}

#[async_trait]
impl CommandStore for SqlStore {
    async fn add_command(&self, command: &DeviceCommand, note: &AuditNote) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO device_commands (id, device, kind, asked_by, asked_at, not_after, status, detail)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, '')",
            )
            .bind(command.id.as_bytes().to_vec())
            .bind(command.device.as_bytes().to_vec())
            .bind(&command.kind)
            .bind(&command.asked_by)
            .bind(command.asked_at.0)
            .bind(command.not_after.0)
            .bind(command.state.as_str())
            .execute(&mut *tx)
            .await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn answer_command(
        &self,
        device: DeviceId,
        result: &CommandResult,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let found: Option<Row> = one(SELECT, device, result.id).query_as().fetch_optional(&mut *tx).await?;
            let Some(before) = found.map(DeviceCommand::try_from).transpose()? else { return Ok(false) };
            if before.state == CommandState::Sent {
                sqlx::query("UPDATE device_commands SET status = $1, detail = $2, answered_at = $3 WHERE id = $4")
                    .bind(CommandState::from(result.status).as_str())
                    .bind(plain(&result.detail))
                    .bind(now.0)
                    .bind(result.id.as_bytes().to_vec())
                    .execute(&mut *tx)
                    .await?;
            }
            if let Some(came) = result.attachment.as_ref().filter(|_| before.attachment.is_none()) {
                self.keep_attachment(&mut tx, result.id, came, now).await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn commands(
        &self,
        device: DeviceId,
        before: Option<MsgId>,
        limit: u32,
    ) -> Result<Vec<DeviceCommand>, StoreError> {
        let mut query = Statement::new(SELECT);
        query.push(" WHERE c.device = ").bind(device.as_bytes().to_vec());
        if let Some(before) = before {
            query.push(" AND c.id < ").bind(before.as_bytes().to_vec());
        }
        query.push(" ORDER BY c.id DESC").limit(limit);
        let rows: Vec<Row> = query.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(DeviceCommand::try_from).collect()
    }

    async fn command(&self, device: DeviceId, id: MsgId) -> Result<Option<DeviceCommand>, StoreError> {
        let row: Option<Row> = one(SELECT, device, id).query_as().fetch_optional(&self.read).await?;
        row.map(DeviceCommand::try_from).transpose()
    }

    async fn command_attachment(
        &self,
        device: DeviceId,
        id: MsgId,
    ) -> Result<Option<(MediaType, Vec<u8>)>, StoreError> {
        const SEALED: &str = "SELECT c.media_type, a.sealed FROM device_commands c
            JOIN device_command_attachments a ON a.command = c.id AND c.media_type IS NOT NULL";
        let row: Option<(String, Vec<u8>)> = one(SEALED, device, id).query_as().fetch_optional(&self.read).await?;
        let Some((name, sealed)) = row else { return Ok(None) };
        let bytes = self.media.open_of_command(id, &sealed).map_err(|e| corrupt("attachment", e))?;
        Ok(Some((media_type(&name)?, bytes)))
    }
}

impl SqlStore {
    async fn keep_attachment(
        &self,
        tx: &mut AnyConnection,
        id: MsgId,
        came: &Attachment,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let Some(media) = MediaType::of(&came.media_type, &came.data) else {
            tracing::warn!(command.id = %id, "what came with the answer to {id} is nothing that may, and is not kept");
            return Ok(());
        };
        sqlx::query("UPDATE device_commands SET media_type = $1, size = $2 WHERE id = $3")
            .bind(media.as_str())
            .bind(columns::to_column(came.data.len() as u64))
            .bind(id.as_bytes().to_vec())
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO device_command_attachments (command, picture, at, sealed) VALUES ($1, $2, $3, $4)")
            .bind(id.as_bytes().to_vec())
            .bind(Flag(media == MediaType::Jpeg))
            .bind(now.0)
            .bind(self.media.seal_of_command(id, &came.data))
            .execute(tx)
            .await?;
        Ok(())
    }
}
