//! Claim codes and used assertions: what may be used once.

use ostiary_common::ids::{DeviceId, TokenId};
use ostiary_common::time::UnixMillis;

use super::again::again;
use super::error::on_insert;
use super::{SqlStore, columns, gallery_keys};
use crate::domain::device::ClaimCode;
use crate::ports::StoreError;

impl SqlStore {
    pub(super) async fn insert_claim_code(&self, code: &ClaimCode) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query(
                "INSERT INTO claim_codes (device, code_hash, expires_at) VALUES ($1, $2, $3)
                 ON CONFLICT (device) DO UPDATE SET code_hash = excluded.code_hash, expires_at = excluded.expires_at",
            )
            .bind(code.device.as_bytes().as_slice())
            .bind(&code.code_hash)
            .bind(code.expires_at.0)
            .execute(&self.write)
            .await
            .map_err(on_insert("claim code", "device"))?;
            Ok(())
        })
        .await
    }

    /// Uses the code up and activates its device, or neither.
    pub(super) async fn use_claim_code(
        &self,
        code_hash: &str,
        public_key_pem: &str,
        now: UnixMillis,
    ) -> Result<Option<DeviceId>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let device: Option<Vec<u8>> =
                sqlx::query_scalar("DELETE FROM claim_codes WHERE code_hash = $1 AND expires_at > $2 RETURNING device")
                    .bind(code_hash)
                    .bind(now.0)
                    .fetch_optional(&mut *tx)
                    .await?;
            let Some(device) = device else { return Ok(None) };
            // A new claim means a new board or a new card: nothing said before is true of it. The session number
            // stays, so that a late will of the old board cannot speak for the new one.
            let changed = sqlx::query(
                "UPDATE devices SET state = 'active', public_key_pem = $1, claimed_at = $2, held_rev = NULL,
                 held_digest = NULL, held_persons = NULL, held_templates = NULL, held_at = NULL
                 WHERE id = $3 AND state != 'revoked'",
            )
            .bind(public_key_pem)
            .bind(now.0)
            .bind(&device)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                return Ok(None);
            }
            let device = columns::id(DeviceId, &device)?;
            gallery_keys::forget(&mut tx, device).await?;
            tx.commit().await?;
            Ok(Some(device))
        })
        .await
    }

    pub(super) async fn remember_assertion(&self, jti: TokenId, expires_at: UnixMillis) -> Result<bool, StoreError> {
        again(|| async {
            let inserted = sqlx::query(
                "INSERT INTO used_assertions (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
            )
            .bind(jti.as_bytes().as_slice())
            .bind(expires_at.0)
            .execute(&self.write)
            .await?
            .rows_affected();
            Ok(inserted == 1)
        })
        .await
    }

    /// Forgets assertions and codes that ended before `now`; they are refused for their age.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn forget_ended(&self, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            sqlx::query("DELETE FROM used_assertions WHERE expires_at <= $1").bind(now.0).execute(&self.write).await?;
            sqlx::query("DELETE FROM claim_codes WHERE expires_at <= $1").bind(now.0).execute(&self.write).await?;
            Ok(())
        })
        .await
    }
}
