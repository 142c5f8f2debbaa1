//! Consents: recorded, withdrawn, and what follows for who may be known.

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use super::again::again;
use super::consent_rows::{self, ConsentRow};
use super::error::corrupt;
use super::opener::{key_of, unwrap};
use super::persons::{next_revision, touch};
use super::values::Flag;
use super::{SqlStore, columns, consent_texts, ledger, persons};
use crate::domain::audit::AuditNote;
use crate::domain::consent::{
    Consent, ConsentId, ConsentText, EndedHow, InForceText, NewConsentText, Withdrawal, Withdrawn,
};
use crate::domain::erasure::ErasureReason;
use crate::domain::person::Person;
use crate::domain::recognition::Change;
use crate::ports::StoreError;
use crate::ports::consents::ConsentStore;
use crate::sealing::PersonKey;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(sqlx::FromRow)]
struct BarredRow {
    barred: Flag,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
}

/// Has everything said of a person's consents in words forgotten, in the transaction that removes the person. That
/// there were consents stays to be shown.
pub(super) async fn forget_words(tx: &mut AnyConnection, person: PersonId, now: UnixMillis) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE consents SET words_sealed = NULL, end_sealed = NULL, ended_how = coalesce(ended_how, $1),
         ended_at = coalesce(ended_at, $2) WHERE person = $3",
    )
    .bind(EndedHow::Erased.as_str())
    .bind(now.0)
    .bind(person.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

/// Lets a person who had withdrawn be known again, as far as the validity goes. Returns the new revision if that changes
/// anything for devices.
async fn readmit(tx: &mut AnyConnection, consent: &Consent) -> Result<Option<Revision>, StoreError> {
    let id = consent.person.as_bytes().as_slice();
    let row: BarredRow = sqlx::query_as("SELECT barred, valid_from, valid_until FROM persons WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    let validity = columns::validity(row.valid_from, row.valid_until)?;
    sqlx::query("UPDATE persons SET consent_at = $1, barred = 0, erase_at = NULL WHERE id = $2")
        .bind(consent.given_at.0)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    if !row.barred.0 {
        return Ok(None);
    }
    sqlx::query("UPDATE persons SET valid = $1 WHERE id = $2")
        .bind(Flag(validity.contains(consent.recorded_at)))
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let rev = next_revision(tx).await?;
    touch(tx, id, rev).await?;
    Ok(Some(rev))
}

/// Has nobody know a person any more.
async fn bar(tx: &mut AnyConnection, person: PersonId, erase_at: UnixMillis) -> Result<Revision, StoreError> {
    let id = person.as_bytes().as_slice();
    sqlx::query("UPDATE persons SET consent_at = NULL, barred = 1, valid = 0, erase_at = $1 WHERE id = $2")
        .bind(erase_at.0)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    let rev = next_revision(tx).await?;
    touch(tx, id, rev).await?;
    Ok(rev)
}

/// Ends the consent in force because of a newer one.
async fn supersede(tx: &mut AnyConnection, by: &Consent) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE consents SET ended_at = $1, ended_how = $2, ended_by = $3 WHERE person = $4 AND ended_at IS NULL",
    )
    .bind(by.recorded_at.0)
    .bind(EndedHow::Superseded.as_str())
    .bind(&by.recorded_by)
    .bind(by.person.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

/// Records a consent in place of the one in force, within a transaction.
pub(super) async fn record(
    tx: &mut AnyConnection,
    key: &PersonKey,
    consent: &Consent,
) -> Result<Option<Revision>, StoreError> {
    supersede(tx, consent).await?;
    consent_rows::insert(tx, key, consent).await?;
    readmit(tx, consent).await
}

/// How a person's consent ended; `Some(None)` if it is in force, `None` if there is no such consent.
async fn ending(
    tx: &mut AnyConnection,
    person: PersonId,
    id: ConsentId,
) -> Result<Option<Option<EndedHow>>, StoreError> {
    let row: Option<(Option<String>,)> = sqlx::query_as("SELECT ended_how FROM consents WHERE id = $1 AND person = $2")
        .bind(id.as_bytes().as_slice())
        .bind(person.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    let read = |text: String| EndedHow::parse(&text).ok_or_else(|| corrupt("end of consent", text));
    row.map(|(how,)| how.map(read).transpose()).transpose()
}

#[async_trait]
impl ConsentStore for SqlStore {
    async fn consent_text(&self) -> Result<InForceText, StoreError> {
        consent_texts::in_force(&self.read).await
    }

    async fn consent_text_of(&self, version: u64) -> Result<Option<ConsentText>, StoreError> {
        consent_texts::one(&mut *self.read.acquire().await?, version).await
    }

    async fn put_consent_text(
        &self,
        text: &NewConsentText,
        change: Change,
        note: &AuditNote,
    ) -> Result<u64, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let version = consent_texts::put(&mut tx, text, change).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(version)
        })
        .await
    }

    async fn add_consenting(&self, person: &Person, consent: &Consent, note: &AuditNote) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let (key, flips_at) = self.insert_person(&mut tx, person).await?;
            consent_rows::insert(&mut tx, &key, consent).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            self.memory.expect_flip(flips_at, person.created_at);
            Ok(())
        })
        .await
    }

    async fn add_consent(&self, consent: &Consent, note: &AuditNote) -> Result<Option<Option<Revision>>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(key) = key_of(&mut tx, &self.master, consent.person).await? else { return Ok(None) };
            let rev = record(&mut tx, &key, consent).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(rev))
        })
        .await
    }

    async fn withdraw_consent(
        &self,
        person: PersonId,
        id: ConsentId,
        withdrawal: &Withdrawal,
        note: &AuditNote,
    ) -> Result<Option<Withdrawn>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(key) = key_of(&mut tx, &self.master, person).await? else { return Ok(None) };
            match ending(&mut tx, person, id).await? {
                None => return Ok(None),
                Some(Some(how)) => return Ok(Some(Withdrawn::EndedBefore(how))),
                Some(None) => {}
            }
            consent_rows::withdraw(&mut tx, &key, id, withdrawal).await?;
            let days = consent_texts::in_force(&mut *tx).await?.text.erase_after_days;
            let erase_at = UnixMillis(withdrawal.at.0 + i64::from(days) * DAY_MS);
            let rev = bar(&mut tx, person, erase_at).await?;
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(Some(Withdrawn::Done { rev, erase_at }))
        })
        .await
    }

    async fn consents(&self, person: PersonId) -> Result<Vec<Consent>, StoreError> {
        let rows: Vec<ConsentRow> =
            sqlx::query_as(consent_rows::OF_PERSON).bind(person.as_bytes().as_slice()).fetch_all(&self.read).await?;
        let key = if rows.iter().any(ConsentRow::has_words) { self.key_to_read(person).await? } else { None };
        rows.into_iter().map(|row| row.open(key.as_ref())).collect()
    }

    async fn erased_at(&self, person: PersonId) -> Result<Option<UnixMillis>, StoreError> {
        let at: Option<(Option<i64>,)> = sqlx::query_as("SELECT erase_at FROM persons WHERE id = $1")
            .bind(person.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        Ok(at.and_then(|(at,)| columns::time(at)))
    }

    async fn erase_withdrawn(&self, now: UnixMillis) -> Result<Vec<(PersonId, Revision)>, StoreError> {
        const DUE: &str = "erase_at IS NOT NULL AND erase_at <= $1";
        self.erase_due(DUE, ErasureReason::Withdrawn, now).await
    }
}

impl SqlStore {
    /// A person's key; `None` if it was destroyed.
    async fn key_to_read(&self, person: PersonId) -> Result<Option<PersonKey>, StoreError> {
        let wrapped: Option<Vec<u8>> = sqlx::query_scalar("SELECT wrapped FROM person_keys WHERE person = $1")
            .bind(person.as_bytes().as_slice())
            .fetch_optional(&self.read)
            .await?;
        wrapped.map(|wrapped| unwrap(&self.master, person, &wrapped)).transpose()
    }

    /// Removes everybody for whom a condition on `persons` holds, with the moment as its `$1`.
    pub(super) async fn erase_due(
        &self,
        condition: &'static str,
        reason: ErasureReason,
        now: UnixMillis,
    ) -> Result<Vec<(PersonId, Revision)>, StoreError> {
        again(|| async {
            let due: Vec<Vec<u8>> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT id FROM persons WHERE {condition}")))
                    .bind(now.0)
                    .fetch_all(&self.read)
                    .await?;
            let mut removed = Vec::new();
            for id in due {
                let person = columns::id(PersonId, &id)?;
                let mut tx = self.begin().await?;
                // Asked again under the lock: it may have been put off since.
                let still = format!("SELECT count(*) FROM persons WHERE {condition} AND id = $2");
                let still: i64 =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(still)).bind(now.0).bind(&id).fetch_one(&mut *tx).await?;
                if still == 0 {
                    continue;
                }
                let rev = persons::remove(&mut tx, person, reason, now).await?;
                tx.commit().await?;
                removed.extend(rev.map(|rev| (person, rev)));
            }
            Ok(removed)
        })
        .await
    }
}
