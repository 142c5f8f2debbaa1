//! The end check: what stands in the store against what devices made, event by event.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use ostiary_common::ids::{EventId, StreamId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::lot::Tally;

/// What the comparison found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Events devices made.
    pub made: u64,
    /// Of these, not in the store.
    pub lost: u64,
    /// In the store more than once, or never made.
    pub doubled: u64,
}

/// Compares the store with what was made of each stream.
///
/// # Errors
/// If the database cannot be read.
pub async fn take(database: &Path, made: &HashMap<StreamId, Tally>) -> Result<Census> {
    let mut connection = SqliteConnectOptions::new()
        .filename(database)
        .read_only(true)
        .connect()
        .await
        .context("opening the database")?;
    let mut stored: HashMap<Vec<u8>, Tally> = HashMap::new();
    let mut rows =
        sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>("SELECT stream, event_id FROM events").fetch(&mut connection);
    while let Some((stream, id)) = rows.try_next().await? {
        let id = uuid::Uuid::from_slice(&id).context("an event's id")?;
        stored.entry(stream).or_default().add(EventId(id));
    }
    drop(rows);
    connection.close().await?;
    Ok(compare(made, |stream| stored.get(stream.as_bytes().as_slice()).copied().unwrap_or_default()))
}

fn compare(made: &HashMap<StreamId, Tally>, stored: impl Fn(&StreamId) -> Tally) -> Census {
    let mut census = Census::default();
    for (stream, made) in made {
        let stored = stored(stream);
        census.made += made.count;
        census.lost += made.count.saturating_sub(stored.count);
        census.doubled += stored.count.saturating_sub(made.count);
        if made.count == stored.count && made.id_sum != stored.id_sum {
            // As many, but others: at least one is missing and one is too many.
            census.lost += 1;
            census.doubled += 1;
        }
    }
    census
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_missing_doubled_or_foreign() {
        let ids = [EventId::generate(), EventId::generate(), EventId::generate()];
        let tally = |ids: &[EventId]| {
            let mut tally = Tally::default();
            ids.iter().for_each(|id| tally.add(*id));
            tally
        };
        let check = |stored: &[EventId], lost, doubled| {
            let made = HashMap::from([(StreamId::generate(), tally(&ids[..2]))]);
            assert_eq!(compare(&made, |_| tally(stored)), Census { made: 2, lost, doubled });
        };
        check(&ids[..2], 0, 0);
        check(&ids[..1], 1, 0);
        check(&ids, 0, 1);
        check(&ids[1..], 1, 1);
        check(&[], 2, 0);
    }
}
