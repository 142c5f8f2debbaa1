//! Pictures of enrolled faces. They belong to a photo, not to a template: templates of several packs share one, and it
//! goes with the last of them.

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_models::face_crop::FaceCrop;
use sqlx::AnyConnection;

use super::again::again;
use super::error::corrupt;
use super::opener::{key_of, unwrap};
use super::{SqlStore, columns};
use crate::ports::StoreError;
use crate::ports::face_crops::{CropCounts, CropPlace, FaceCropStore};
use crate::sealing::{MasterKey, PersonKey};

#[derive(sqlx::FromRow)]
struct CropRow {
    jpeg: Vec<u8>,
    wrapped: Vec<u8>,
}

/// Keeps a picture, sealed with the person's key, unless one of the same photo is kept.
pub(super) async fn insert(
    tx: &mut AnyConnection,
    key: &PersonKey,
    place: CropPlace,
    crop: &FaceCrop,
    now: UnixMillis,
) -> Result<(), StoreError> {
    put(tx, key, place, crop.as_jpeg(), now).await
}

async fn put(
    tx: &mut AnyConnection,
    key: &PersonKey,
    place: CropPlace,
    jpeg: &[u8],
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO face_crops (person, source_sha256, jpeg, kept_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (person, source_sha256) DO NOTHING",
    )
    .bind(place.person.as_bytes().as_slice())
    .bind(place.source_sha256.as_slice())
    .bind(key.seal_face_crop(&place.source_sha256, jpeg))
    .bind(now.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives another person the picture of a photo, sealed with their key; the first one keeps theirs as long as a template
/// of it is left, see [`drop_unused`].
pub(super) async fn carry(
    tx: &mut AnyConnection,
    master: &MasterKey,
    from: CropPlace,
    to: PersonId,
) -> Result<(), StoreError> {
    let row: Option<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT jpeg, kept_at FROM face_crops WHERE person = $1 AND source_sha256 = $2")
            .bind(from.person.as_bytes().as_slice())
            .bind(from.source_sha256.as_slice())
            .fetch_optional(&mut *tx)
            .await?;
    let Some((sealed, kept_at)) = row else { return Ok(()) };
    let theirs = key_of(tx, master, from.person).await?.ok_or(StoreError::NoSuch("person"))?;
    let key = key_of(tx, master, to).await?.ok_or(StoreError::NoSuch("person"))?;
    let jpeg = theirs.open_face_crop(&from.source_sha256, &sealed).map_err(|e| corrupt("face picture", e))?;
    put(tx, &key, CropPlace { person: to, ..from }, &jpeg, UnixMillis(kept_at)).await
}

/// Removes the picture of a photo of which no template is left.
pub(super) async fn drop_unused(tx: &mut AnyConnection, place: CropPlace) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM face_crops WHERE person = $1 AND source_sha256 = $2
         AND NOT EXISTS (SELECT 1 FROM templates t WHERE t.person = $1 AND t.source_sha256 = $2)",
    )
    .bind(place.person.as_bytes().as_slice())
    .bind(place.source_sha256.as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

#[async_trait]
impl FaceCropStore for SqlStore {
    async fn face_crop(&self, place: CropPlace) -> Result<Option<FaceCrop>, StoreError> {
        let row: Option<CropRow> = sqlx::query_as(
            "SELECT c.jpeg, k.wrapped FROM face_crops c JOIN person_keys k ON k.person = c.person
             WHERE c.person = $1 AND c.source_sha256 = $2",
        )
        .bind(place.person.as_bytes().as_slice())
        .bind(place.source_sha256.as_slice())
        .fetch_optional(&self.read)
        .await?;
        let Some(CropRow { jpeg, wrapped }) = row else { return Ok(None) };
        let key = unwrap(&self.master, place.person, &wrapped)?;
        let jpeg = key.open_face_crop(&place.source_sha256, &jpeg).map_err(|e| corrupt("face picture", e))?;
        FaceCrop::kept(jpeg).map(Some).ok_or_else(|| corrupt("face picture", "larger than any that is kept"))
    }

    async fn face_crops_of(&self, person: PersonId) -> Result<Vec<(CropPlace, UnixMillis)>, StoreError> {
        let rows: Vec<(Vec<u8>, i64)> =
            sqlx::query_as("SELECT source_sha256, kept_at FROM face_crops WHERE person = $1 ORDER BY source_sha256")
                .bind(person.as_bytes().as_slice())
                .fetch_all(&self.read)
                .await?;
        let place = |(source, kept_at): (Vec<u8>, i64)| {
            let source_sha256 = columns::bytes32("photo hash", &source)?;
            Ok((CropPlace { person, source_sha256 }, UnixMillis(kept_at)))
        };
        rows.into_iter().map(place).collect()
    }

    async fn face_crop_counts(&self) -> Result<CropCounts, StoreError> {
        let (crops, persons): (i64, i64) =
            sqlx::query_as("SELECT count(*), count(DISTINCT person) FROM face_crops").fetch_one(&self.read).await?;
        Ok(CropCounts { crops: columns::unsigned("count", crops)?, persons: columns::unsigned("count", persons)? })
    }

    async fn remove_face_crops(&self, at_most: u32) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let some: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT person, source_sha256 FROM face_crops LIMIT $1")
                .bind(i64::from(at_most))
                .fetch_all(&mut *tx)
                .await?;
            let mut removed = 0;
            for (person, source) in some {
                removed += sqlx::query("DELETE FROM face_crops WHERE person = $1 AND source_sha256 = $2")
                    .bind(person)
                    .bind(source)
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
            }
            tx.commit().await?;
            Ok(removed)
        })
        .await
    }
}
