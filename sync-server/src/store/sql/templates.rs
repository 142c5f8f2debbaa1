//! Templates.

use async_trait::async_trait;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_models::face_crop::FaceCrop;
use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::opener::{Opener, key_of};
use super::{SqlStore, columns, face_crops};
use crate::domain::person::Template;
use crate::ports::StoreError;
use crate::ports::face_crops::CropPlace;
use crate::ports::templates::TemplateStore;
use crate::sealing::{MasterKey, PersonKey};

#[derive(sqlx::FromRow)]
struct TemplateRow {
    id: Vec<u8>,
    person: Vec<u8>,
    version: i64,
    pack: String,
    angle: String,
    quality: f64,
    embedding: Vec<u8>,
    source_sha256: Vec<u8>,
    created_at: i64,
    wrapped: Vec<u8>,
}

const SELECT: &str = "SELECT t.*, k.wrapped FROM templates t JOIN person_keys k ON k.person = t.person";

impl TemplateRow {
    fn open(self, opener: &mut Opener<'_>) -> Result<Template, StoreError> {
        let (id, person) = (columns::id(TemplateId, &self.id)?, columns::id(PersonId, &self.person)?);
        Ok(Template {
            id,
            person,
            version: columns::unsigned32("template version", self.version)?,
            pack: columns::pack(&self.pack)?,
            angle: columns::angle(&self.angle)?,
            quality: quality(self.quality),
            embedding: columns::embedding(&opener.embedding((person, &self.wrapped), id, &self.embedding)?)?,
            source_sha256: columns::bytes32("photo hash", &self.source_sha256)?,
            created_at: UnixMillis(self.created_at),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was an f32 before SQLite widened it")]
const fn quality(column: f64) -> f32 {
    column as f32
}

/// The template made of the same photo with the same pack for the same person, if there is one.
pub(super) async fn same_photo(tx: &mut AnyConnection, template: &Template) -> Result<Option<TemplateId>, StoreError> {
    let id: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM templates WHERE person = $1 AND pack = $2 AND source_sha256 = $3")
            .bind(template.person.as_bytes().as_slice())
            .bind(template.pack.as_str())
            .bind(template.source_sha256.as_slice())
            .fetch_optional(tx)
            .await?;
    id.map(|id| columns::id(TemplateId, &id)).transpose()
}

/// Adds a template, its embedding sealed; returns the person's key.
pub(super) async fn insert(
    tx: &mut AnyConnection,
    master: &MasterKey,
    template: &Template,
) -> Result<PersonKey, StoreError> {
    let key = key_of(tx, master, template.person).await?.ok_or(StoreError::NoSuch("person"))?;
    let embedding = key.seal_embedding(template.id, &columns::embedding_to_column(&template.embedding));
    sqlx::query(
        "INSERT INTO templates (id, person, version, pack, angle, quality, embedding, source_sha256, created_at, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
    )
    .bind(template.id.as_bytes().as_slice())
    .bind(template.person.as_bytes().as_slice())
    .bind(i64::from(template.version))
    .bind(template.pack.as_str())
    .bind(columns::angle_to_column(template.angle))
    .bind(f64::from(template.quality))
    .bind(embedding)
    .bind(template.source_sha256.as_slice())
    .bind(template.created_at.0)
    .execute(tx)
    .await
    .map_err(on_insert("template id", "person"))?;
    Ok(key)
}

/// Adds a template with the picture of its face.
pub(super) async fn insert_with(
    tx: &mut AnyConnection,
    master: &MasterKey,
    template: &Template,
    crop: Option<&FaceCrop>,
) -> Result<(), StoreError> {
    let key = insert(tx, master, template).await?;
    let Some(crop) = crop else { return Ok(()) };
    let place = CropPlace { person: template.person, source_sha256: template.source_sha256 };
    face_crops::insert(tx, &key, place, crop, template.created_at).await
}

/// Removes a template, and what else was made of the same photo: templates of other packs, and the picture of the face.
/// Returns the person's id bytes.
pub(super) async fn delete(tx: &mut AnyConnection, id: TemplateId) -> Result<Option<Vec<u8>>, StoreError> {
    let gone: Option<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("DELETE FROM templates WHERE id = $1 RETURNING person, source_sha256")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await?;
    let Some((person, source)) = gone else { return Ok(None) };
    for statement in [
        "DELETE FROM templates WHERE person = $1 AND source_sha256 = $2",
        "DELETE FROM face_crops WHERE person = $1 AND source_sha256 = $2",
    ] {
        sqlx::query(statement).bind(person.clone()).bind(source.clone()).execute(&mut *tx).await?;
    }
    Ok(Some(person))
}

impl SqlStore {
    /// Model packs that templates were made with.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn packs(&self) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT DISTINCT pack FROM templates ORDER BY pack").fetch_all(&self.read).await?)
    }

    pub(super) async fn templates_of(&self, person: PersonId) -> Result<Vec<Template>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{SELECT} WHERE t.person = $1 ORDER BY t.id"));
        let rows: Vec<TemplateRow> =
            sqlx::query_as(query).bind(person.as_bytes().as_slice()).fetch_all(&self.read).await?;
        self.opened(rows)
    }

    pub(super) async fn templates_of_pack(&self, pack: &PackId) -> Result<Vec<Template>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!(
            "{SELECT} JOIN persons p ON p.id = t.person AND p.barred = 0 WHERE t.pack = $1 ORDER BY t.person, t.id"
        ));
        let rows: Vec<TemplateRow> = sqlx::query_as(query).bind(pack.as_str()).fetch_all(&self.read).await?;
        self.opened(rows)
    }

    fn opened(&self, rows: Vec<TemplateRow>) -> Result<Vec<Template>, StoreError> {
        let mut opener = Opener::new(&self.master);
        rows.into_iter().map(|row| row.open(&mut opener)).collect()
    }
}

#[async_trait]
impl TemplateStore for SqlStore {
    async fn put_template(
        &self,
        template: &Template,
        crop: Option<&FaceCrop>,
        instead_of: &[TemplateId],
    ) -> Result<Revision, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let rev = self.replace_templates(&mut tx, template, crop, instead_of).await?;
            tx.commit().await?;
            Ok(rev)
        })
        .await
    }
}
