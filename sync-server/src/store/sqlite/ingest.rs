//! Taking in what devices send: each event once, in one transaction with its place in the stream.

use ostiary_common::ids::{BootId, DeviceId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::EventRecord;
use sqlx::SqliteConnection;

use super::gone::Gone;
use super::pictures::{Attached, record_bytes};
use super::{SqliteStore, streams};
use crate::domain::event::{AcceptedGap, EventKind, Ingest, Ingested};
use crate::domain::placing::{BootOffset, place};
use crate::domain::publishing::published;
use crate::ports::StoreError;

/// Where a device stood when its events came.
struct Place {
    site: Vec<u8>,
    door: Vec<u8>,
}

impl SqliteStore {
    pub(super) async fn take_batches(
        &self,
        batches: &[Ingest],
    ) -> Result<Vec<Result<Ingested, StoreError>>, StoreError> {
        let mut tx = self.begin().await?;
        let mut gone = Gone::default();
        let mut results = Vec::with_capacity(batches.len());
        for batch in batches {
            results.push(match standing(&mut tx, batch.device).await? {
                Some(place) => Ok(self.take(&mut tx, batch, &place, &mut gone).await?),
                None => Err(StoreError::NoSuch("device")),
            });
        }
        tx.commit().await?;
        Ok(results)
    }

    pub(super) async fn give_up_hole(
        &self,
        device: DeviceId,
        stream: StreamId,
    ) -> Result<Option<AcceptedGap>, StoreError> {
        let mut tx = self.begin().await?;
        let mut received = streams::load(&mut tx, device, stream).await?;
        let Some((first, last)) = received.give_up_first_hole() else { return Ok(None) };
        streams::save(&mut tx, device, stream, &received).await?;
        tx.commit().await?;
        Ok(Some(AcceptedGap { first, last, upto_seq: received.upto() }))
    }
}

async fn standing(tx: &mut SqliteConnection, device: DeviceId) -> Result<Option<Place>, StoreError> {
    let row: Option<(Vec<u8>, Vec<u8>)> = sqlx::query_as("SELECT site, door FROM devices WHERE id = ?")
        .bind(device.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(site, door)| Place { site, door }))
}

/// Takes what the event tells of its boot, and returns the best known.
async fn learn_boot(
    tx: &mut SqliteConnection,
    device: DeviceId,
    record: &EventRecord,
    received_at: UnixMillis,
) -> Result<BootOffset, StoreError> {
    let boot = record.time.boot;
    let known = known_boot(tx, device, boot).await?;
    let better = BootOffset::better(known, BootOffset::learned(&record.time, received_at));
    if known != Some(better) {
        sqlx::query("INSERT OR REPLACE INTO boots (device, boot, zero_at, exact) VALUES (?, ?, ?, ?)")
            .bind(device.as_bytes().as_slice())
            .bind(boot.as_bytes().as_slice())
            .bind(better.zero.0)
            .bind(better.exact)
            .execute(tx)
            .await?;
    }
    Ok(better)
}

async fn known_boot(
    tx: &mut SqliteConnection,
    device: DeviceId,
    boot: BootId,
) -> Result<Option<BootOffset>, StoreError> {
    let row: Option<(i64, bool)> = sqlx::query_as("SELECT zero_at, exact FROM boots WHERE device = ? AND boot = ?")
        .bind(device.as_bytes().as_slice())
        .bind(boot.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(zero, exact)| BootOffset { zero: UnixMillis(zero), exact }))
}

impl SqliteStore {
    async fn take(
        &self,
        tx: &mut SqliteConnection,
        ingest: &Ingest,
        place: &Place,
        gone: &mut Gone,
    ) -> Result<Ingested, StoreError> {
        let stream = ingest.batch.stream;
        let before = streams::load(tx, ingest.device, stream).await?;
        let mut received = before.clone();
        let mut stored = Vec::new();
        for record in &ingest.batch.events {
            received.take(record.seq, record.seq);
            if self.insert(tx, ingest, place, record, gone).await? {
                stored.push(record.id);
            }
        }
        ingest.rejected.iter().for_each(|seq| received.take(*seq, *seq));
        if received != before {
            streams::save(tx, ingest.device, stream, &received).await?;
        }
        let duplicates = ingest.batch.events.len() - stored.len();
        Ok(Ingested { upto_seq: received.upto(), missing_from: received.missing_from(), stored, duplicates })
    }

    /// Stores one event; `false` if it was there already.
    async fn insert(
        &self,
        tx: &mut SqliteConnection,
        ingest: &Ingest,
        standing: &Place,
        record: &EventRecord,
        gone: &mut Gone,
    ) -> Result<bool, StoreError> {
        let offset = learn_boot(tx, ingest.device, record, ingest.received_at).await?;
        let mut record = record.clone();
        gone.forget_in(tx, &mut record).await?;
        let attached = Attached::take(&mut record);
        let person = record.visit.as_ref().and_then(|visit| visit.matched.as_ref()).map(|matched| matched.person);
        let cursor: Option<i64> = sqlx::query_scalar(
        "INSERT INTO events (event_id, device, site, door, stream, at, published_at, stored_at, kind, person, record,
         has_crop) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id, device) DO NOTHING RETURNING cursor",
    )
    .bind(record.id.as_bytes().as_slice())
    .bind(ingest.device.as_bytes().as_slice())
    .bind(standing.site.as_slice())
    .bind(standing.door.as_slice())
    .bind(ingest.batch.stream.as_bytes().as_slice())
    .bind(place(&record.time, ingest.received_at, offset).0)
    .bind(published(&record.time, ingest.sent_at, ingest.received_at).map(|at| at.0))
    .bind(ingest.received_at.0)
    .bind(EventKind::of(&record).as_str())
    .bind(person.map(|id| id.as_bytes().to_vec()))
    .bind(record_bytes(&record)?)
    .bind(attached.has_crop())
    .fetch_optional(&mut *tx)
    .await?;
        if let Some(cursor) = cursor.filter(|_| !attached.is_empty()) {
            let seal = self.event_seal(tx, person).await?;
            attached.insert(tx, cursor, record.id, &seal).await?;
        }
        Ok(cursor.is_some())
    }
}
