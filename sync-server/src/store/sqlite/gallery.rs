//! The gallery as devices are to hold it. Every device may hold everybody for now; `device` is there for when
//! doors have resource-level galleries.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use async_trait::async_trait;
use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, PackId, PersonId, TemplateId};
use ostiary_common::wire::{ChunkKind, PersonChange, Revision, TemplateRow};
use serde_bytes::ByteBuf;
use sqlx::SqliteConnection;

use super::opener::Opener;
use super::{SqliteStore, columns};
use crate::domain::gallery::{GalleryDelta, GallerySize};
use crate::ports::{GalleryStore, StoreError};

/// A person with one of the templates held, or with none.
#[derive(sqlx::FromRow)]
struct HeldRow {
    person: Vec<u8>,
    rev: i64,
    id: Option<Vec<u8>>,
    version: Option<i64>,
    angle: Option<String>,
    embedding: Option<Vec<u8>>,
    wrapped: Option<Vec<u8>>,
}

impl HeldRow {
    fn template(self, person: PersonId, opener: &mut Opener<'_>) -> Result<Option<TemplateRow>, StoreError> {
        let (Some(id), Some(version), Some(angle), Some(sealed), Some(wrapped)) =
            (self.id, self.version, self.angle, self.embedding, self.wrapped)
        else {
            return Ok(None);
        };
        let id = columns::id(TemplateId, &id)?;
        Ok(Some(TemplateRow {
            id,
            version: columns::unsigned32("template version", version)?,
            angle: columns::angle(&angle)?,
            embedding: ByteBuf::from(opener.embedding((person, &wrapped), id, &sealed)?),
        }))
    }
}

async fn revision(conn: &mut SqliteConnection) -> Result<Revision, StoreError> {
    let rev: i64 = sqlx::query_scalar("SELECT rev FROM gallery").fetch_one(conn).await?;
    Ok(Revision(columns::unsigned("revision", rev)?))
}

async fn sum(conn: &mut SqliteConnection, pack: &PackId) -> Result<GalleryDigest, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT id, version FROM templates WHERE pack = ?").bind(pack.as_str()).fetch_all(conn).await?;
    let mut digest = GalleryDigest::default();
    for (id, version) in rows {
        digest.add(columns::id(TemplateId, &id)?, columns::unsigned32("template version", version)?);
    }
    Ok(digest)
}

/// Persons changed after `since`, each with all templates of the pack; removed persons with none.
async fn changed_persons(
    conn: &mut SqliteConnection,
    pack: &PackId,
    since: Revision,
) -> Result<Vec<HeldRow>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT p.id AS person, p.rev, t.id, t.version, t.angle, t.embedding, k.wrapped
         FROM persons p JOIN person_keys k ON k.person = p.id
         LEFT JOIN templates t ON t.person = p.id AND t.pack = ?1 WHERE p.rev > ?2
         UNION ALL
         SELECT d.person, d.rev, NULL, NULL, NULL, NULL, NULL FROM tombstones d WHERE d.rev > ?2",
    )
    .bind(pack.as_str())
    .bind(columns::to_column(since.0))
    .fetch_all(conn)
    .await?)
}

/// Everyone who has a template of the pack.
async fn all_persons(conn: &mut SqliteConnection, pack: &PackId) -> Result<Vec<HeldRow>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT p.id AS person, p.rev, t.id, t.version, t.angle, t.embedding, k.wrapped
         FROM templates t JOIN persons p ON p.id = t.person JOIN person_keys k ON k.person = p.id WHERE t.pack = ?",
    )
    .bind(pack.as_str())
    .fetch_all(conn)
    .await?)
}

/// Rows by person, in the order of change, so that a device cut off half-way has the older changes.
fn by_person(rows: Vec<HeldRow>, opener: &mut Opener<'_>) -> Result<Vec<PersonChange>, StoreError> {
    let mut persons: BTreeMap<(Revision, PersonId), Vec<TemplateRow>> = BTreeMap::new();
    for row in rows {
        let rev = Revision(columns::unsigned("revision", row.rev)?);
        let person = columns::id(PersonId, &row.person)?;
        persons.entry((rev, person)).or_default().extend(row.template(person, opener)?);
    }
    let change = |((rev, person), templates)| PersonChange { person, rev, templates };
    Ok(persons.into_iter().map(change).collect())
}

impl SqliteStore {
    /// The digest at `rev`, which must be the revision `conn`'s transaction sees.
    async fn digest_at(
        &self,
        conn: &mut SqliteConnection,
        rev: Revision,
        pack: &PackId,
    ) -> Result<GalleryDigest, StoreError> {
        let known = self.digests.lock().unwrap_or_else(PoisonError::into_inner).get(pack).copied();
        if let Some((_, digest)) = known.filter(|(at, _)| *at == rev) {
            return Ok(digest);
        }
        let digest = sum(conn, pack).await?;
        self.digests.lock().unwrap_or_else(PoisonError::into_inner).insert(pack.clone(), (rev, digest));
        Ok(digest)
    }
}

#[async_trait]
impl GalleryStore for SqliteStore {
    async fn revision(&self) -> Result<Revision, StoreError> {
        revision(&mut *self.read.acquire().await?).await
    }

    async fn delta(
        &self,
        _device: DeviceId,
        pack: &PackId,
        have: Revision,
        digest: &GalleryDigest,
    ) -> Result<GalleryDelta, StoreError> {
        let mut tx = self.read.begin().await?;
        let to_rev = revision(&mut tx).await?;
        let now = self.digest_at(&mut tx, to_rev, pack).await?;
        let up_to_date = have == to_rev && *digest == now;
        let (kind, rows) = if up_to_date {
            (ChunkKind::Changes, Vec::new())
        } else if have.0 > 0 && have < to_rev {
            (ChunkKind::Changes, changed_persons(&mut tx, pack, have).await?)
        } else {
            (ChunkKind::Snapshot, all_persons(&mut tx, pack).await?)
        };
        Ok(GalleryDelta {
            kind,
            to_rev,
            digest: now,
            pack: pack.clone(),
            persons: by_person(rows, &mut Opener::new(&self.master))?,
        })
    }

    async fn changes_since(&self, pack: &PackId, since: Revision) -> Result<(Revision, Vec<PersonChange>), StoreError> {
        let mut tx = self.read.begin().await?;
        let rev = revision(&mut tx).await?;
        let rows = changed_persons(&mut tx, pack, since).await?;
        Ok((rev, by_person(rows, &mut Opener::new(&self.master))?))
    }

    async fn digest(&self, _device: DeviceId, pack: &PackId) -> Result<(Revision, GalleryDigest), StoreError> {
        let mut tx = self.read.begin().await?;
        let rev = revision(&mut tx).await?;
        let digest = self.digest_at(&mut tx, rev, pack).await?;
        Ok((rev, digest))
    }

    async fn gallery_size(&self, pack: &PackId) -> Result<GallerySize, StoreError> {
        let (persons, templates): (i64, i64) =
            sqlx::query_as("SELECT count(DISTINCT person), count(*) FROM templates WHERE pack = ?")
                .bind(pack.as_str())
                .fetch_one(&self.read)
                .await?;
        let count = |column| columns::unsigned("count", column);
        Ok(GallerySize { persons: count(persons)?, templates: count(templates)? })
    }
}
