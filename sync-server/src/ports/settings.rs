//! Documents that admins set.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::audit::AuditNote;
use crate::domain::recognition::{Change, Versioned};

/// Documents by name, each with a version.
#[async_trait]
pub trait SettingsStore: Send + Sync {
    /// A document's JSON; `None` if it was never set.
    async fn setting(&self, name: &str) -> Result<Option<Versioned<String>>, StoreError>;
    /// Sets a document together with its line in the audit log, and returns its new version;
    /// [`StoreError::Outdated`] if it was changed meanwhile.
    async fn put_setting(&self, name: &str, json: &str, change: Change, note: &AuditNote) -> Result<u64, StoreError>;
}
