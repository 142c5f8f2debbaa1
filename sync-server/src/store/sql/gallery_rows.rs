//! What is read of the gallery: pages of a walk, and what a book of sums needs.
//!
//! Persons and tombstones are read in the order `(rev, id)` by their indexes, from a place on, as long as there is
//! room; nothing is sorted, and a page costs what it holds, not what the gallery holds.

use std::collections::HashMap;

use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::wire::{ChunkKind, GalleryPlace, GalleryWalk, PersonChange, Revision, TemplateRow};
use serde_bytes::ByteBuf;
use sqlx::{Any, AnyConnection, Executor};

use super::columns;
use super::gallery_memory::PageKey;
use super::opener::Opener;
use super::statement::Statement;
use super::values::Flag;
use crate::domain::gallery::Scope;
use crate::domain::gallery::book::{HeldPerson, PersonState};
use crate::domain::gallery::walk::{PageBuilder, end_of, tells_gone};
use crate::ports::StoreError;

/// Rows of one read. A page takes about as many; the rest of a larger one is read by further reads, since a server at
/// the other end of a network must not send what nobody takes.
const ROWS_AT_ONCE: usize = 512;

/// Persons behind a place, in order, each with the templates the scope may hold, or with none; tombstones among them.
/// Those with nothing to hold are wanted only from behind the revision `gone`.
pub(super) fn walk(pack: &PackId, scope: &Scope, after: GalleryPlace, gone: Revision, most_rows: i64) -> Statement {
    let place = (columns::to_column(after.rev.0), after.person.as_bytes().to_vec());
    let mut sql = Statement::new("WITH walked AS (SELECT p.id, p.rev, CASE WHEN p.valid = 1");
    match scope {
        Scope::Everyone => {}
        Scope::Groups(groups) if groups.is_empty() => {
            sql.push(" AND 1 = 0");
        }
        Scope::Groups(groups) => {
            sql.push(" AND EXISTS (SELECT 1 FROM memberships m WHERE m.person = p.id AND m.in_group IN ")
                .bind_list(groups.iter().map(|group| group.as_bytes().to_vec()))
                .push(")");
        }
    }
    sql.push(" THEN 1 ELSE 0 END AS held FROM persons p WHERE (p.rev, p.id) > (");
    sql.bind(place.0).push(", ").bind(place.1.clone());
    sql.push(
        "))
        SELECT w.id AS person, w.rev AS rev, t.id, t.version, t.angle, t.embedding, k.wrapped
        FROM walked w LEFT JOIN person_keys k ON k.person = w.id
        LEFT JOIN templates t ON t.person = w.id AND w.held = 1 AND t.pack = ",
    );
    sql.bind(pack.as_str()).push(" WHERE w.held = 1 OR w.rev > ").bind(columns::to_column(gone.0));
    sql.push(
        " UNION ALL
        SELECT d.person, d.rev, NULL, NULL, NULL, NULL, NULL FROM tombstones d WHERE (d.rev, d.person) > (",
    );
    sql.bind(place.0).push(", ").bind(place.1).push(") AND d.rev > ").bind(columns::to_column(gone.0));
    sql.push(" ORDER BY 2, 1 LIMIT ").bind(most_rows);
    sql
}

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
    fn place(&self) -> Result<GalleryPlace, StoreError> {
        let rev = Revision(columns::unsigned("revision", self.rev)?);
        Ok(GalleryPlace { rev, person: columns::id(PersonId, &self.person)? })
    }

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

/// A page of a walk: persons in order, and whether nobody comes behind.
pub(super) async fn page(
    conn: &mut AnyConnection,
    opener: &mut Opener<'_>,
    PageKey { pack, scope, walk: asked, most_bytes }: &PageKey,
) -> Result<(Vec<PersonChange>, bool), StoreError> {
    let gone = if asked.kind == ChunkKind::Changes { Revision(0) } else { asked.began };
    let mut page = PageBuilder::new(*most_bytes);
    let (mut after, mut most_rows) = (asked.after, ROWS_AT_ONCE);
    loop {
        let limit = i64::try_from(most_rows).expect("a few rows");
        let rows: Vec<HeldRow> = walk(pack, scope, after, gone, limit).query_as().fetch_all(&mut *conn).await?;
        let there_may_be_more = rows.len() == most_rows;
        let mut under_way: Option<PersonChange> = None;
        let began = after;
        for row in rows {
            let place = row.place()?;
            if under_way.as_ref().is_none_or(|person| person.person != place.person) {
                let next = PersonChange { person: place.person, rev: place.rev, templates: Vec::new() };
                if let Some(whole) = under_way.replace(next) {
                    after = GalleryPlace { rev: whole.rev, person: whole.person };
                    if !take(&mut page, asked, whole) {
                        return Ok((page.finish(), false));
                    }
                }
            }
            if let Some(person) = &mut under_way {
                person.templates.extend(row.template(place.person, opener)?);
            }
        }
        if !there_may_be_more {
            let last = under_way.is_none_or(|whole| take(&mut page, asked, whole));
            return Ok((page.finish(), last));
        }
        // The last person may have been cut off, and is read again; one alone may have that many templates.
        if after == began {
            most_rows *= 2;
        }
    }
}

/// Takes a person in, or passes over who need not be told; `false` if the page is full without.
fn take(page: &mut PageBuilder, walk: &GalleryWalk, person: PersonChange) -> bool {
    let is_told = !person.templates.is_empty() || tells_gone(walk, person.rev);
    !is_told || page.take(person)
}

/// Everyone who changed after `since`, each with all templates of the pack; removed persons with none.
pub(super) async fn changed_persons(
    conn: impl Executor<'_, Database = Any>,
    opener: &mut Opener<'_>,
    pack: &PackId,
    since: Revision,
) -> Result<Vec<PersonChange>, StoreError> {
    let after = end_of(since);
    let rows: Vec<HeldRow> = sqlx::query_as(
        "SELECT p.id AS person, p.rev AS rev, t.id, t.version, t.angle, t.embedding, k.wrapped
         FROM persons p LEFT JOIN person_keys k ON k.person = p.id
         LEFT JOIN templates t ON t.person = p.id AND t.pack = $1 AND p.barred = 0 WHERE (p.rev, p.id) > ($2, $3)
         UNION ALL
         SELECT d.person, d.rev, NULL, NULL, NULL, NULL, NULL FROM tombstones d WHERE (d.rev, d.person) > ($2, $3)
         ORDER BY 2, 1",
    )
    .bind(pack.as_str())
    .bind(columns::to_column(after.rev.0))
    .bind(after.person.as_bytes().as_slice())
    .fetch_all(conn)
    .await?;
    let mut persons: Vec<PersonChange> = Vec::new();
    for row in rows {
        let GalleryPlace { rev, person } = row.place()?;
        if persons.last().is_none_or(|last| last.person != person) {
            persons.push(PersonChange { person, rev, templates: Vec::new() });
        }
        if let (Some(last), Some(template)) = (persons.last_mut(), row.template(person, opener)?) {
            last.templates.push(template);
        }
    }
    Ok(persons)
}

#[derive(sqlx::FromRow)]
struct StateRow {
    person: Vec<u8>,
    rev: i64,
    valid: Flag,
    groups: Option<String>,
}

/// What counts of everyone who changed after `since`.
pub(super) async fn states(
    conn: &mut AnyConnection,
    pack: &PackId,
    since: Revision,
) -> Result<Vec<PersonState>, StoreError> {
    let since = columns::to_column(since.0);
    let mut templates = templates_changed(&mut *conn, pack, since).await?;
    let rows: Vec<StateRow> = sqlx::query_as(
        "SELECT p.id AS person, p.rev, p.valid,
         (SELECT string_agg(hex(m.in_group), '') FROM memberships m WHERE m.person = p.id) AS groups
         FROM persons p WHERE p.rev > $1",
    )
    .bind(since)
    .fetch_all(&mut *conn)
    .await?;
    let mut states = removed(conn, since).await?;
    for row in rows {
        let person = columns::id(PersonId, &row.person)?;
        let held = HeldPerson {
            valid: row.valid.0,
            groups: columns::groups(row.groups.as_deref())?,
            templates: templates.remove(&person).unwrap_or_default(),
        };
        states.push(PersonState { person, rev: Revision(columns::unsigned("revision", row.rev)?), held: Some(held) });
    }
    Ok(states)
}

async fn templates_changed(
    conn: &mut AnyConnection,
    pack: &PackId,
    since: i64,
) -> Result<HashMap<PersonId, Vec<(TemplateId, u32)>>, StoreError> {
    let rows: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
        "SELECT t.person, t.id, t.version FROM persons p JOIN templates t ON t.person = p.id AND t.pack = $1
         WHERE p.rev > $2",
    )
    .bind(pack.as_str())
    .bind(since)
    .fetch_all(conn)
    .await?;
    let mut templates: HashMap<PersonId, Vec<(TemplateId, u32)>> = HashMap::new();
    for (person, id, version) in rows {
        let template = (columns::id(TemplateId, &id)?, columns::unsigned32("template version", version)?);
        templates.entry(columns::id(PersonId, &person)?).or_default().push(template);
    }
    Ok(templates)
}

async fn removed(conn: &mut AnyConnection, since: i64) -> Result<Vec<PersonState>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT person, rev FROM tombstones WHERE rev > $1").bind(since).fetch_all(conn).await?;
    let state = |(person, rev): (Vec<u8>, i64)| {
        let rev = Revision(columns::unsigned("revision", rev)?);
        Ok(PersonState { person: columns::id(PersonId, &person)?, rev, held: None })
    };
    rows.into_iter().map(state).collect()
}
