//! The installation's id, and the key of its look-ups.

use sqlx::AnyPool;

use crate::domain::account::InstallationId;
use crate::ports::StoreError;
use crate::sealing::{DirectoryKey, MasterKey};
use crate::store::sql::{SqlStore, columns};

/// What the store knows of the installation itself.
pub struct Directory {
    /// Stands in people's tokens.
    pub installation: InstallationId,
    /// Hashes and seals.
    pub key: DirectoryKey,
}

impl Directory {
    /// As stored, made if there is none; it opens only with the master key the store was sealed with.
    pub async fn open(pool: &AnyPool, master: &MasterKey) -> Result<Self, StoreError> {
        let (_, wrapped) = master.new_directory_key();
        sqlx::query("INSERT INTO installation (\"only\", id, wrapped) VALUES (1, $1, $2) ON CONFLICT DO NOTHING")
            .bind(InstallationId::generate().as_bytes().as_slice())
            .bind(wrapped)
            .execute(pool)
            .await?;
        let (id, wrapped): (Vec<u8>, Vec<u8>) =
            sqlx::query_as("SELECT id, wrapped FROM installation").fetch_one(pool).await?;
        let key = master.directory_key(&wrapped).map_err(|_| StoreError::OtherMasterKey)?;
        Ok(Self { installation: columns::id(InstallationId, &id)?, key })
    }
}

impl SqlStore {
    /// The installation's id.
    pub fn installation(&self) -> InstallationId {
        self.directory.installation
    }
}
