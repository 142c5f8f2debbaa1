//! Counts that figures are made of, followed by the cursor of events.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ostiary_common::ids::{DoorId, PersonId};

use super::again::again;
use super::notify::{position, put_position};
use super::statement::Statement;
use super::{SqlStore, columns, pictures, reach};
use crate::domain::analytics::{STEP_S, VisitCount, bucket};
use crate::domain::event::EventKind;
use crate::ports::StoreError;
use crate::ports::figures::{DayCount, FigureStore, Span};

/// How far events are counted.
const FIGURES: &str = "figures";
const STEP_MS: i64 = STEP_S * 1000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Tables whose rows are counted once a day.
const TABLES: [(&str, &str); 6] = [
    ("events", "SELECT count(*) FROM events"),
    ("pictures", "SELECT count(*) FROM event_crops"),
    ("persons", "SELECT count(*) FROM persons"),
    ("templates", "SELECT count(*) FROM templates"),
    ("audit lines", "SELECT count(*) FROM audit_lines"),
    ("messages", "SELECT count(*) FROM messages"),
];

#[derive(sqlx::FromRow)]
struct Row {
    cursor: i64,
    site: Vec<u8>,
    door: Vec<u8>,
    at: i64,
    kind: String,
    record: Vec<u8>,
}

/// A place: door and site.
type At = (Vec<u8>, Vec<u8>);

#[derive(Default)]
struct Counts {
    visits: BTreeMap<(i64, At, String), i64>,
    decisions: BTreeMap<(i64, At, i64), i64>,
}

impl Counts {
    fn add(&mut self, row: &Row) -> Result<(), StoreError> {
        if !matches!(EventKind::parse(&row.kind), Some(kind) if kind != EventKind::Report) {
            return Ok(());
        }
        let place = (row.door.clone(), row.site.clone());
        *self.visits.entry((row.at.div_euclid(STEP_MS), place.clone(), row.kind.clone())).or_default() += 1;
        if let Some(visit) = pictures::record(&row.record)?.visit {
            let bucket = bucket(visit.latency.frame_to_decision_ms) as i64;
            *self.decisions.entry((row.at.div_euclid(HOUR_MS), place, bucket)).or_default() += 1;
        }
        Ok(())
    }
}

/// Adds ` AND …` to a statement over a table of counts; `each_ms` is what its column `time` counts.
fn within(query: &mut Statement, span: &Span, time: &str, each_ms: i64) {
    query.push(" AND ").push(time).push(" >= ").bind(span.from.0.div_euclid(each_ms));
    query.push(" AND ").push(time).push(" < ").bind((span.until.0 + each_ms - 1).div_euclid(each_ms));
    reach::within(query, &span.reach, "site", "door");
    let ids =
        [("site", span.site.map(|id| id.as_bytes().to_vec())), ("door", span.door.map(|id| id.as_bytes().to_vec()))];
    for (column, id) in ids {
        if let Some(id) = id {
            query.push(" AND ").push(column).push(" = ").bind(id);
        }
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[async_trait]
impl FigureStore for SqlStore {
    async fn count_visits(&self, limit: u32) -> Result<bool, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let after = position(&mut tx, FIGURES).await?.unwrap_or(0);
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT cursor, site, door, at, kind, record FROM events WHERE cursor > $1 ORDER BY cursor LIMIT $2",
            )
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await?;
            let Some(last) = rows.last().map(|row| row.cursor) else { return Ok(false) };
            let mut counts = Counts::default();
            for row in &rows {
                counts.add(row)?;
            }
            for ((step, (door, site), kind), number) in counts.visits {
                sqlx::query(
                    "INSERT INTO visit_counts (step, door, kind, site, count) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (step, door, kind) DO UPDATE SET count = visit_counts.count + excluded.count",
                )
                .bind(step)
                .bind(door)
                .bind(kind)
                .bind(site)
                .bind(number)
                .execute(&mut *tx)
                .await?;
            }
            for ((hour, (door, site), bucket), number) in counts.decisions {
                sqlx::query(
                    "INSERT INTO decision_counts (hour, door, bucket, site, count) VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (hour, door, bucket) DO UPDATE SET count = decision_counts.count + excluded.count",
                )
                .bind(hour)
                .bind(door)
                .bind(bucket)
                .bind(site)
                .bind(number)
                .execute(&mut *tx)
                .await?;
            }
            put_position(&mut tx, FIGURES, last).await?;
            tx.commit().await?;
            Ok(rows.len() == limit as usize)
        })
        .await
    }

    async fn visits(&self, span: &Span) -> Result<Vec<VisitCount>, StoreError> {
        let mut query = Statement::new("SELECT step, door, kind, count FROM visit_counts WHERE 1 = 1");
        within(&mut query, span, "step", STEP_MS);
        let rows: Vec<(i64, Vec<u8>, String, i64)> = query.query_as().fetch_all(&self.read).await?;
        let read = |(step, door, kind, number): (i64, Vec<u8>, String, i64)| {
            let kind = EventKind::parse(&kind).unwrap_or(EventKind::Other);
            Ok(VisitCount { step, door: columns::id(DoorId, &door)?, kind, count: count(number) })
        };
        rows.into_iter().map(read).collect()
    }

    async fn decisions(&self, span: &Span) -> Result<Vec<(usize, u64)>, StoreError> {
        let mut query =
            Statement::new("SELECT bucket, CAST(sum(count) AS BIGINT) AS total FROM decision_counts WHERE 1 = 1");
        within(&mut query, span, "hour", HOUR_MS);
        query.push(" GROUP BY bucket ORDER BY bucket");
        let rows: Vec<(i64, i64)> = query.query_as().fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(|(bucket, number)| (usize::try_from(bucket).unwrap_or(0), count(number))).collect())
    }

    async fn add_usage(&self, day: i64, counts: &[(&'static str, String, u64)]) -> Result<(), StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            for (what, name, number) in counts {
                sqlx::query(
                    "INSERT INTO usage_counts (day, what, name, count) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (day, what, name) DO UPDATE SET count = usage_counts.count + excluded.count",
                )
                .bind(day)
                .bind(*what)
                .bind(name.as_str())
                .bind(columns::to_column(*number))
                .execute(&mut *tx)
                .await?;
            }
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn usage(&self, what: &str, from_day: i64, until_day: i64) -> Result<Vec<DayCount>, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT day, name, count FROM usage_counts WHERE what = $1 AND day >= $2 AND day < $3 ORDER BY day, name",
        )
        .bind(what)
        .bind(from_day)
        .bind(until_day)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(day, name, number)| DayCount { day, name, count: count(number) }).collect())
    }

    async fn sample_storage(&self, day: i64) -> Result<(), StoreError> {
        again(|| async {
            let there: i64 = sqlx::query_scalar("SELECT count(*) FROM storage_samples WHERE day = $1")
                .bind(day)
                .fetch_one(&self.read)
                .await?;
            if there > 0 {
                return Ok(());
            }
            let mut sizes =
                vec![("bytes", sqlx::query_scalar::<_, i64>(self.engine.size()).fetch_one(&self.read).await?)];
            for (name, query) in TABLES {
                sizes.push((name, sqlx::query_scalar(query).fetch_one(&self.read).await?));
            }
            let mut tx = self.begin().await?;
            for (what, size) in sizes {
                sqlx::query("INSERT INTO storage_samples (day, what, size) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                    .bind(day)
                    .bind(what)
                    .bind(size)
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn storage(&self, from_day: i64, until_day: i64) -> Result<Vec<DayCount>, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT day, what, size FROM storage_samples WHERE day >= $1 AND day < $2 ORDER BY day, what",
        )
        .bind(from_day)
        .bind(until_day)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(day, name, number)| DayCount { day, name, count: count(number) }).collect())
    }

    async fn most_seen(&self, span: &Span, limit: u32) -> Result<Vec<(PersonId, u64)>, StoreError> {
        let mut query = Statement::new("SELECT e.person, count(DISTINCT e.at / ");
        query.push(&DAY_MS.to_string()).push(") AS days FROM events e WHERE e.person IS NOT NULL AND e.at >= ");
        query.bind(span.from.0).push(" AND e.at < ").bind(span.until.0);
        reach::within(&mut query, &span.reach, "e.site", "e.door");
        for (column, id) in [
            ("e.site", span.site.map(|id| id.as_bytes().to_vec())),
            ("e.door", span.door.map(|id| id.as_bytes().to_vec())),
        ] {
            if let Some(id) = id {
                query.push(" AND ").push(column).push(" = ").bind(id);
            }
        }
        query.push(" GROUP BY e.person ORDER BY days DESC, e.person").limit(limit);
        let rows: Vec<(Vec<u8>, i64)> = query.query_as().fetch_all(&self.read).await?;
        rows.into_iter().map(|(person, days)| Ok((columns::id(PersonId, &person)?, count(days)))).collect()
    }
}
