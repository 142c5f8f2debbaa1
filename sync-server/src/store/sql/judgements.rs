//! What people say of events. What is counted lies in the judgement's own row, so that figures outlive events.

mod doubts;

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, EventId, JudgementId, PersonId, SiteId};
use ostiary_common::time::UnixMillis;
use sqlx::AnyConnection;

use super::again::again;
use super::error::corrupt;
use super::statement::Statement;
use super::values::Real;
use super::{SqlStore, columns, ledger};
use crate::domain::access::Reach;
use crate::domain::audit::AuditNote;
use crate::domain::event::EventKind;
use crate::domain::judgement::{Judgement, Verdict};
use crate::ports::StoreError;
use crate::ports::judgements::{DoubtfulMatch, JudgementFilter, JudgementStore};
use crate::store::sql::reach::within;

const SELECT: &str = "SELECT j.id, j.event_id, j.site, j.door, j.pack, j.at, j.kind, j.score, j.threshold, j.named,
    j.nearest, j.verdict, j.person, j.judged_by, j.judged_at, j.withdrawn_by, j.withdrawn_at FROM judgements j";

#[derive(sqlx::FromRow)]
struct JudgementRow {
    id: Vec<u8>,
    event_id: Vec<u8>,
    site: Vec<u8>,
    door: Vec<u8>,
    pack: String,
    at: i64,
    kind: String,
    score: Option<f64>,
    threshold: Option<f64>,
    named: Option<Vec<u8>>,
    nearest: Option<Vec<u8>>,
    verdict: String,
    person: Option<Vec<u8>>,
    judged_by: String,
    judged_at: i64,
    withdrawn_by: Option<String>,
    withdrawn_at: Option<i64>,
}

impl TryFrom<JudgementRow> for Judgement {
    type Error = StoreError;
    fn try_from(row: JudgementRow) -> Result<Self, StoreError> {
        let person = |id: Option<Vec<u8>>| id.map(|id| columns::id(PersonId, &id)).transpose();
        Ok(Self {
            id: columns::id(JudgementId, &row.id)?,
            event: columns::id(EventId, &row.event_id)?,
            site: columns::id(SiteId, &row.site)?,
            door: columns::id(DoorId, &row.door)?,
            pack: columns::pack(&row.pack)?,
            at: UnixMillis(row.at),
            kind: EventKind::parse(&row.kind).ok_or_else(|| corrupt("kind of event", &row.kind))?,
            score: row.score.map(narrowed),
            threshold: row.threshold.map(narrowed),
            named: person(row.named)?,
            nearest: person(row.nearest)?,
            verdict: Verdict::parse(&row.verdict).ok_or_else(|| corrupt("verdict", &row.verdict))?,
            person: person(row.person)?,
            judged_by: row.judged_by,
            judged_at: UnixMillis(row.judged_at),
            withdrawn_by: row.withdrawn_by,
            withdrawn_at: columns::time(row.withdrawn_at),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it was an f32 before the store widened it")]
const fn narrowed(column: f64) -> f32 {
    column as f32
}

async fn insert(tx: &mut AnyConnection, judgement: &Judgement) -> Result<(), StoreError> {
    let id = |id: Option<PersonId>| id.map(|id| id.as_bytes().to_vec());
    let real = |value: Option<f32>| value.map(|value| Real(value.into()));
    sqlx::query(
        "INSERT INTO judgements (id, event_id, site, door, pack, at, kind, score, threshold, named, nearest, verdict,
         person, judged_by, judged_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(judgement.id.as_bytes().to_vec())
    .bind(judgement.event.as_bytes().to_vec())
    .bind(judgement.site.as_bytes().to_vec())
    .bind(judgement.door.as_bytes().to_vec())
    .bind(judgement.pack.as_str().to_owned())
    .bind(judgement.at.0)
    .bind(judgement.kind.as_str())
    .bind(real(judgement.score))
    .bind(real(judgement.threshold))
    .bind(id(judgement.named))
    .bind(id(judgement.nearest))
    .bind(judgement.verdict.as_str())
    .bind(id(judgement.person))
    .bind(judgement.judged_by.clone())
    .bind(judgement.judged_at.0)
    .execute(tx)
    .await?;
    Ok(())
}

/// Withdraws what stands, and what was learned of it.
async fn withdraw(
    tx: &mut AnyConnection,
    event: EventId,
    by: &str,
    now: UnixMillis,
) -> Result<Option<JudgementId>, StoreError> {
    let id: Option<Vec<u8>> = sqlx::query_scalar(
        "UPDATE judgements SET withdrawn_by = $1, withdrawn_at = $2 WHERE event_id = $3 AND withdrawn_at IS NULL
         RETURNING id",
    )
    .bind(by.to_owned())
    .bind(now.0)
    .bind(event.as_bytes().to_vec())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(id) = id else { return Ok(None) };
    sqlx::query("DELETE FROM not_them WHERE judgement = $1").bind(id.clone()).execute(tx).await?;
    columns::id(JudgementId, &id).map(Some)
}

impl SqlStore {
    async fn put_judgement(&self, judgement: &Judgement, note: &AuditNote) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            withdraw(&mut tx, judgement.event, &judgement.judged_by, judgement.judged_at).await?;
            insert(&mut tx, judgement).await?;
            if let (Verdict::WrongPerson, Some(named)) = (judgement.verdict, judgement.named) {
                self.keep_not_them(&mut tx, judgement, named).await?;
            }
            ledger::append(&mut tx, &note.entry, &note.trace).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl JudgementStore for SqlStore {
    async fn judge(&self, judgement: &Judgement, note: &AuditNote) -> Result<(), StoreError> {
        self.put_judgement(judgement, note).await
    }

    async fn withdraw_judgement(
        &self,
        event: EventId,
        by: &str,
        now: UnixMillis,
        note: &AuditNote,
    ) -> Result<Option<JudgementId>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let withdrawn = withdraw(&mut tx, event, by, now).await?;
            if withdrawn.is_some() {
                ledger::append(&mut tx, &note.entry, &note.trace).await?;
                tx.commit().await?;
            }
            Ok(withdrawn)
        })
        .await
    }

    async fn judgements_of(&self, event: EventId) -> Result<Vec<Judgement>, StoreError> {
        let mut statement = Statement::new(SELECT);
        statement.push(" WHERE j.event_id = ").bind(event.as_bytes().to_vec());
        statement.push(" ORDER BY j.judged_at DESC, j.id DESC");
        let rows: Vec<JudgementRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Judgement::try_from).collect()
    }

    async fn judgements_within(
        &self,
        reach: &Reach,
        filter: &JudgementFilter,
        limit: u32,
    ) -> Result<Vec<Judgement>, StoreError> {
        let mut statement = Statement::new(SELECT);
        statement.push(" WHERE j.withdrawn_at IS NULL");
        within(&mut statement, reach, "j.site", "j.door");
        let places = [
            ("j.site", filter.site.map(|site| site.as_bytes().to_vec())),
            ("j.door", filter.door.map(|door| door.as_bytes().to_vec())),
        ];
        for (column, id) in places {
            let Some(id) = id else { continue };
            statement.push(" AND ").push(column).push(" = ").bind(id);
        }
        if let Some(person) = filter.person {
            statement.push(" AND (j.named = ").bind(person.as_bytes().to_vec());
            statement.push(" OR j.person = ").bind(person.as_bytes().to_vec()).push(")");
        }
        for (compare, time) in [(">=", filter.from), ("<", filter.until)] {
            let Some(time) = time else { continue };
            statement.push(" AND j.at ").push(compare).push(" ").bind(time.0);
        }
        statement.push(" ORDER BY j.at DESC, j.id").limit(limit);
        let rows: Vec<JudgementRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Judgement::try_from).collect()
    }

    async fn judgements_by(
        &self,
        actor: &str,
        reach: &Reach,
        before: Option<JudgementId>,
        limit: u32,
    ) -> Result<Vec<Judgement>, StoreError> {
        let mut statement = Statement::new(SELECT);
        statement.push(" WHERE j.judged_by = ").bind(actor.to_owned()).push(" AND j.id < ");
        statement.bind(before.map_or_else(|| columns::BEHIND_EVERY_ID.to_vec(), |id| id.as_bytes().to_vec()));
        within(&mut statement, reach, "j.site", "j.door");
        statement.push(" ORDER BY j.id DESC").limit(limit);
        let rows: Vec<JudgementRow> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(Judgement::try_from).collect()
    }

    async fn unjudged_within(&self, reach: &Reach, since: UnixMillis, limit: u32) -> Result<Vec<EventId>, StoreError> {
        let mut statement = Statement::new("SELECT e.event_id FROM events e WHERE e.at >= ");
        statement.bind(since.0).push(" AND e.kind IN ('match', 'unknown', 'spoof_suspected')");
        statement.push(
            " AND NOT EXISTS (SELECT 1 FROM judgements j WHERE j.event_id = e.event_id AND j.withdrawn_at IS NULL)",
        );
        within(&mut statement, reach, "e.site", "e.door");
        statement.push(" ORDER BY e.at DESC, e.cursor DESC").limit(limit);
        let rows: Vec<(Vec<u8>,)> = statement.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(|(id,)| columns::id(EventId, &id)).collect()
    }

    async fn doubtful_matches(&self, limit: u32) -> Result<Option<(i64, Vec<DoubtfulMatch>)>, StoreError> {
        self.matches_to_doubt(limit).await
    }

    async fn mark_doubts(&self, upto: i64, doubts: &[(i64, f32)]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            for (cursor, doubt) in doubts {
                sqlx::query("UPDATE events SET doubt = $1 WHERE cursor = $2")
                    .bind(Real((*doubt).into()))
                    .bind(*cursor)
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query("UPDATE face_grouping SET doubted = $1 WHERE doubted < $1")
                .bind(upto)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(())
        })
        .await
    }
}
