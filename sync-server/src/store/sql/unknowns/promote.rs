//! An unknown visitor becomes a person: templates, past visits and their pictures come along.

use sqlx::AnyConnection;

use super::{edited, visits};
use crate::domain::unknown::{Promoted, Promotion};
use crate::ports::StoreError;
use crate::store::sql::persons::{next_revision, touch};
use crate::store::sql::pictures::EventSeal;
use crate::store::sql::{SqlStore, consent_rows, ledger, templates};

impl SqlStore {
    pub(super) async fn promote(&self, promotion: &Promotion) -> Result<Option<Promoted>, StoreError> {
        let mut tx = self.begin().await?;
        let visits = visits(&mut tx, promotion.id).await?;
        if visits.is_empty() {
            return Ok(None);
        }
        let person = &promotion.person;
        let (key, flips_at) = self.insert_person(&mut tx, person).await?;
        consent_rows::insert(&mut tx, &key, &promotion.consent).await?;
        self.hand_thread_to(&mut tx, promotion.id, person.id, &key).await?;
        let seal = EventSeal::Person(key);
        for cursor in &visits {
            self.reseal(&mut tx, *cursor, &seal).await?;
            attribute(&mut tx, *cursor, promotion).await?;
        }
        forget_group(&mut tx, promotion).await?;
        for (template, crop) in &promotion.templates {
            templates::insert_with(&mut tx, &self.master, template, crop.as_ref()).await?;
        }
        let revision = match promotion.templates.is_empty() {
            true => None,
            false => Some(next_revision(&mut tx).await?),
        };
        if let Some(rev) = revision {
            touch(&mut tx, person.id.as_bytes(), rev).await?;
        }
        edited(&mut tx).await?;
        ledger::append(&mut tx, &promotion.note.entry, &promotion.note.trace).await?;
        tx.commit().await?;
        self.memory.expect_flip(flips_at, person.created_at);
        Ok(Some(Promoted { revision, visits: visits.len() as u64 }))
    }
}

/// Says whose visit it was. What the device decided stays in the record.
async fn attribute(tx: &mut AnyConnection, cursor: i64, promotion: &Promotion) -> Result<(), StoreError> {
    sqlx::query("UPDATE events SET person = $1 WHERE cursor = $2")
        .bind(promotion.person.id.as_bytes().to_vec())
        .bind(cursor)
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM unknown_visits WHERE cursor = $1").bind(cursor).execute(tx).await?;
    Ok(())
}

async fn forget_group(tx: &mut AnyConnection, promotion: &Promotion) -> Result<(), StoreError> {
    for statement in ["DELETE FROM unknown_aliases WHERE became = $1", "DELETE FROM unknowns WHERE id = $1"] {
        sqlx::query(statement).bind(promotion.id.as_bytes().to_vec()).execute(&mut *tx).await?;
    }
    Ok(())
}
