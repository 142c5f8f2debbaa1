//! Consents as rows.

use ostiary_common::ids::PersonId;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use super::columns;
use super::error::{corrupt, on_insert};
use crate::domain::consent::{Consent, ConsentEnd, ConsentId, ConsentMethod, ConsentWords, EndedHow, Withdrawal};
use crate::ports::StoreError;
use crate::sealing::PersonKey;

pub(super) const OF_PERSON: &str =
    "SELECT id, person, text_version, language, method, given_at, recorded_at, recorded_by, words_sealed,
     ended_at, ended_how, end_method, ended_by, end_sealed FROM consents WHERE person = $1 ORDER BY id DESC";

#[derive(sqlx::FromRow)]
pub(super) struct ConsentRow {
    id: Vec<u8>,
    person: Vec<u8>,
    text_version: Option<i64>,
    language: Option<String>,
    method: String,
    given_at: i64,
    recorded_at: i64,
    recorded_by: String,
    words_sealed: Option<Vec<u8>>,
    ended_at: Option<i64>,
    ended_how: Option<String>,
    end_method: Option<String>,
    ended_by: Option<String>,
    end_sealed: Option<Vec<u8>>,
}

/// Words as they are sealed.
#[derive(Default, Deserialize, Serialize)]
struct SealedWords {
    #[serde(default)]
    given_by: String,
    #[serde(default)]
    note: String,
}

fn method(text: &str) -> Result<ConsentMethod, StoreError> {
    ConsentMethod::stored(text).ok_or_else(|| corrupt("consent method", text))
}

fn open(key: Option<&PersonKey>, id: ConsentId, sealed: Option<&[u8]>) -> Result<SealedWords, StoreError> {
    let (Some(key), Some(sealed)) = (key, sealed) else { return Ok(SealedWords::default()) };
    let json = key.open_consent(id, sealed).map_err(|e| corrupt("words of a consent", e))?;
    serde_json::from_str(&json).map_err(|e| corrupt("words of a consent", e))
}

fn seal(key: &PersonKey, id: ConsentId, words: SealedWords) -> Option<Vec<u8>> {
    let said = !(words.given_by.is_empty() && words.note.is_empty());
    said.then(|| key.seal_consent(id, &serde_json::to_string(&words).expect("texts have a JSON form")))
}

impl ConsentRow {
    /// Whether anything of it is sealed.
    pub(super) const fn has_words(&self) -> bool {
        self.words_sealed.is_some() || self.end_sealed.is_some()
    }

    /// With words if the person's key is still there.
    pub(super) fn open(self, key: Option<&PersonKey>) -> Result<Consent, StoreError> {
        let id = columns::id(ConsentId, &self.id)?;
        let words = open(key, id, self.words_sealed.as_deref())?;
        let end_note = open(key, id, self.end_sealed.as_deref())?.note;
        let how = |text: &str| EndedHow::parse(text).ok_or_else(|| corrupt("end of consent", text));
        let end = match (self.ended_at, &self.ended_how) {
            (Some(at), Some(text)) => Some(ConsentEnd {
                at: UnixMillis(at),
                how: how(text)?,
                method: self.end_method.as_deref().map(method).transpose()?,
                by: self.ended_by.unwrap_or_default(),
                note: end_note,
            }),
            _ => None,
        };
        Ok(Consent {
            id,
            person: columns::id(PersonId, &self.person)?,
            text_version: self.text_version.map(|it| columns::unsigned("consent text version", it)).transpose()?,
            language: self.language,
            method: method(&self.method)?,
            given_at: UnixMillis(self.given_at),
            recorded_at: UnixMillis(self.recorded_at),
            recorded_by: self.recorded_by,
            words: ConsentWords { given_by: words.given_by, note: words.note },
            end,
        })
    }
}

/// Adds a consent, its words sealed.
pub(super) async fn insert(tx: &mut AnyConnection, key: &PersonKey, consent: &Consent) -> Result<(), StoreError> {
    let words = SealedWords { given_by: consent.words.given_by.clone(), note: consent.words.note.clone() };
    sqlx::query(
        "INSERT INTO consents (id, person, text_version, language, method, given_at, recorded_at, recorded_by,
         words_sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(consent.id.as_bytes().as_slice())
    .bind(consent.person.as_bytes().as_slice())
    .bind(consent.text_version.map(columns::to_column))
    .bind(consent.language.clone())
    .bind(consent.method.as_str())
    .bind(consent.given_at.0)
    .bind(consent.recorded_at.0)
    .bind(&consent.recorded_by)
    .bind(seal(key, consent.id, words))
    .execute(tx)
    .await
    .map_err(on_insert("consent", "version of the consent text"))?;
    Ok(())
}

/// Ends a consent because the person withdrew it.
pub(super) async fn withdraw(
    tx: &mut AnyConnection,
    key: &PersonKey,
    id: ConsentId,
    withdrawal: &Withdrawal,
) -> Result<(), StoreError> {
    let words = SealedWords { given_by: String::new(), note: withdrawal.note.clone() };
    sqlx::query(
        "UPDATE consents SET ended_at = $1, ended_how = $2, end_method = $3, ended_by = $4, end_sealed = $5
         WHERE id = $6",
    )
    .bind(withdrawal.at.0)
    .bind(EndedHow::Withdrawn.as_str())
    .bind(withdrawal.method.as_str())
    .bind(&withdrawal.by)
    .bind(seal(key, id, words))
    .bind(id.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}
