//! When and by which groups persons may be known.

use ostiary_common::ids::{GroupId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use sqlx::AnyConnection;

use super::again::again;
use super::error::on_insert;
use super::persons::{next_revision, touch};
use super::values::Flag;
use super::{SqlStore, columns};
use crate::domain::gallery::{Rescoped, Settled, TermsChange, Validity};
use crate::domain::recognition::Change;
use crate::ports::StoreError;

#[derive(sqlx::FromRow)]
struct TermsRow {
    rev: i64,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    groups: Option<String>,
}

#[derive(sqlx::FromRow)]
struct FlipRow {
    id: Vec<u8>,
    valid: Flag,
    barred: Flag,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ClockRow {
    rev: i64,
    settled_at: i64,
    next: Option<i64>,
}

/// Writes a person's terms as of `now`, and returns when the clock changes something of it.
pub(super) async fn write(
    tx: &mut AnyConnection,
    person: PersonId,
    validity: Validity,
    groups: &[GroupId],
    now: UnixMillis,
) -> Result<Option<UnixMillis>, StoreError> {
    write_validity(&mut *tx, person.as_bytes(), validity, now).await?;
    sqlx::query("DELETE FROM memberships WHERE person = $1")
        .bind(person.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    insert_groups(tx, person, groups).await?;
    Ok(validity.next_change(now))
}

/// Makes a person a member of these groups.
pub(super) async fn insert_groups(
    tx: &mut AnyConnection,
    person: PersonId,
    groups: &[GroupId],
) -> Result<(), StoreError> {
    for group in groups {
        sqlx::query("INSERT INTO memberships (person, in_group) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(person.as_bytes().as_slice())
            .bind(group.as_bytes().as_slice())
            .execute(&mut *tx)
            .await
            .map_err(on_insert("membership", "group"))?;
    }
    Ok(())
}

async fn write_validity(
    tx: &mut AnyConnection,
    person: &[u8],
    validity: Validity,
    now: UnixMillis,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE persons SET valid_from = $1, valid_until = $2, flips_at = $4,
         valid = CASE WHEN barred = 1 THEN 0 ELSE $3 END WHERE id = $5",
    )
    .bind(validity.from().map(|at| at.0))
    .bind(validity.until().map(|at| at.0))
    .bind(Flag(validity.contains(now)))
    .bind(validity.next_change(now).map(|at| at.0))
    .bind(person)
    .execute(&mut *tx)
    .await?;
    judged_by_clock(tx, validity, now).await
}

/// Notes that somebody's validity was judged by the clock as of `now`: if the clock is found to be before this, it is
/// judged again.
pub(super) async fn judged_by_clock(
    tx: &mut AnyConnection,
    validity: Validity,
    now: UnixMillis,
) -> Result<(), StoreError> {
    if validity != Validity::ALWAYS {
        sqlx::query("UPDATE gallery SET settled_at = $1 WHERE settled_at < $1").bind(now.0).execute(tx).await?;
    }
    Ok(())
}

/// The persons whom the clock concerns: those whose next change is due, or, if the clock went back behind the last
/// changes made by it, everyone with a beginning or an end.
async fn due(tx: &mut AnyConnection, went_back: bool, now: UnixMillis) -> Result<Vec<FlipRow>, StoreError> {
    let which = if went_back { "valid_from IS NOT NULL OR valid_until IS NOT NULL" } else { "flips_at <= $1" };
    let query = format!("SELECT id, valid, barred, valid_from, valid_until FROM persons WHERE {which}");
    let query = sqlx::query_as(sqlx::AssertSqlSafe(query));
    let query = if went_back { query } else { query.bind(now.0) };
    Ok(query.fetch_all(tx).await?)
}

async fn clock(conn: &mut AnyConnection) -> Result<ClockRow, StoreError> {
    Ok(sqlx::query_as(
        "SELECT rev, settled_at, (SELECT min(flips_at) FROM persons WHERE flips_at IS NOT NULL) AS next FROM gallery",
    )
    .fetch_one(conn)
    .await?)
}

impl ClockRow {
    fn is_due(&self, now: UnixMillis) -> bool {
        now.0 < self.settled_at || self.next.is_some_and(|next| next <= now.0)
    }

    fn rev(&self) -> Result<Revision, StoreError> {
        Ok(Revision(columns::unsigned("revision", self.rev)?))
    }
}

/// Changes a person's terms within a transaction; also returns when the clock changes something of them.
pub(super) async fn change(
    tx: &mut AnyConnection,
    person: PersonId,
    terms: &TermsChange,
    change: Change,
) -> Result<Option<(Rescoped, Option<UnixMillis>)>, StoreError> {
    let row: Option<TermsRow> = sqlx::query_as(
        "SELECT rev, valid_from, valid_until, (SELECT string_agg(hex(m.in_group), '') FROM memberships m
             WHERE m.person = persons.id) AS groups FROM persons WHERE id = $1",
    )
    .bind(person.as_bytes().as_slice())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let present = columns::unsigned("revision", row.rev)?;
    if let Some(expected) = change.expected.filter(|expected| *expected != present) {
        return Err(StoreError::Outdated { expected, present });
    }
    let before = (columns::validity(row.valid_from, row.valid_until)?, columns::groups(row.groups.as_deref())?);
    let mut groups = terms.groups.clone().unwrap_or_else(|| before.1.clone());
    groups.sort_unstable();
    groups.dedup();
    let after = (terms.validity.unwrap_or(before.0), groups);
    if before == after {
        return Ok(Some((Rescoped { version: present, rev: None }, None)));
    }
    let flips_at = write(tx, person, after.0, &after.1, change.now).await?;
    let rev = next_revision(tx).await?;
    touch(tx, person.as_bytes(), rev).await?;
    Ok(Some((Rescoped { version: rev.0, rev: Some(rev) }, flips_at)))
}

impl SqlStore {
    pub(super) async fn change_terms(
        &self,
        person: PersonId,
        terms: &TermsChange,
        change_made: Change,
    ) -> Result<Option<Rescoped>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let Some((done, flips_at)) = change(&mut tx, person, terms, change_made).await? else { return Ok(None) };
            tx.commit().await?;
            if done.rev.is_some() {
                self.memory.expect_flip(flips_at, change_made.now);
            }
            Ok(Some(done))
        })
        .await
    }

    pub(super) async fn settle(&self, now: UnixMillis) -> Result<Settled, StoreError> {
        again(|| async {
            let written = self.memory.flips_written();
            let seen = clock(&mut *self.read.acquire().await?).await?;
            if !seen.is_due(now) {
                self.memory.clock_seen(written, UnixMillis(seen.settled_at), seen.next.map(UnixMillis));
                return Ok(Settled { flipped: 0, rev: seen.rev()? });
            }
            let mut tx = self.begin().await?;
            let before = clock(&mut tx).await?;
            let flipped = flip(&mut tx, now.0 < before.settled_at, now).await?;
            sqlx::query("UPDATE gallery SET settled_at = $1").bind(now.0).execute(&mut *tx).await?;
            let after = clock(&mut tx).await?;
            tx.commit().await?;
            // Or a clock set back behind this would look as if it had never been here.
            self.memory.clock_seen(written, now, after.next.map(UnixMillis));
            Ok(Settled { flipped, rev: after.rev()? })
        })
        .await
    }
}

/// Judges everyone whom the clock concerns by `now`; who is judged otherwise than before changes at the next revision.
async fn flip(tx: &mut AnyConnection, went_back: bool, now: UnixMillis) -> Result<u64, StoreError> {
    let (mut flipped, mut rev) = (0, None);
    for row in due(&mut *tx, went_back, now).await? {
        let validity = columns::validity(row.valid_from, row.valid_until)?;
        write_validity(&mut *tx, &row.id, validity, now).await?;
        // Who has withdrawn the consent is known to nobody, whatever the clock says.
        if (validity.contains(now) && !row.barred.0) == row.valid.0 {
            continue;
        }
        let at = match rev {
            Some(rev) => rev,
            None => *rev.insert(next_revision(&mut *tx).await?),
        };
        touch(&mut *tx, &row.id, at).await?;
        flipped += 1;
    }
    Ok(flipped)
}
