//! Versions of the text persons consent to.

use std::collections::BTreeMap;

use ostiary_common::time::UnixMillis;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Executor};

use super::again::again;
use super::error::corrupt;
use super::recognition::next_version;
use super::values::Flag;
use super::{SqlStore, columns};
use crate::domain::consent::{ConsentText, FIRST_TEXT, InForceText, NewConsentText};
use crate::domain::recognition::Change;
use crate::ports::StoreError;

/// Days after a withdrawal until the person is erased, as long as nobody says otherwise: a withdrawal recorded for the
/// wrong person can be mended within them.
const FIRST_ERASE_AFTER_DAYS: u32 = 7;

const COLUMNS: &str = "version, texts, renews, erase_after_days, set_at, set_by";

#[derive(sqlx::FromRow)]
struct TextRow {
    version: i64,
    texts: String,
    renews: Flag,
    erase_after_days: i64,
    set_at: i64,
    set_by: String,
}

#[derive(sqlx::FromRow)]
struct InForceRow {
    #[sqlx(flatten)]
    text: TextRow,
    least: i64,
}

impl TryFrom<TextRow> for ConsentText {
    type Error = StoreError;
    fn try_from(row: TextRow) -> Result<Self, StoreError> {
        Ok(Self {
            version: columns::unsigned("consent text version", row.version)?,
            texts: serde_json::from_str(&row.texts).map_err(|e| corrupt("consent text", e))?,
            renews: row.renews.0,
            erase_after_days: columns::unsigned32("days until erasure", row.erase_after_days)?,
            set_at: (!row.set_by.is_empty()).then_some(UnixMillis(row.set_at)),
            set_by: row.set_by,
        })
    }
}

/// A version.
pub(super) async fn one(conn: &mut AnyConnection, version: u64) -> Result<Option<ConsentText>, StoreError> {
    let query = format!("SELECT {COLUMNS} FROM consent_texts WHERE version = $1");
    let row: Option<TextRow> =
        sqlx::query_as(AssertSqlSafe(query)).bind(columns::to_column(version)).fetch_optional(conn).await?;
    row.map(ConsentText::try_from).transpose()
}

/// What holds now. There always is a version: the first is put in when the store is first opened.
pub(super) async fn in_force(conn: impl Executor<'_, Database = Any>) -> Result<InForceText, StoreError> {
    let query = format!(
        "SELECT {COLUMNS}, (SELECT coalesce(max(version), 1) FROM consent_texts WHERE renews = 1) AS least
         FROM consent_texts ORDER BY version DESC LIMIT 1"
    );
    let row: InForceRow = sqlx::query_as(AssertSqlSafe(query)).fetch_one(conn).await?;
    Ok(InForceText { text: row.text.try_into()?, least_version: columns::unsigned("consent text version", row.least)? })
}

/// Sets the next version.
pub(super) async fn put(tx: &mut AnyConnection, text: &NewConsentText, change: Change) -> Result<u64, StoreError> {
    let present: i64 = sqlx::query_scalar("SELECT max(version) FROM consent_texts").fetch_one(&mut *tx).await?;
    let version = next_version(columns::unsigned("consent text version", present)?, &change)?;
    insert(tx, version, text, change.now).await?;
    Ok(version)
}

async fn insert(
    tx: &mut AnyConnection,
    version: u64,
    text: &NewConsentText,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO consent_texts (version, texts, renews, erase_after_days, set_at, set_by)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (version) DO NOTHING",
    )
    .bind(columns::to_column(version))
    .bind(serde_json::to_string(&text.texts).expect("texts have a JSON form"))
    .bind(Flag(text.renews))
    .bind(i64::from(text.erase_after_days))
    .bind(now.0)
    .bind(&text.set_by)
    .execute(tx)
    .await?;
    Ok(())
}

impl SqlStore {
    /// Puts in the text that comes with the program, as it was when the store was first opened: a later program with
    /// better words must not change what people agreed to.
    pub(super) async fn keep_first_text(&self) -> Result<(), StoreError> {
        again(|| async {
            let text = NewConsentText {
                texts: BTreeMap::from([("en".to_owned(), FIRST_TEXT.to_owned())]),
                renews: false,
                erase_after_days: FIRST_ERASE_AFTER_DAYS,
                set_by: String::new(),
            };
            insert(&mut *self.write.acquire().await?, 1, &text, UnixMillis(0)).await
        })
        .await
    }
}
