//! Commands: done once by id, never after `not_after`.

use serde::{Deserialize, Serialize};

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
}

impl Body for Command {
    const KIND: &'static str = "command";
    const MAX_BYTES: usize = 4 * 1024;
}

impl Body for CommandResult {
    const KIND: &'static str = "command result";
    const MAX_BYTES: usize = 16 * 1024;
}
