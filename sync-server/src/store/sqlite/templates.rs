//! Templates.

use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use sqlx::SqliteConnection;

use super::error::on_insert;
use super::{SqliteStore, columns};
use crate::domain::person::Template;
use crate::ports::StoreError;

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
}

impl TryFrom<TemplateRow> for Template {
    type Error = StoreError;
    fn try_from(row: TemplateRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns::id(TemplateId, &row.id)?,
            person: columns::id(PersonId, &row.person)?,
            version: columns::unsigned32("template version", row.version)?,
            pack: columns::pack(&row.pack)?,
            angle: columns::angle(&row.angle)?,
            quality: quality(row.quality),
            embedding: columns::embedding(&row.embedding)?,
            source_sha256: columns::bytes32("photo hash", &row.source_sha256)?,
            created_at: UnixMillis(row.created_at),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was an f32 before SQLite widened it")]
const fn quality(column: f64) -> f32 {
    column as f32
}

/// The template made of the same photo with the same pack for the same person, if there is one.
pub(super) async fn same_photo(
    tx: &mut SqliteConnection,
    template: &Template,
) -> Result<Option<TemplateId>, StoreError> {
    let id: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM templates WHERE person = ? AND pack = ? AND source_sha256 = ?")
            .bind(template.person.as_bytes().as_slice())
            .bind(template.pack.as_str())
            .bind(template.source_sha256.as_slice())
            .fetch_optional(tx)
            .await?;
    id.map(|id| columns::id(TemplateId, &id)).transpose()
}

/// Adds a template.
pub(super) async fn insert(tx: &mut SqliteConnection, template: &Template) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO templates (id, person, version, pack, angle, quality, embedding, source_sha256, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(template.id.as_bytes().as_slice())
    .bind(template.person.as_bytes().as_slice())
    .bind(template.version)
    .bind(template.pack.as_str())
    .bind(columns::angle_to_column(template.angle))
    .bind(f64::from(template.quality))
    .bind(columns::embedding_to_column(&template.embedding))
    .bind(template.source_sha256.as_slice())
    .bind(template.created_at.0)
    .execute(tx)
    .await
    .map_err(on_insert("template id", "person"))?;
    Ok(())
}

/// Removes a template and returns its person's id bytes.
pub(super) async fn delete(tx: &mut SqliteConnection, id: TemplateId) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar("DELETE FROM templates WHERE id = ? RETURNING person")
        .bind(id.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?)
}

impl SqliteStore {
    pub(super) async fn templates_of(&self, person: PersonId) -> Result<Vec<Template>, StoreError> {
        let rows: Vec<TemplateRow> = sqlx::query_as("SELECT * FROM templates WHERE person = ? ORDER BY id")
            .bind(person.as_bytes().as_slice())
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(Template::try_from).collect()
    }

    pub(super) async fn templates_of_pack(&self, pack: &PackId) -> Result<Vec<Template>, StoreError> {
        let rows: Vec<TemplateRow> = sqlx::query_as("SELECT * FROM templates WHERE pack = ? ORDER BY person, id")
            .bind(pack.as_str())
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(Template::try_from).collect()
    }
}
