//! A command as it is shown.

use ostiary_common::time::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::command::DeviceCommand;

/// What a device was told, and what came of it.
#[derive(Serialize, ToSchema)]
pub struct CommandView {
    /// Its id.
    pub(super) id: Uuid,
    /// What to do, as in the request that sent it.
    kind: String,
    /// Who told it: an account or a key, as the audit log names them.
    asked_by: String,
    /// When.
    asked_at: String,
    /// Not done any more after this.
    not_after: String,
    /// `sent` until the device answers; `done`, `refused`, `expired` (it came too late), `other`, or `lost`: nothing was
    /// heard of it in time.
    #[schema(value_type = String)]
    status: &'static str,
    /// The device's words.
    detail: String,
    /// When it answered.
    answered_at: Option<String>,
    /// What came with the answer.
    attachment: Option<AttachmentView>,
}

/// What came with an answer.
#[derive(Serialize, ToSchema)]
pub struct AttachmentView {
    /// `image/jpeg` or `application/gzip`.
    #[schema(value_type = String)]
    media_type: &'static str,
    /// Its size, bytes.
    size_bytes: u64,
    /// Whether its time is over, and it is gone.
    gone: bool,
}

impl CommandView {
    /// As of a moment.
    pub(super) fn at(command: DeviceCommand, now: UnixMillis) -> Self {
        let status = command.state_at(now).as_str();
        let gone = !command.has_attachment;
        let attachment = command.attachment.map(|(media, size_bytes)| AttachmentView {
            media_type: media.as_str(),
            size_bytes,
            gone,
        });
        Self {
            id: command.id.0,
            kind: command.kind,
            asked_by: command.asked_by,
            asked_at: command.asked_at.to_rfc3339(),
            not_after: command.not_after.to_rfc3339(),
            status,
            detail: command.detail,
            answered_at: command.answered_at.map(|at| at.to_rfc3339()),
            attachment,
        }
    }
}
