//! Taking in what devices send: each event once, in one transaction with its place in the stream.
//!
//! A group of batches is taken in by a few statements for all of it: what is known is read, the events are inserted
//! many at a time, what is known now is written. See `known` and `many`.

use std::collections::HashMap;
use std::sync::LazyLock;

use ostiary_common::ids::{DeviceId, EventId, PersonId, StreamId};
use ostiary_common::wire::EventRecord;
use sqlx::AnyConnection;

use super::again::again;
use super::engine::Engine;
use super::gone::Gone;
use super::known::{Known, Place};
use super::many::{ManyRows, pieces};
use super::pictures::{Attached, record_bytes};
use super::values::{Flag, Real};
use super::{SqlStore, columns, streams};
use crate::domain::event::{AcceptedGap, EventKind, Ingest, Ingested, score_of};
use crate::domain::placing::place;
use crate::domain::publishing::published;
use crate::ports::StoreError;

static INSERT: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT INTO events (event_id, device, site, door, stream, at, published_at, stored_at, kind, person, record,
         has_crop, score) VALUES",
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "ON CONFLICT (event_id, device) DO NOTHING",
    )
});

/// An event as it will stand in the store.
struct Row<'a> {
    /// Which of the group's batches it came with.
    batch: usize,
    ingest: &'a Ingest,
    /// Without what lies apart, and without whom nobody may be told of any more.
    record: EventRecord,
    site: Vec<u8>,
    door: Vec<u8>,
    at: i64,
    bytes: Vec<u8>,
    attached: Attached,
    /// Whose visit it is, if the person named was merged into another one.
    known_as: Option<PersonId>,
}

/// What became of the rows: for each, whether it is new, and where it stands if anybody must know.
struct Inserted {
    /// Where rows that are new stand; absent if all are new and nothing belongs beside them.
    cursors: Option<HashMap<(EventId, DeviceId), i64>>,
}

impl SqlStore {
    pub(super) async fn take_batches(
        &self,
        batches: &[Ingest],
    ) -> Result<Vec<Result<Ingested, StoreError>>, StoreError> {
        let mut tx = self.begin().await?;
        let mut known = Known::load(&mut tx, batches).await?;
        let mut gone = Gone::default();
        let mut rows = Vec::new();
        let mut results = Vec::with_capacity(batches.len());
        for (number, ingest) in batches.iter().enumerate() {
            for record in &ingest.batch.events {
                rows.extend(row(&mut tx, number, ingest, record, (&mut known, &mut gone)).await?);
            }
            results.push(taken(ingest, &mut known));
        }
        let mut inserted = insert(&mut tx, &rows).await?;
        for row in &rows {
            let cursor = inserted.claim(row);
            let Ok(ingested) = &mut results[row.batch] else { continue };
            match cursor {
                Some(cursor) => {
                    row.name(&mut tx).await?;
                    self.attach(&mut tx, cursor, row).await?;
                    ingested.stored.push(row.record.id);
                }
                None => ingested.duplicates += 1,
            }
        }
        known.save(&mut tx).await?;
        tx.commit().await?;
        Ok(results)
    }

    /// Stores what lies apart, sealed, beside the event at `cursor`.
    async fn attach(&self, tx: &mut AnyConnection, cursor: i64, row: &Row<'_>) -> Result<(), StoreError> {
        if row.attached.is_empty() {
            return Ok(());
        }
        let seal = self.event_seal(tx, row.person()).await?;
        row.attached.insert(tx, cursor, row.record.id, &seal).await
    }

    pub(super) async fn give_up_hole(
        &self,
        device: DeviceId,
        stream: StreamId,
    ) -> Result<Option<AcceptedGap>, StoreError> {
        again(|| async {
            let mut tx = self.begin().await?;
            let mut received = streams::load(&mut tx, device, stream).await?;
            let Some((first, last)) = received.give_up_first_hole() else { return Ok(None) };
            streams::save(&mut tx, device, stream, &received).await?;
            tx.commit().await?;
            Ok(Some(AcceptedGap { first, last, upto_seq: received.upto() }))
        })
        .await
    }
}

/// Takes a batch's numbers as come; which of its events are new is seen when they are inserted.
fn taken(ingest: &Ingest, known: &mut Known) -> Result<Ingested, StoreError> {
    if known.place(ingest.device).is_none() {
        return Err(StoreError::NoSuch("device"));
    }
    let received = known.take(ingest);
    let (upto_seq, missing_from) = (received.upto(), received.missing_from());
    Ok(Ingested { upto_seq, missing_from, stored: Vec::new(), duplicates: 0 })
}

/// The row of an event; none if its device is not known.
async fn row<'a>(
    tx: &mut AnyConnection,
    batch: usize,
    ingest: &'a Ingest,
    record: &EventRecord,
    (known, gone): (&mut Known, &mut Gone),
) -> Result<Option<Row<'a>>, StoreError> {
    let Some(Place { site, door }) = known.place(ingest.device) else { return Ok(None) };
    let (site, door) = (site.clone(), door.clone());
    let offset = known.learn(ingest.device, &record.time, ingest.received_at);
    let at = place(&record.time, ingest.received_at, offset).0;
    let mut record = record.clone();
    gone.forget_in(tx, &mut record).await?;
    let attached = Attached::take(&mut record);
    let bytes = record_bytes(&record)?;
    let known_as = match named(&record) {
        Some(person) => gone.known_as(tx, person).await?,
        None => None,
    };
    Ok(Some(Row { batch, ingest, record, site, door, at, bytes, attached, known_as }))
}

/// Inserts what is not there yet.
async fn insert(tx: &mut AnyConnection, rows: &[Row<'_>]) -> Result<Inserted, StoreError> {
    let newest: i64 = sqlx::query_scalar("SELECT coalesce(max(cursor), 0) FROM events").fetch_one(&mut *tx).await?;
    let (mut count, engine) = (0, Engine::of(tx));
    for piece in pieces(rows) {
        let query = piece.iter().fold(sqlx::query(INSERT.sql(engine, piece)), |query, row| row.bind(query));
        count += query.execute(&mut *tx).await?.rows_affected();
    }
    if count == rows.len() as u64 && rows.iter().all(|row| row.attached.is_empty() && row.known_as.is_none()) {
        return Ok(Inserted { cursors: None });
    }
    let new: Vec<(i64, Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT cursor, event_id, device FROM events WHERE cursor > $1")
            .bind(newest)
            .fetch_all(tx)
            .await?;
    let keyed = |(cursor, event, device): (i64, Vec<u8>, Vec<u8>)| {
        Ok(((columns::id(EventId, &event)?, columns::id(DeviceId, &device)?), cursor))
    };
    Ok(Inserted { cursors: Some(new.into_iter().map(keyed).collect::<Result<_, StoreError>>()?) })
}

impl Inserted {
    /// Where a row stands that is new, asked once for each: the same event twice in a group is new once. Zero where
    /// nobody must know.
    fn claim(&mut self, row: &Row<'_>) -> Option<i64> {
        self.cursors.as_mut().map_or(Some(0), |cursors| cursors.remove(&(row.record.id, row.ingest.device)))
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

impl Row<'_> {
    fn bind<'q>(&self, query: Query<'q>) -> Query<'q> {
        let Row { ingest, record, .. } = self;
        query
            .bind(record.id.as_bytes().to_vec())
            .bind(ingest.device.as_bytes().to_vec())
            .bind(self.site.clone())
            .bind(self.door.clone())
            .bind(ingest.batch.stream.as_bytes().to_vec())
            .bind(self.at)
            .bind(published(&record.time, ingest.sent_at, ingest.received_at).map(|at| at.0))
            .bind(ingest.received_at.0)
            .bind(EventKind::of(record).as_str())
            .bind(self.known_as.or_else(|| self.person()).map(|id| id.as_bytes().to_vec()))
            .bind(self.bytes.clone())
            .bind(Flag(self.attached.has_crop()))
            .bind(score_of(record).map(Real))
    }

    /// The person matched.
    fn person(&self) -> Option<PersonId> {
        named(&self.record)
    }

    /// Writes down whom the device named, where that is not whose visit it is.
    async fn name(&self, tx: &mut AnyConnection) -> Result<(), StoreError> {
        let (Some(_), Some(named)) = (self.known_as, self.person()) else { return Ok(()) };
        sqlx::query("UPDATE events SET named = $1 WHERE event_id = $2 AND device = $3")
            .bind(named.as_bytes().to_vec())
            .bind(self.record.id.as_bytes().to_vec())
            .bind(self.ingest.device.as_bytes().to_vec())
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// The person matched.
fn named(record: &EventRecord) -> Option<PersonId> {
    record.visit.as_ref().and_then(|visit| visit.matched.as_ref()).map(|matched| matched.person)
}
