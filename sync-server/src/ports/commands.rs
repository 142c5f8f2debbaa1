//! What devices were told to do, and what they answered.

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, MsgId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::CommandResult;

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::command::{DeviceCommand, MediaType};

/// Commands, kept.
#[async_trait]
pub trait CommandStore: Send + Sync {
    /// Keeps a command that is about to be sent, together with its line in the audit log.
    async fn add_command(&self, command: &DeviceCommand, note: &AuditNote) -> Result<(), StoreError>;
    /// Keeps what a device answered, with what came along if it is something that may. An answer that comes again changes
    /// nothing, but for one without words that took the place of a first that was lost. `false` if this device was not
    /// told so, or it is forgotten.
    async fn answer_command(
        &self,
        device: DeviceId,
        result: &CommandResult,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// A device's commands, the newest first, those older than `before`.
    async fn commands(
        &self,
        device: DeviceId,
        before: Option<MsgId>,
        limit: u32,
    ) -> Result<Vec<DeviceCommand>, StoreError>;
    /// One of a device's commands.
    async fn command(&self, device: DeviceId, id: MsgId) -> Result<Option<DeviceCommand>, StoreError>;
    /// What came with its answer, unless its time is over.
    async fn command_attachment(&self, device: DeviceId, id: MsgId)
    -> Result<Option<(MediaType, Vec<u8>)>, StoreError>;
}
