//! What is read of the gallery: pages of a walk, and what a book of sums needs.
//!
//! Persons and tombstones are read in the order `(rev, id)` by their indexes, from a place on, as long as there is
//! room; nothing is sorted, and a page costs what it holds, not what the gallery holds.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::wire::{ChunkKind, GalleryPlace, GalleryWalk, PersonChange, Revision, TemplateRow};
use serde_bytes::ByteBuf;
use sqlx::SqliteConnection;

use super::columns;
use super::gallery_memory::PageKey;
use super::opener::Opener;
use crate::domain::gallery::Scope;
use crate::domain::gallery::book::{HeldPerson, PersonState};
use crate::domain::gallery::walk::{PageBuilder, end_of, tells_gone};
use crate::ports::StoreError;

/// Persons behind a place, in order, each with the templates a scope may hold, or with none; tombstones among them.
/// `?1` pack, `?2` and `?3` the place, `?4` from behind which revision those with nothing to hold are wanted,
/// `?5` the scope's groups as a JSON list of hexadecimal ids, or NULL for everyone.
pub(super) const WALK: &str = "WITH walked AS (
        SELECT p.id, p.rev, p.valid AND (?5 IS NULL OR EXISTS (
            SELECT 1 FROM memberships m WHERE m.person = p.id
            AND hex(m.in_group) IN (SELECT value FROM json_each(?5)))) AS held
        FROM persons p WHERE (p.rev, p.id) > (?2, ?3))
    SELECT w.id AS person, w.rev AS rev, t.id, t.version, t.angle, t.embedding, k.wrapped
    FROM walked w LEFT JOIN person_keys k ON k.person = w.id
    LEFT JOIN templates t ON t.person = w.id AND t.pack = ?1 AND w.held
    WHERE w.held OR w.rev > ?4
    UNION ALL
    SELECT d.person, d.rev, NULL, NULL, NULL, NULL, NULL FROM tombstones d WHERE (d.rev, d.person) > (?2, ?3) AND d.rev > ?4
    ORDER BY 2, 1";

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

/// The scope's groups as [`WALK`] takes them.
fn groups_json(scope: &Scope) -> Option<String> {
    match scope {
        Scope::Everyone => None,
        Scope::Groups(groups) => {
            let ids: Vec<String> = groups.iter().map(|group| hex::encode_upper(group.as_bytes())).collect();
            Some(serde_json::to_string(&ids).expect("a list of text has a JSON form"))
        }
    }
}

/// A page of a walk: persons in order, and whether nobody comes behind.
pub(super) async fn page(
    conn: &mut SqliteConnection,
    opener: &mut Opener<'_>,
    PageKey { pack, scope, walk, most_bytes }: &PageKey,
) -> Result<(Vec<PersonChange>, bool), StoreError> {
    let gone_behind = if walk.kind == ChunkKind::Changes { Revision(0) } else { walk.began };
    let mut rows = sqlx::query_as::<_, HeldRow>(WALK)
        .bind(pack.as_str())
        .bind(columns::to_column(walk.after.rev.0))
        .bind(walk.after.person.as_bytes().as_slice())
        .bind(columns::to_column(gone_behind.0))
        .bind(groups_json(scope))
        .fetch(conn);
    let mut page = PageBuilder::new(*most_bytes);
    let mut under_way: Option<PersonChange> = None;
    while let Some(row) = rows.try_next().await? {
        let place = row.place()?;
        if under_way.as_ref().is_none_or(|person| person.person != place.person) {
            let next = PersonChange { person: place.person, rev: place.rev, templates: Vec::new() };
            if let Some(whole) = under_way.replace(next)
                && !take(&mut page, walk, whole)
            {
                return Ok((page.finish(), false));
            }
        }
        if let Some(person) = &mut under_way {
            person.templates.extend(row.template(place.person, opener)?);
        }
    }
    let last = under_way.is_none_or(|whole| take(&mut page, walk, whole));
    Ok((page.finish(), last))
}

/// Takes a person in, or passes over who need not be told; `false` if the page is full without.
fn take(page: &mut PageBuilder, walk: &GalleryWalk, person: PersonChange) -> bool {
    let is_told = !person.templates.is_empty() || tells_gone(walk, person.rev);
    !is_told || page.take(person)
}

/// Everyone who changed after `since`, each with all templates of the pack; removed persons with none.
pub(super) async fn changed_persons(
    conn: &mut SqliteConnection,
    opener: &mut Opener<'_>,
    pack: &PackId,
    since: Revision,
) -> Result<Vec<PersonChange>, StoreError> {
    let after = end_of(since);
    let rows: Vec<HeldRow> = sqlx::query_as(
        "SELECT p.id AS person, p.rev AS rev, t.id, t.version, t.angle, t.embedding, k.wrapped
         FROM persons p LEFT JOIN person_keys k ON k.person = p.id
         LEFT JOIN templates t ON t.person = p.id AND t.pack = ?1 WHERE (p.rev, p.id) > (?2, ?3)
         UNION ALL
         SELECT d.person, d.rev, NULL, NULL, NULL, NULL, NULL FROM tombstones d WHERE (d.rev, d.person) > (?2, ?3)
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
    valid: bool,
    groups: Option<String>,
}

/// What counts of everyone who changed after `since`.
pub(super) async fn states(
    conn: &mut SqliteConnection,
    pack: &PackId,
    since: Revision,
) -> Result<Vec<PersonState>, StoreError> {
    let since = columns::to_column(since.0);
    let mut templates = templates_changed(&mut *conn, pack, since).await?;
    let rows: Vec<StateRow> = sqlx::query_as(
        "SELECT p.id AS person, p.rev, p.valid,
         (SELECT group_concat(hex(m.in_group), '') FROM memberships m WHERE m.person = p.id) AS groups
         FROM persons p WHERE p.rev > ?",
    )
    .bind(since)
    .fetch_all(&mut *conn)
    .await?;
    let mut states = removed(conn, since).await?;
    for row in rows {
        let person = columns::id(PersonId, &row.person)?;
        let held = HeldPerson {
            valid: row.valid,
            groups: columns::groups(row.groups.as_deref())?,
            templates: templates.remove(&person).unwrap_or_default(),
        };
        states.push(PersonState { person, rev: Revision(columns::unsigned("revision", row.rev)?), held: Some(held) });
    }
    Ok(states)
}

async fn templates_changed(
    conn: &mut SqliteConnection,
    pack: &PackId,
    since: i64,
) -> Result<HashMap<PersonId, Vec<(TemplateId, u32)>>, StoreError> {
    let rows: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
        "SELECT t.person, t.id, t.version FROM persons p JOIN templates t ON t.person = p.id AND t.pack = ?
         WHERE p.rev > ?",
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

async fn removed(conn: &mut SqliteConnection, since: i64) -> Result<Vec<PersonState>, StoreError> {
    let rows: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT person, rev FROM tombstones WHERE rev > ?").bind(since).fetch_all(conn).await?;
    let state = |(person, rev): (Vec<u8>, i64)| {
        let rev = Revision(columns::unsigned("revision", rev)?);
        Ok(PersonState { person: columns::id(PersonId, &person)?, rev, held: None })
    };
    rows.into_iter().map(state).collect()
}
