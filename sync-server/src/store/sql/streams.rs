//! Which sequence numbers of a stream are stored.

use ostiary_common::ids::{DeviceId, StreamId};
use sqlx::AnyConnection;

use super::columns;
use crate::domain::sequence::Received;
use crate::ports::StoreError;

/// What is stored of a stream; nothing if it was never seen.
pub(super) async fn load(tx: &mut AnyConnection, device: DeviceId, stream: StreamId) -> Result<Received, StoreError> {
    let upto: Option<i64> = sqlx::query_scalar("SELECT upto_seq FROM streams WHERE device = $1 AND stream = $2")
        .bind(device.as_bytes().as_slice())
        .bind(stream.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(upto) = upto else { return Ok(Received::default()) };
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT first_seq, last_seq FROM stream_ranges WHERE device = $1 AND stream = $2")
            .bind(device.as_bytes().as_slice())
            .bind(stream.as_bytes().as_slice())
            .fetch_all(&mut *tx)
            .await?;
    let number = |column| columns::unsigned("sequence number", column);
    let ranges: Vec<(u64, u64)> =
        rows.into_iter().map(|(a, b)| Ok((number(a)?, number(b)?))).collect::<Result<_, StoreError>>()?;
    Ok(Received::restore(number(upto)?, ranges))
}

/// Writes what is stored of a stream.
pub(super) async fn save(
    tx: &mut AnyConnection,
    device: DeviceId,
    stream: StreamId,
    received: &Received,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO streams (device, stream, upto_seq) VALUES ($1, $2, $3)
         ON CONFLICT (device, stream) DO UPDATE SET upto_seq = excluded.upto_seq",
    )
    .bind(device.as_bytes().as_slice())
    .bind(stream.as_bytes().as_slice())
    .bind(columns::to_column(received.upto()))
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM stream_ranges WHERE device = $1 AND stream = $2")
        .bind(device.as_bytes().as_slice())
        .bind(stream.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
    for (first, last) in received.ahead() {
        insert_range(tx, device, stream, first, last).await?;
    }
    Ok(())
}

async fn insert_range(
    tx: &mut AnyConnection,
    device: DeviceId,
    stream: StreamId,
    first: u64,
    last: u64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO stream_ranges (device, stream, first_seq, last_seq) VALUES ($1, $2, $3, $4)")
        .bind(device.as_bytes().as_slice())
        .bind(stream.as_bytes().as_slice())
        .bind(columns::to_column(first))
        .bind(columns::to_column(last))
        .execute(tx)
        .await?;
    Ok(())
}
