//! Pictures and embeddings that came with events, apart from the records that lists read, and sealed: with the key
//! of the person matched, else with the media key.

use ostiary_common::codec;
use ostiary_common::ids::{EventId, PersonId};
use ostiary_common::wire::{Body, EventBatch, EventRecord};
use sqlx::AnyConnection;

use super::error::corrupt;
use super::opener::key_of;
use super::reach::within;
use super::statement::Statement;
use super::{SqlStore, columns};
use crate::domain::access::Reach;
use crate::ports::StoreError;
use crate::sealing::{MediaKey, PersonKey};

/// Names a picture in its seal.
pub(super) const CROP: &str = "crop";
/// Names an embedding in its seal.
pub(super) const EMBEDDING: &str = "embedding";

const WITH_MEDIA_KEY: i64 = 1;
const WITH_PERSON_KEY: i64 = 2;

/// What seals things that came with an event.
pub(super) enum EventSeal<'a> {
    /// Nobody known.
    Media(&'a MediaKey),
    /// The person matched.
    Person(PersonKey),
}

impl EventSeal<'_> {
    pub(super) fn seal(&self, what: &str, event: EventId, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Media(key) => key.seal_of_event(what, event, plain),
            Self::Person(key) => key.seal_of_event(what, event, plain),
        }
    }

    /// What to write into `sealed`.
    pub(super) const fn column(&self) -> i64 {
        match self {
            Self::Media(_) => WITH_MEDIA_KEY,
            Self::Person(_) => WITH_PERSON_KEY,
        }
    }
}

/// What is kept apart from a record.
pub(super) struct Attached {
    crop: Option<Vec<u8>>,
    embedding: Option<Vec<u8>>,
}

impl Attached {
    /// Takes picture and embedding out of a record.
    pub(super) fn take(record: &mut EventRecord) -> Self {
        let Some(visit) = record.visit.as_mut() else { return Self { crop: None, embedding: None } };
        let taken = |bytes: &mut Option<serde_bytes::ByteBuf>| bytes.take().map(serde_bytes::ByteBuf::into_vec);
        Self { crop: taken(&mut visit.crop_jpeg), embedding: taken(&mut visit.embedding) }
    }

    pub(super) const fn has_crop(&self) -> bool {
        self.crop.is_some()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.crop.is_none() && self.embedding.is_none()
    }

    /// Stores them, sealed, beside the event at `cursor`.
    pub(super) async fn insert(
        &self,
        tx: &mut AnyConnection,
        cursor: i64,
        event: EventId,
        seal: &EventSeal<'_>,
    ) -> Result<(), StoreError> {
        if let Some(jpeg) = &self.crop {
            sqlx::query("INSERT INTO event_crops (cursor, jpeg, sealed) VALUES ($1, $2, $3)")
                .bind(cursor)
                .bind(seal.seal(CROP, event, jpeg))
                .bind(seal.column())
                .execute(&mut *tx)
                .await?;
        }
        if let Some(embedding) = &self.embedding {
            sqlx::query(
                "INSERT INTO event_embeddings (cursor, embedding, sealed) VALUES ($1, $2, $3)
                 ON CONFLICT (cursor) DO UPDATE SET embedding = excluded.embedding, sealed = excluded.sealed",
            )
            .bind(cursor)
            .bind(seal.seal(EMBEDDING, event, embedding))
            .bind(seal.column())
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}

/// A record in the bytes it is stored in.
pub(super) fn record_bytes(record: &EventRecord) -> Result<Vec<u8>, StoreError> {
    codec::to_vec("event record", EventBatch::MAX_BYTES, record).map_err(|e| corrupt("event record", e))
}

/// A record from the bytes it is stored in.
pub(super) fn record(bytes: &[u8]) -> Result<EventRecord, StoreError> {
    codec::from_slice("event record", EventBatch::MAX_BYTES, bytes).map_err(|e| corrupt("event record", e))
}

impl SqlStore {
    /// What seals things that come with an event of this person, or of nobody.
    pub(super) async fn event_seal(
        &self,
        tx: &mut AnyConnection,
        person: Option<PersonId>,
    ) -> Result<EventSeal<'_>, StoreError> {
        let key = match person {
            Some(person) => key_of(tx, &self.master, person).await?,
            None => None,
        };
        Ok(key.map_or(EventSeal::Media(&self.media), EventSeal::Person))
    }

    /// The picture of an event that was stored within a reach, opened.
    pub(super) async fn picture(&self, reach: &Reach, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = Statement::new(
            "SELECT c.jpeg, c.sealed, e.person FROM events e JOIN event_crops c ON c.cursor = e.cursor
             WHERE e.event_id = ",
        );
        statement.bind(id.as_bytes().to_vec());
        within(&mut statement, reach, "e.site", "e.door");
        let row: Option<(Vec<u8>, i64, Option<Vec<u8>>)> = statement.query_as().fetch_optional(&self.read).await?;
        let Some((sealed, with, person)) = row else { return Ok(None) };
        let opened = match with {
            WITH_MEDIA_KEY => self.media.open_of_event(CROP, id, &sealed),
            _ => {
                let Some(person) = person.as_deref() else { return Ok(None) };
                let mut conn = self.read.acquire().await?;
                // The person went between the two reads; so did the picture.
                let Some(key) = key_of(&mut conn, &self.master, columns::id(PersonId, person)?).await? else {
                    return Ok(None);
                };
                key.open_of_event(CROP, id, &sealed)
            }
        };
        opened.map(Some).map_err(|e| corrupt("picture", e))
    }
}
