//! Templates made of kept pictures, beside those in force.

use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use crate::domain::model_pack::PackRefusal;
use crate::domain::person::Template;
use crate::ports::StoreError;
use crate::ports::face_crops::CropPlace;
use crate::ports::model_packs::{PackCoverage, TwiceEmbedded};
use crate::store::sql::opener::Opener;
use crate::store::sql::persons::{next_revision, touch};
use crate::store::sql::{SqlStore, columns, templates};

/// Pictures of which pack $1 has neither a template nor a refusal.
const WAITING: &str = "FROM face_crops c
    WHERE NOT EXISTS (SELECT 1 FROM templates t WHERE t.person = c.person AND t.pack = $1 AND t.source_sha256 = c.source_sha256)
    AND NOT EXISTS (SELECT 1 FROM face_refusals r WHERE r.pack = $1 AND r.person = c.person AND r.source_sha256 = c.source_sha256)";

/// Persons who are known by some pack and not by pack $1.
const MISSING: &str = "FROM persons p WHERE p.barred = 0 AND EXISTS (SELECT 1 FROM templates t WHERE t.person = p.id)
    AND NOT EXISTS (SELECT 1 FROM templates t WHERE t.person = p.id AND t.pack = $1)";

fn place((person, source): (Vec<u8>, Vec<u8>)) -> Result<CropPlace, StoreError> {
    let source_sha256 = columns::bytes32("photo hash", &source)?;
    Ok(CropPlace { person: columns::id(PersonId, &person)?, source_sha256 })
}

/// The columns of a place to go on from; before all of them if there is none.
fn behind(after: Option<CropPlace>) -> (Vec<u8>, Vec<u8>) {
    after.map_or_else(Default::default, |at| (at.person.as_bytes().to_vec(), at.source_sha256.to_vec()))
}

/// Notes that no template could be made of a picture, if that is still there.
pub(in crate::store::sql) async fn refuse(
    tx: &mut AnyConnection,
    id: &PackId,
    refusal: &PackRefusal,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO face_refusals (pack, person, source_sha256, reason, at)
         SELECT $1, person, source_sha256, $2, $3 FROM face_crops WHERE person = $4 AND source_sha256 = $5
         ON CONFLICT (pack, person, source_sha256) DO UPDATE SET reason = excluded.reason, at = excluded.at",
    )
    .bind(id.as_str())
    .bind(&refusal.reason)
    .bind(refusal.at.0)
    .bind(refusal.place.person.as_bytes().as_slice())
    .bind(refusal.place.source_sha256.as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct TwiceRow {
    person: Vec<u8>,
    wrapped: Vec<u8>,
    first_id: Vec<u8>,
    first: Vec<u8>,
    second_id: Vec<u8>,
    second: Vec<u8>,
}

impl SqlStore {
    /// Adds a template made of a kept picture. It takes a revision only if devices may have been given templates of its
    /// pack: for those who were not, nothing has changed.
    pub(in crate::store::sql) async fn insert_shadow(
        &self,
        tx: &mut AnyConnection,
        template: &Template,
    ) -> Result<Option<Revision>, StoreError> {
        let served: Option<i64> = sqlx::query_scalar("SELECT served FROM model_packs WHERE id = $1")
            .bind(template.pack.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(served) = served else { return Ok(None) };
        let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM face_crops WHERE person = $1 AND source_sha256 = $2")
            .bind(template.person.as_bytes().as_slice())
            .bind(template.source_sha256.as_slice())
            .fetch_one(&mut *tx)
            .await?;
        if kept == 0 || templates::same_photo(&mut *tx, template).await?.is_some() {
            return Ok(None);
        }
        templates::insert(&mut *tx, &self.master, template).await?;
        if served == 0 {
            return Ok(None);
        }
        let rev = next_revision(&mut *tx).await?;
        touch(tx, template.person.as_bytes(), rev).await?;
        Ok(Some(rev))
    }

    pub(super) async fn coverage_of(&self, id: &PackId) -> Result<PackCoverage, StoreError> {
        let count = async |sql: String| -> Result<u64, StoreError> {
            let found: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_one(&self.read).await?;
            columns::unsigned("count", found)
        };
        Ok(PackCoverage {
            templates: count("SELECT count(*) FROM templates WHERE pack = $1".to_owned()).await?,
            persons: count("SELECT count(DISTINCT person) FROM templates WHERE pack = $1".to_owned()).await?,
            waiting: count(format!("SELECT count(*) {WAITING}")).await?,
            refused: count("SELECT count(*) FROM face_refusals WHERE pack = $1".to_owned()).await?,
            missing: count(format!("SELECT count(*) {MISSING}")).await?,
        })
    }

    pub(super) async fn waiting_for(
        &self,
        id: &PackId,
        after: Option<CropPlace>,
        limit: u32,
    ) -> Result<Vec<CropPlace>, StoreError> {
        let (person, source) = behind(after);
        let query = format!(
            "SELECT c.person, c.source_sha256 {WAITING} AND (c.person, c.source_sha256) > ($2, $3)
             ORDER BY c.person, c.source_sha256 LIMIT $4"
        );
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .bind(id.as_str())
            .bind(person)
            .bind(source)
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.into_iter().map(place).collect()
    }

    pub(super) async fn refusals_of(
        &self,
        id: &PackId,
        after: Option<CropPlace>,
        limit: u32,
    ) -> Result<Vec<PackRefusal>, StoreError> {
        let (person, source) = behind(after);
        let rows: Vec<(Vec<u8>, Vec<u8>, String, i64)> = sqlx::query_as(
            "SELECT person, source_sha256, reason, at FROM face_refusals
             WHERE pack = $1 AND (person, source_sha256) > ($2, $3) ORDER BY person, source_sha256 LIMIT $4",
        )
        .bind(id.as_str())
        .bind(person)
        .bind(source)
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        let read = |(person, source, reason, at): (Vec<u8>, Vec<u8>, String, i64)| {
            Ok(PackRefusal { place: place((person, source))?, reason, at: UnixMillis(at) })
        };
        rows.into_iter().map(read).collect()
    }

    pub(super) async fn missing_of(
        &self,
        id: &PackId,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<PersonId>, StoreError> {
        let query = format!("SELECT p.id {MISSING} AND p.id > $2 ORDER BY p.id LIMIT $3");
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .bind(id.as_str())
            .bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        rows.iter().map(|id| columns::id(PersonId, id)).collect()
    }

    /// By the hash of their photos, which is as good as drawn by lot.
    pub(super) async fn twice(
        &self,
        first: &PackId,
        second: &PackId,
        limit: u32,
    ) -> Result<Vec<TwiceEmbedded>, StoreError> {
        let mut rows: Vec<TwiceRow> = sqlx::query_as(
            "SELECT a.person, k.wrapped, a.id AS first_id, a.embedding AS first, b.id AS second_id, b.embedding AS second
             FROM templates a JOIN templates b ON b.person = a.person AND b.source_sha256 = a.source_sha256 AND b.pack = $2
             JOIN person_keys k ON k.person = a.person JOIN persons p ON p.id = a.person AND p.barred = 0
             WHERE a.pack = $1 ORDER BY a.source_sha256 LIMIT $3",
        )
        .bind(first.as_str())
        .bind(second.as_str())
        .bind(i64::from(limit))
        .fetch_all(&self.read)
        .await?;
        // Person by person: keys are opened once each.
        rows.sort_by(|a, b| a.person.cmp(&b.person));
        let mut opener = Opener::new(&self.master);
        let mut open = |person: PersonId, wrapped: &[u8], id: &[u8], sealed: &[u8]| {
            let plain = opener.embedding((person, wrapped), columns::id(TemplateId, id)?, sealed)?;
            columns::embedding(&plain)
        };
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let person = columns::id(PersonId, &row.person)?;
            let first = open(person, &row.wrapped, &row.first_id, &row.first)?;
            let second = open(person, &row.wrapped, &row.second_id, &row.second)?;
            found.push(TwiceEmbedded { person, first, second });
        }
        Ok(found)
    }
}
