//! Model packs: what they are (`rows`), how complete their templates are (`shadow`), which devices use which
//! (`rollout`).

mod rollout;
mod rows;
mod shadow;

pub(super) use rollout::OrderRow;
pub(super) use shadow::refuse;

use rollout::orders;

use async_trait::async_trait;
use ostiary_common::ids::{DeviceId, PackId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;

use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::persons::next_revision;
use super::{SqlStore, columns, ledger};
use crate::domain::audit::AuditNote;
use crate::domain::job::JobId;
use crate::domain::model_pack::{ModelPack, PackRefusal, PackState, Rollout};
use crate::domain::person::Template;
use crate::ports::StoreError;
use crate::ports::face_crops::CropPlace;
use crate::ports::model_packs::{ModelPackStore, PackAtDevice, PackCoverage, TwiceEmbedded};

/// Bytes of a piece of an archive.
const PIECE: usize = 1024 * 1024;

/// Keeps what a comparison said; the pack's templates are made by then.
pub(super) async fn compared(
    tx: &mut AnyConnection,
    id: &PackId,
    report: &str,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE model_packs SET report = $1, state = $2, changed_at = $3 WHERE id = $4 AND state = $5")
        .bind(report)
        .bind(PackState::Comparing.as_str())
        .bind(now.0)
        .bind(id.as_str())
        .bind(PackState::Shadow.as_str())
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl ModelPackStore for SqlStore {
    async fn model_packs(&self) -> Result<Vec<ModelPack>, StoreError> {
        rows::all(&mut *self.read.acquire().await?).await
    }

    async fn model_pack(&self, id: &PackId) -> Result<Option<ModelPack>, StoreError> {
        rows::one(&mut *self.read.acquire().await?, id.as_str()).await
    }

    async fn note_own_pack(&self, id: &PackId, manifest: &str, now: UnixMillis) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let packs = rows::all(&mut tx).await?;
            let in_force = packs.iter().find(|pack| pack.state == PackState::Active);
            // Whoever puts another pack into the configuration means it, unless one was rolled out since.
            let takes_over = in_force.is_none_or(|pack| pack.archive.is_none());
            if let Some(before) = in_force.filter(|pack| takes_over && pack.id != *id) {
                rows::put_state(&mut tx, before.id.as_str(), PackState::Retired, now).await?;
            }
            let state = if takes_over { PackState::Active } else { PackState::Installed };
            // One that was installed as an archive before stays one: devices may have it from here alone.
            sqlx::query(
                "INSERT INTO model_packs (id, state, own, served, manifest, installed_at, changed_at)
                 VALUES ($1, $2, 1, $3, $4, $5, $5) ON CONFLICT (id) DO NOTHING",
            )
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(i64::from(takes_over))
            .bind(manifest)
            .bind(now.0)
            .execute(&mut *tx)
            .await?;
            if takes_over && in_force.is_none_or(|pack| pack.id != *id) {
                rows::put_state(&mut tx, id.as_str(), PackState::Active, now).await?;
            }
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn add_model_pack(&self, pack: &ModelPack, archive: &[u8], note: &AuditNote) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let file = pack.archive.as_ref();
            sqlx::query(
                "INSERT INTO model_packs (id, state, own, served, manifest, sha256, size_bytes, key_pem, installed_at,
                 changed_at) VALUES ($1, $2, 0, 0, $3, $4, $5, $6, $7, $7)",
            )
            .bind(pack.id.as_str())
            .bind(pack.state.as_str())
            .bind(&pack.manifest)
            .bind(file.map(|file| file.sha256.to_vec()))
            .bind(file.map(|file| columns::to_column(file.size_bytes)))
            .bind(file.map(|file| file.key_pem.clone()))
            .bind(pack.installed_at.0)
            .execute(&mut *tx)
            .await
            .map_err(on_insert("pack id", "pack"))?;
            for (n, piece) in (0_i64..).zip(archive.chunks(PIECE)) {
                sqlx::query("INSERT INTO model_pack_pieces (pack, n, bytes) VALUES ($1, $2, $3)")
                    .bind(pack.id.as_str())
                    .bind(n)
                    .bind(piece)
                    .execute(&mut *tx)
                    .await?;
            }
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn pack_bytes(&self, id: &PackId, from: u64, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(file) = self.model_pack(id).await?.and_then(|pack| pack.archive) else { return Ok(None) };
        let piece = PIECE as u64;
        let end = file.size_bytes.min(from.saturating_add(most as u64));
        let mut bytes = Vec::new();
        let mut at = from;
        while at < end {
            let part: Option<Vec<u8>> =
                sqlx::query_scalar("SELECT bytes FROM model_pack_pieces WHERE pack = $1 AND n = $2")
                    .bind(id.as_str())
                    .bind(columns::to_column(at / piece))
                    .fetch_optional(&self.read)
                    .await?;
            // Removed meanwhile.
            let Some(part) = part else { return Ok(None) };
            let within = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(part.len());
            let (first, last) = (within(at % piece), within(end - at / piece * piece));
            if first >= last {
                break;
            }
            bytes.extend_from_slice(&part[first..last]);
            at += (last - first) as u64;
        }
        Ok(Some(bytes))
    }

    async fn put_pack_state(
        &self,
        id: &PackId,
        from: &[PackState],
        to: PackState,
        job: Option<JobId>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let pack = rows::one(&mut tx, id.as_str()).await?;
            if !pack.is_some_and(|pack| from.contains(&pack.state)) {
                return Ok(false);
            }
            rows::put_state(&mut tx, id.as_str(), to, now).await?;
            if let Some(job) = job {
                sqlx::query("UPDATE model_packs SET job = $1 WHERE id = $2")
                    .bind(job.as_bytes().to_vec())
                    .bind(id.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    async fn remove_model_pack(
        &self,
        id: &PackId,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Revision>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let of: Option<(i64, i64)> = sqlx::query_as("SELECT own, served FROM model_packs WHERE id = $1")
                .bind(id.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let Some((own, served)) = of else { return Err(StoreError::NoSuch("pack")) };
            let mut rev = None;
            if served == 1 {
                // Whoever summed up its gallery sees that it is empty.
                let next = next_revision(&mut tx).await?;
                sqlx::query("UPDATE persons SET rev = $1 WHERE id IN (SELECT person FROM templates WHERE pack = $2)")
                    .bind(columns::to_column(next.0))
                    .bind(id.as_str())
                    .execute(&mut *tx)
                    .await?;
                rev = Some(next);
            }
            let before = orders(&mut tx).await?;
            for statement in [
                "DELETE FROM templates WHERE pack = $1",
                "DELETE FROM face_refusals WHERE pack = $1",
                "UPDATE devices SET hold_pack = NULL WHERE hold_pack = $1",
            ] {
                sqlx::query(statement).bind(id.as_str()).execute(&mut *tx).await?;
            }
            if own == 1 {
                rows::put_state(&mut tx, id.as_str(), PackState::Installed, now).await?;
            } else {
                sqlx::query("DELETE FROM model_packs WHERE id = $1").bind(id.as_str()).execute(&mut *tx).await?;
            }
            rollout::bump(&mut tx, &before).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(rev)
        })
        .await
    }

    async fn pack_coverage(&self, id: &PackId) -> Result<PackCoverage, StoreError> {
        self.coverage_of(id).await
    }

    async fn pack_waiting(
        &self,
        id: &PackId,
        after: Option<CropPlace>,
        limit: u32,
    ) -> Result<Vec<CropPlace>, StoreError> {
        self.waiting_for(id, after, limit).await
    }

    async fn pack_refusals(
        &self,
        id: &PackId,
        after: Option<CropPlace>,
        limit: u32,
    ) -> Result<Vec<PackRefusal>, StoreError> {
        self.refusals_of(id, after, limit).await
    }

    async fn pack_missing(
        &self,
        id: &PackId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<PersonId>, StoreError> {
        self.missing_of(id, after, limit).await
    }

    async fn add_shadow_template(&self, template: &Template) -> Result<Option<Revision>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let rev = self.insert_shadow(&mut tx, template).await?;
            tx.commit().await?;
            Ok(rev)
        })
        .await
    }

    async fn refuse_shadow(&self, id: &PackId, refusal: &PackRefusal) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            shadow::refuse(&mut tx, id, refusal).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }

    async fn embedded_twice(
        &self,
        first: &PackId,
        second: &PackId,
        limit: u32,
    ) -> Result<Vec<TwiceEmbedded>, StoreError> {
        self.twice(first, second, limit).await
    }

    async fn packs_at_devices(&self) -> Result<Vec<PackAtDevice>, StoreError> {
        rollout::at_devices(&mut *self.read.acquire().await?).await
    }

    async fn put_rollout(
        &self,
        id: &PackId,
        from: &[PackState],
        rollout: &Rollout,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<Vec<DeviceId>>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(devices) = rollout::put(&mut tx, id, from, rollout, now).await? else { return Ok(None) };
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(devices))
        })
        .await
    }
}
