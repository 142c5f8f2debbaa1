//! Templates that change persons, and come back.

use ostiary_common::ids::{PersonChangeId, PersonId, TemplateId};
use sqlx::AnyConnection;

use crate::ports::StoreError;
use crate::ports::face_crops::CropPlace;
use crate::store::sql::opener::key_of;
use crate::store::sql::{SqlStore, columns, face_crops};

/// A template as it stands, its embedding sealed.
pub(super) struct Sealed {
    pub(super) id: TemplateId,
    person: PersonId,
    row: SealedRow,
}

impl Sealed {
    /// The photo it was made of.
    pub(super) fn source(&self) -> &[u8] {
        &self.row.source_sha256
    }
}

#[derive(sqlx::FromRow)]
struct SealedRow {
    id: Vec<u8>,
    person: Vec<u8>,
    version: i64,
    pack: String,
    angle: String,
    quality: f64,
    embedding: Vec<u8>,
    source_sha256: Vec<u8>,
    created_at: i64,
}

/// A person's templates.
pub(super) async fn of(tx: &mut AnyConnection, person: PersonId) -> Result<Vec<Sealed>, StoreError> {
    let rows: Vec<SealedRow> = sqlx::query_as(
        "SELECT id, person, version, pack, angle, quality, embedding, source_sha256, created_at FROM templates
         WHERE person = $1 ORDER BY id",
    )
    .bind(person.as_bytes().to_vec())
    .fetch_all(tx)
    .await?;
    let sealed = |row: SealedRow| {
        Ok(Sealed { id: columns::id(TemplateId, &row.id)?, person: columns::id(PersonId, &row.person)?, row })
    };
    rows.into_iter().map(sealed).collect()
}

impl SqlStore {
    /// Gives a template to another person, as a new one; the old one is laid aside. One of the same photo that the other
    /// has already is not made twice.
    pub(super) async fn move_template(
        &self,
        tx: &mut AnyConnection,
        change: PersonChangeId,
        template: &Sealed,
        to: PersonId,
    ) -> Result<(), StoreError> {
        let row = &template.row;
        let key = |person| key_of_someone(self, person);
        let plain = key(template.person).open(tx, template.id, &row.embedding).await?;
        let made = TemplateId::generate();
        let sealed = key(to).seal(tx, made, &plain).await?;
        let there: i64 =
            sqlx::query_scalar("SELECT count(*) FROM templates WHERE person = $1 AND pack = $2 AND source_sha256 = $3")
                .bind(to.as_bytes().to_vec())
                .bind(row.pack.clone())
                .bind(row.source_sha256.clone())
                .fetch_one(&mut *tx)
                .await?;
        sqlx::query(
            "INSERT INTO moved_templates (change, taken, made, was_of, now_of, version, pack, angle, quality, embedding,
             source_sha256, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(change.as_bytes().to_vec())
        .bind(row.id.clone())
        .bind((there == 0).then(|| made.as_bytes().to_vec()))
        .bind(row.person.clone())
        .bind(to.as_bytes().to_vec())
        .bind(row.version)
        .bind(row.pack.clone())
        .bind(row.angle.clone())
        .bind(row.quality)
        .bind(row.embedding.clone())
        .bind(row.source_sha256.clone())
        .bind(row.created_at)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM templates WHERE id = $1").bind(row.id.clone()).execute(&mut *tx).await?;
        if there == 0 {
            let row = SealedRow { id: made.as_bytes().to_vec(), person: to.as_bytes().to_vec(), ..clone(row, sealed) };
            insert(tx, &row).await?;
        }
        let source_sha256 = columns::bytes32("photo hash", &row.source_sha256)?;
        let theirs = CropPlace { person: template.person, source_sha256 };
        face_crops::carry(tx, &self.master, theirs, to).await?;
        face_crops::drop_unused(tx, theirs).await
    }

    /// Brings back the templates of a change as they were.
    pub(super) async fn bring_back(&self, tx: &mut AnyConnection, change: PersonChangeId) -> Result<(), StoreError> {
        // Those made, and what other packs have made of the same photos since.
        sqlx::query(
            "DELETE FROM templates WHERE (person, source_sha256) IN (SELECT m.now_of, m.source_sha256
             FROM moved_templates m WHERE m.change = $1
             AND NOT EXISTS (SELECT 1 FROM moved_templates o WHERE o.change = $1 AND o.made IS NULL
                AND o.source_sha256 = m.source_sha256))",
        )
        .bind(change.as_bytes().to_vec())
        .execute(&mut *tx)
        .await?;
        let rows: Vec<SealedRow> = sqlx::query_as(
            "SELECT taken AS id, was_of AS person, version, pack, angle, quality, embedding, source_sha256, created_at
             FROM moved_templates WHERE change = $1",
        )
        .bind(change.as_bytes().to_vec())
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            insert(&mut *tx, row).await?;
        }
        self.bring_back_crops(tx, change).await?;
        throw_away(tx, change).await
    }
}

impl SqlStore {
    /// Gives the pictures of templates that came back to whom they belong again.
    async fn bring_back_crops(&self, tx: &mut AnyConnection, change: PersonChangeId) -> Result<(), StoreError> {
        let moved: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT DISTINCT was_of, now_of, source_sha256 FROM moved_templates WHERE change = $1")
                .bind(change.as_bytes().to_vec())
                .fetch_all(&mut *tx)
                .await?;
        for (was_of, now_of, source) in moved {
            let place = |person: &[u8]| {
                let source_sha256 = columns::bytes32("photo hash", &source)?;
                Ok::<_, StoreError>(CropPlace { person: columns::id(PersonId, person)?, source_sha256 })
            };
            let (theirs, others) = (place(&was_of)?, place(&now_of)?);
            face_crops::carry(tx, &self.master, others, theirs.person).await?;
            face_crops::drop_unused(tx, others).await?;
        }
        Ok(())
    }
}

/// Forgets what was laid aside.
pub(super) async fn throw_away(tx: &mut AnyConnection, change: PersonChangeId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM moved_templates WHERE change = $1").bind(change.as_bytes().to_vec()).execute(tx).await?;
    Ok(())
}

fn clone(row: &SealedRow, embedding: Vec<u8>) -> SealedRow {
    SealedRow {
        id: row.id.clone(),
        person: row.person.clone(),
        pack: row.pack.clone(),
        angle: row.angle.clone(),
        source_sha256: row.source_sha256.clone(),
        embedding,
        ..*row
    }
}

async fn insert(tx: &mut AnyConnection, row: &SealedRow) -> Result<(), StoreError> {
    // One of the same photo may have come meanwhile.
    sqlx::query(
        "INSERT INTO templates (id, person, version, pack, angle, quality, embedding, source_sha256, created_at, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT (person, pack, source_sha256) DO NOTHING",
    )
    .bind(row.id.clone())
    .bind(row.person.clone())
    .bind(row.version)
    .bind(row.pack.clone())
    .bind(row.angle.clone())
    .bind(row.quality)
    .bind(row.embedding.clone())
    .bind(row.source_sha256.clone())
    .bind(row.created_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// A person whose key is to be read.
struct Someone<'a> {
    store: &'a SqlStore,
    person: PersonId,
}

const fn key_of_someone(store: &SqlStore, person: PersonId) -> Someone<'_> {
    Someone { store, person }
}

impl Someone<'_> {
    async fn open(&self, tx: &mut AnyConnection, id: TemplateId, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = key_of(tx, &self.store.master, self.person).await?.ok_or(StoreError::NoSuch("person"))?;
        key.open_embedding(id, sealed).map_err(|e| crate::store::sql::error::corrupt("embedding", e))
    }

    async fn seal(&self, tx: &mut AnyConnection, id: TemplateId, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = key_of(tx, &self.store.master, self.person).await?.ok_or(StoreError::NoSuch("person"))?;
        Ok(key.seal_embedding(id, plain))
    }
}
