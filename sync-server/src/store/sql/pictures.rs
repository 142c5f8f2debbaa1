//! Pictures and embeddings that came with events, apart from the records that lists read, and sealed: with the key
//! of the person matched, or of the unknown visitor they were put together as, else with the media key.

use ostiary_common::codec;
use ostiary_common::ids::{EventId, PersonId, UnknownId};
use ostiary_common::seal::OpenError;
use ostiary_common::wire::{Body, EventBatch, EventRecord};
use sqlx::AnyConnection;

use super::error::corrupt;
use super::opener::key_of;
use super::reach::within;
use super::statement::Statement;
use super::{SqlStore, columns};
use crate::domain::access::Reach;
use crate::ports::StoreError;
use crate::sealing::{MasterKey, MediaKey, PersonKey, UnknownKey};

/// Names a picture in its seal.
pub(super) const CROP: &str = "crop";
/// Names an embedding in its seal.
pub(super) const EMBEDDING: &str = "embedding";

const WITH_MEDIA_KEY: i64 = 1;
const WITH_PERSON_KEY: i64 = 2;
const WITH_UNKNOWN_KEY: i64 = 3;

/// Whose keys the things of an event are sealed with.
pub(super) const OWNERS: &str = "coalesce(e.named, e.person) AS owner, v.visitor, u.wrapped";
/// What [`OWNERS`] are read from, beside `events e`.
pub(super) const OWNED: &str =
    "LEFT JOIN unknown_visits v ON v.cursor = e.cursor LEFT JOIN unknowns u ON u.id = v.visitor";

/// What seals things that came with an event.
pub(super) enum EventSeal<'a> {
    /// Nobody known.
    Media(&'a MediaKey),
    /// The person matched.
    Person(PersonKey),
    /// The unknown visitor.
    Unknown(UnknownKey),
}

/// Who the things of an event belong to.
#[derive(sqlx::FromRow)]
pub(super) struct Owners {
    owner: Option<Vec<u8>>,
    visitor: Option<Vec<u8>>,
    wrapped: Option<Vec<u8>>,
}

impl EventSeal<'_> {
    pub(super) fn seal(&self, what: &str, event: EventId, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Media(key) => key.seal_of_event(what, event, plain),
            Self::Person(key) => key.seal_of_event(what, event, plain),
            Self::Unknown(key) => key.seal_of_event(what, event, plain),
        }
    }

    pub(super) fn open(&self, what: &str, event: EventId, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        match self {
            Self::Media(key) => key.open_of_event(what, event, sealed),
            Self::Person(key) => key.open_of_event(what, event, sealed),
            Self::Unknown(key) => key.open_of_event(what, event, sealed),
        }
    }

    /// What to write into `sealed`.
    pub(super) const fn column(&self) -> i64 {
        match self {
            Self::Media(_) => WITH_MEDIA_KEY,
            Self::Person(_) => WITH_PERSON_KEY,
            Self::Unknown(_) => WITH_UNKNOWN_KEY,
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

    /// The key that something of an event is sealed with, by what stands beside it; `None` if that key is gone, and
    /// what it sealed with it.
    pub(super) async fn seal_of(
        &self,
        conn: &mut AnyConnection,
        with: i64,
        owners: &Owners,
    ) -> Result<Option<EventSeal<'_>>, StoreError> {
        Ok(match (with, &owners.owner, &owners.visitor, &owners.wrapped) {
            (WITH_MEDIA_KEY, ..) => Some(EventSeal::Media(&self.media)),
            (WITH_PERSON_KEY, Some(person), ..) => {
                key_of(conn, &self.master, columns::id(PersonId, person)?).await?.map(EventSeal::Person)
            }
            (WITH_UNKNOWN_KEY, _, Some(visitor), Some(wrapped)) => {
                Some(EventSeal::Unknown(unknown_key(&self.master, columns::id(UnknownId, visitor)?, wrapped)?))
            }
            _ => None,
        })
    }

    /// The picture of an event that was stored within a reach, opened.
    pub(super) async fn picture(&self, reach: &Reach, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        self.thing_of(reach, id, ("c.jpeg", "event_crops"), CROP).await
    }

    /// The embedding that came with an event that was stored within a reach, opened.
    pub(super) async fn face_of(&self, reach: &Reach, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        self.thing_of(reach, id, ("c.embedding", "event_embeddings"), EMBEDDING).await
    }

    async fn thing_of(
        &self,
        reach: &Reach,
        id: EventId,
        (column, table): (&str, &str),
        what: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = Statement::new(&format!(
            "SELECT {column} AS thing, c.sealed AS with_key, {OWNERS} FROM events e
             JOIN {table} c ON c.cursor = e.cursor {OWNED} WHERE e.event_id = "
        ));
        statement.bind(id.as_bytes().to_vec());
        within(&mut statement, reach, "e.site", "e.door");
        let row: Option<ThingRow> = statement.query_as().fetch_optional(&self.read).await?;
        let Some(ThingRow { thing, with_key, owners }) = row else { return Ok(None) };
        let mut conn = self.read.acquire().await?;
        // Who it belongs to may go between the two reads; so does the thing.
        let Some(seal) = self.seal_of(&mut conn, with_key, &owners).await? else { return Ok(None) };
        seal.open(what, id, &thing).map(Some).map_err(|e| corrupt(what_of(what), e))
    }

    /// Seals what came with an event anew, with another key. To be done before what says whose it is changes.
    pub(super) async fn reseal(
        &self,
        tx: &mut AnyConnection,
        cursor: i64,
        to: &EventSeal<'_>,
    ) -> Result<(), StoreError> {
        for (column, table, what) in [("jpeg", "event_crops", CROP), ("embedding", "event_embeddings", EMBEDDING)] {
            let query = sqlx::AssertSqlSafe(format!(
                "SELECT e.event_id, c.{column} AS thing, c.sealed AS with_key, {OWNERS} FROM events e
                 JOIN {table} c ON c.cursor = e.cursor {OWNED} WHERE e.cursor = $1"
            ));
            let row: Option<OwnedRow> = sqlx::query_as(query).bind(cursor).fetch_optional(&mut *tx).await?;
            let Some(OwnedRow { event_id, thing: ThingRow { thing, with_key, owners } }) = row else { continue };
            let event = columns::id(EventId, &event_id)?;
            let Some(from) = self.seal_of(&mut *tx, with_key, &owners).await? else { continue };
            let plain = from.open(what, event, &thing).map_err(|e| corrupt(what_of(what), e))?;
            let query = sqlx::AssertSqlSafe(format!("UPDATE {table} SET {column} = $1, sealed = $2 WHERE cursor = $3"));
            sqlx::query(query)
                .bind(to.seal(what, event, &plain))
                .bind(to.column())
                .bind(cursor)
                .execute(&mut *tx)
                .await?;
        }
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct ThingRow {
    thing: Vec<u8>,
    with_key: i64,
    #[sqlx(flatten)]
    owners: Owners,
}

#[derive(sqlx::FromRow)]
struct OwnedRow {
    event_id: Vec<u8>,
    #[sqlx(flatten)]
    thing: ThingRow,
}

/// An unknown visitor's key, from the row it lies in.
pub(super) fn unknown_key(master: &MasterKey, id: UnknownId, wrapped: &[u8]) -> Result<UnknownKey, StoreError> {
    master.unknown_key(id, wrapped).map_err(|e| corrupt("unknown visitor's key", e))
}

fn what_of(what: &str) -> &'static str {
    if what == CROP { "picture" } else { "embedding of an event" }
}
