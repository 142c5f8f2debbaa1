//! Names, notes and fields of persons, sealed with the person's key.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ostiary_common::ids::PersonId;
use ostiary_common::wire::Revision;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::again::again;
use super::error::corrupt;
use super::opener::{Opener, key_of, unwrap};
use super::persons::{self, PersonRow};
use super::{SqlStore, columns, ledger, terms};
use crate::domain::audit::AuditNote;
use crate::domain::fields::FieldValue;
use crate::domain::person::Person;
use crate::domain::profile::{
    NameChanges, NameStamp, Patched, PersonFilter, PersonPatch, PersonStamp, Profile, Profiled,
};
use crate::domain::recognition::Change;
use crate::ports::StoreError;
use crate::ports::profiles::ProfileStore;
use crate::sealing::PersonKey;

const NAMES: &str = "SELECT p.id, p.name_sealed, k.wrapped FROM persons p JOIN person_keys k ON k.person = p.id
    AND p.merged_into IS NULL";

/// A person beside what else is known.
#[derive(sqlx::FromRow)]
struct ProfiledRow {
    #[sqlx(flatten)]
    person: PersonRow,
    notes_sealed: Option<Vec<u8>>,
    fields_sealed: Option<Vec<u8>>,
    edit: i64,
}

#[derive(sqlx::FromRow)]
struct ProfileRow {
    notes_sealed: Option<Vec<u8>>,
    fields_sealed: Option<Vec<u8>>,
    wrapped: Vec<u8>,
    rev: i64,
    edit: i64,
}

#[derive(sqlx::FromRow)]
struct NameRow {
    id: Vec<u8>,
    name_sealed: Vec<u8>,
    wrapped: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct StampRow {
    edit: i64,
    rev: i64,
}

impl StampRow {
    fn read(&self) -> Result<(u64, u64), StoreError> {
        Ok((columns::unsigned("person edit", self.edit)?, columns::unsigned("revision", self.rev)?))
    }
}

/// Marks a person's name, notes or fields as changed, and returns the number of the change.
pub(super) async fn mark_edited(tx: &mut AnyConnection, id: PersonId) -> Result<u64, StoreError> {
    let edit = next_edit(&mut *tx).await?;
    sqlx::query("UPDATE persons SET edit = $1 WHERE id = $2")
        .bind(edit)
        .bind(id.as_bytes().to_vec())
        .execute(tx)
        .await?;
    columns::unsigned("person edit", edit)
}

/// The number of the next change of anybody's name, notes or fields.
pub(super) async fn next_edit(tx: &mut AnyConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("UPDATE person_edits SET edit = edit + 1 RETURNING edit").fetch_one(tx).await?)
}

fn open(id: PersonId, key: &PersonKey, sealed: [Option<Vec<u8>>; 2]) -> Result<Profile, StoreError> {
    let text = |place: &'static str, sealed: Option<Vec<u8>>| match sealed {
        Some(sealed) => key.open_text(place, &sealed).map_err(|e| corrupt(place, format!("{e} of person {id}"))),
        None => Ok(String::new()),
    };
    let [notes, fields] = sealed;
    let (notes, fields) = (text("notes", notes)?, text("fields", fields)?);
    Ok(Profile { notes, fields: fields_of(&fields)? })
}

fn fields_of(json: &str) -> Result<BTreeMap<String, FieldValue>, StoreError> {
    if json.is_empty() {
        return Ok(BTreeMap::new());
    }
    let stored: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).map_err(|e| corrupt("fields", e))?;
    let value = |(key, value)| match value {
        serde_json::Value::String(text) => Ok((key, FieldValue::Text(text))),
        serde_json::Value::Number(number) => Ok((key, FieldValue::Number(number.as_f64().unwrap_or_default()))),
        other => Err(corrupt("field", other)),
    };
    stored.into_iter().map(value).collect()
}

fn to_json(fields: &BTreeMap<String, FieldValue>) -> String {
    let value = |value: &FieldValue| match value {
        FieldValue::Text(text) => serde_json::json!(text),
        FieldValue::Number(number) => serde_json::json!(number),
    };
    serde_json::to_string(&fields.iter().map(|(key, it)| (key, value(it))).collect::<BTreeMap<_, _>>())
        .expect("texts and finite numbers have a JSON form")
}

async fn stamp(tx: &mut AnyConnection, id: PersonId) -> Result<Option<PersonStamp>, StoreError> {
    let row: Option<StampRow> = sqlx::query_as("SELECT edit, rev FROM persons WHERE id = $1")
        .bind(id.as_bytes().to_vec())
        .fetch_optional(tx)
        .await?;
    let read = |row: StampRow| row.read().map(|(edit, rev)| PersonStamp { rev, edit });
    row.map(read).transpose()
}

/// Writes what a patch says of name, notes and fields.
pub(super) async fn write(
    tx: &mut AnyConnection,
    id: PersonId,
    key: &PersonKey,
    patch: &PersonPatch,
) -> Result<(), StoreError> {
    let columns = [
        ("UPDATE persons SET name_sealed = $1 WHERE id = $2", patch.name.as_ref().map(|name| key.seal_name(name))),
        (
            "UPDATE persons SET notes_sealed = $1 WHERE id = $2",
            patch.notes.as_ref().map(|notes| key.seal_text("notes", notes)),
        ),
        (
            "UPDATE persons SET fields_sealed = $1 WHERE id = $2",
            patch.fields.as_ref().map(|fields| key.seal_text("fields", &to_json(fields))),
        ),
    ];
    for (statement, sealed) in columns {
        if let Some(sealed) = sealed {
            sqlx::query(statement).bind(sealed).bind(id.as_bytes().to_vec()).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

impl SqlStore {
    fn open_names(&self, rows: Vec<NameRow>) -> Result<Vec<(PersonId, String)>, StoreError> {
        let mut opener = Opener::new(&self.master);
        let open = |row: NameRow| {
            let id = columns::id(PersonId, &row.id)?;
            Ok((id, opener.name(id, &row.wrapped, &row.name_sealed)?))
        };
        rows.into_iter().map(open).collect()
    }
}

#[async_trait]
impl ProfileStore for SqlStore {
    async fn profile(&self, id: PersonId) -> Result<Option<(Profile, PersonStamp)>, StoreError> {
        let row: Option<ProfileRow> = sqlx::query_as(
            "SELECT p.notes_sealed, p.fields_sealed, p.rev, p.edit, k.wrapped FROM persons p
             JOIN person_keys k ON k.person = p.id WHERE p.id = $1",
        )
        .bind(id.as_bytes().to_vec())
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let key = unwrap(&self.master, id, &row.wrapped)?;
        let (edit, rev) = StampRow { edit: row.edit, rev: row.rev }.read()?;
        Ok(Some((open(id, &key, [row.notes_sealed, row.fields_sealed])?, PersonStamp { rev, edit })))
    }

    async fn profiled(&self, id: PersonId) -> Result<Option<Profiled>, StoreError> {
        let query = format!("{} WHERE p.id = $1", persons::select(", p.notes_sealed, p.fields_sealed, p.edit"));
        let row: Option<ProfiledRow> =
            sqlx::query_as(AssertSqlSafe(query)).bind(id.as_bytes().to_vec()).fetch_optional(&self.read).await?;
        let Some(ProfiledRow { person, notes_sealed, fields_sealed, edit }) = row else { return Ok(None) };
        let mut opener = Opener::new(&self.master);
        let key = opener.key(id, person.wrapped())?;
        let profile = open(id, key, [notes_sealed, fields_sealed])?;
        let person = person.open(&mut opener)?;
        let stamp = PersonStamp { rev: person.rev.0, edit: columns::unsigned("person edit", edit)? };
        Ok(Some(Profiled { person, profile, stamp }))
    }

    async fn patch_person(
        &self,
        id: PersonId,
        patch: &PersonPatch,
        expected: Option<PersonStamp>,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<Patched>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some(present) = stamp(&mut tx, id).await? else { return Ok(None) };
            if let Some(expected) = expected.filter(|expected| *expected != present) {
                let told = |stamp: PersonStamp| stamp.rev.max(stamp.edit);
                return Err(StoreError::Outdated { expected: told(expected), present: told(present) });
            }
            let Some(key) = key_of(&mut tx, &self.master, id).await? else { return Ok(None) };
            let mut stamp = present;
            if patch.name.is_some() || patch.notes.is_some() || patch.fields.is_some() {
                write(&mut tx, id, &key, patch).await?;
                stamp.edit = mark_edited(&mut tx, id).await?;
            }
            let (mut rev, mut flips_at) = (None, None);
            if let Some(change_of_terms) = &patch.terms {
                let change = Change { expected: None, ..change };
                let Some((done, flips)) = terms::change(&mut tx, id, change_of_terms, change).await? else {
                    return Ok(None);
                };
                (rev, flips_at) = (done.rev, flips);
                stamp.rev = done.rev.map_or(stamp.rev, |Revision(rev)| rev);
            }
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            if rev.is_some() {
                self.memory.expect_flip(flips_at, change.now);
            }
            Ok(Some(Patched { stamp, rev }))
        })
        .await
    }

    async fn persons_where(
        &self,
        filter: &PersonFilter,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, StoreError> {
        self.list_persons(filter, after, limit).await
    }

    async fn name_stamp(&self) -> Result<NameStamp, StoreError> {
        let row: StampRow = sqlx::query_as("SELECT e.edit, g.rev FROM person_edits e CROSS JOIN gallery g")
            .fetch_one(&self.read)
            .await?;
        let (edit, rev) = row.read()?;
        Ok(NameStamp { edit, rev })
    }

    async fn name_changes(&self, since: NameStamp) -> Result<NameChanges, StoreError> {
        // Before the rows: what is read after it may be newer, and is read once more the next time.
        let stamp = self.name_stamp().await?;
        let rows: Vec<NameRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{NAMES} WHERE p.edit > $1")))
            .bind(columns::to_column(since.edit))
            .fetch_all(&self.read)
            .await?;
        let gone: Vec<Vec<u8>> = sqlx::query_scalar("SELECT person FROM tombstones WHERE rev > $1")
            .bind(columns::to_column(since.rev))
            .fetch_all(&self.read)
            .await?;
        let gone = gone.iter().map(|id| columns::id(PersonId, id)).collect::<Result<_, _>>()?;
        Ok(NameChanges { stamp, named: self.open_names(rows)?, gone })
    }

    async fn names(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<(PersonId, String)>, StoreError> {
        let query = sqlx::AssertSqlSafe(format!("{NAMES} WHERE p.id > $1 ORDER BY p.id LIMIT $2"));
        let rows: Vec<NameRow> = sqlx::query_as(query)
            .bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()))
            .bind(i64::from(limit))
            .fetch_all(&self.read)
            .await?;
        self.open_names(rows)
    }
}
