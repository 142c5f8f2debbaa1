//! Commands: done once by id, never after `not_after`.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::envelope::Body;
use crate::ids::MsgId;
use crate::time::UnixMillis;

/// "Do this"; the kind stands in the topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// A repeated command with the same id is answered, not done again.
    pub id: MsgId,
    /// Refused after this server time.
    pub not_after: UnixMillis,
    /// Of `log-level`: `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Of `log-level`: for so many minutes, 1 to 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

impl Command {
    /// A command that needs no more words than its kind.
    #[must_use]
    pub const fn new(id: MsgId, not_after: UnixMillis) -> Self {
        Self { id, not_after, level: None, minutes: None }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandStatus {
    /// Done.
    Done,
    /// Came too late.
    Expired,
    /// This device cannot, see the detail.
    Refused,
    /// A status this program does not know.
    #[serde(other)]
    Other,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandResult {
    /// The command's id.
    pub id: MsgId,
    /// How it ended.
    pub status: CommandStatus,
    /// In words.
    #[serde(default)]
    pub detail: String,
    /// What was asked for, if that is more than words. A command that comes again is answered without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
}

/// What a command's answer carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// `image/jpeg` or `application/gzip`.
    pub media_type: String,
    /// The bytes, at most [`MAX_ATTACHMENT_BYTES`].
    pub data: ByteBuf,
}

/// The largest attachment, bytes.
pub const MAX_ATTACHMENT_BYTES: usize = 192 * 1024;

impl Body for Command {
    const KIND: &'static str = "command";
    const MAX_BYTES: usize = 4 * 1024;
}

impl Body for CommandResult {
    const KIND: &'static str = "command result";
    const MAX_BYTES: usize = MAX_ATTACHMENT_BYTES + 16 * 1024;
}
