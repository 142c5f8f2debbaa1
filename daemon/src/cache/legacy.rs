//! Events of the format before the log: trees of the storage engine, emptied into the log at the first start.

use ostiary_common::seal::SealKey;
use ostiary_common::wire::EventRecord;
use serde_bytes::ByteBuf;

use super::outbox::EventDraft;
use super::shelf::Shelf;
use super::{CacheError, guarded};

const EVENTS: &str = "outbox";
const MEDIA: &str = "media";

/// Every event that can still be read, whatever else is damaged; with its picture if that can be read.
pub fn events(db: &sled::Db, key: &SealKey) -> Result<Vec<EventDraft>, CacheError> {
    if !db.tree_names().iter().any(|name| name == EVENTS.as_bytes()) {
        return Ok(Vec::new());
    }
    let events = Shelf::open(db, EVENTS, key, None)?;
    let media = Shelf::open(db, MEDIA, key, None)?;
    let readable = events.rows::<EventRecord>().map_while(Result::ok).filter_map(|row| {
        let mut record = row.value.ok()?;
        if let (Some(visit), Ok(crop)) = (record.visit.as_mut(), media.get::<ByteBuf>(&row.key)) {
            visit.crop_jpeg = crop;
        }
        Some(EventDraft::from(record))
    });
    Ok(readable.collect())
}

/// Removes the trees, once what was in them is durable elsewhere.
pub fn remove(db: &sled::Db) -> Result<(), CacheError> {
    guarded(|| {
        db.drop_tree(EVENTS)?;
        db.drop_tree(MEDIA)?;
        Ok(db.flush().map(|_| ())?)
    })
}
