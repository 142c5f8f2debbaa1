//! What is known before a group of batches is taken in: where its devices stand, what is stored of its streams, and
//! when its boots were. Read and written for the whole group at once.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::LazyLock;

use ostiary_common::ids::{BootId, DeviceId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::EventTime;
use sqlx::AnyConnection;

use super::engine::Engine;
use super::many::{ManyRows, pieces};
use super::values::Flag;
use super::{columns, streams};
use crate::domain::event::Ingest;
use crate::domain::placing::BootOffset;
use crate::domain::sequence::Received;
use crate::ports::StoreError;

static PLACES: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = ") SELECT d.id, d.site, d.door FROM asked a JOIN devices d ON d.id = a.id";
    ManyRows::new("WITH asked (id) AS (VALUES", "(?)", tail)
});
static STREAMS: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = ") SELECT s.device, s.stream, s.upto_seq FROM asked a
        JOIN streams s ON s.device = a.device AND s.stream = a.stream";
    ManyRows::new("WITH asked (device, stream) AS (VALUES", "(?, ?)", tail)
});
static RANGES: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = ") SELECT r.device, r.stream, r.first_seq, r.last_seq FROM asked a
        JOIN stream_ranges r ON r.device = a.device AND r.stream = a.stream";
    ManyRows::new("WITH asked (device, stream) AS (VALUES", "(?, ?)", tail)
});
static BOOTS: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = ") SELECT b.device, b.boot, b.zero_at, b.exact FROM asked a
        JOIN boots b ON b.device = a.device AND b.boot = a.boot";
    ManyRows::new("WITH asked (device, boot) AS (VALUES", "(?, ?)", tail)
});
static PUT_STREAMS: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = "ON CONFLICT (device, stream) DO UPDATE SET upto_seq = excluded.upto_seq";
    ManyRows::new("INSERT INTO streams (device, stream, upto_seq) VALUES", "(?, ?, ?)", tail)
});
static PUT_BOOTS: LazyLock<ManyRows> = LazyLock::new(|| {
    let tail = "ON CONFLICT (device, boot) DO UPDATE SET zero_at = excluded.zero_at, exact = excluded.exact";
    ManyRows::new("INSERT INTO boots (device, boot, zero_at, exact) VALUES", "(?, ?, ?, ?)", tail)
});

/// Where a device stood when its events came.
pub(super) struct Place {
    pub(super) site: Vec<u8>,
    pub(super) door: Vec<u8>,
}

/// What is stored of a stream, before the group and now.
#[derive(Default)]
struct Stream {
    before: Received,
    now: Received,
}

/// What is known of a boot, and whether that is news.
#[derive(Default)]
struct Boot {
    offset: Option<BootOffset>,
    is_news: bool,
}

/// What is known of everything a group of batches speaks of.
#[derive(Default)]
pub(super) struct Known {
    places: HashMap<DeviceId, Place>,
    streams: HashMap<(DeviceId, StreamId), Stream>,
    boots: HashMap<(DeviceId, BootId), Boot>,
}

impl Known {
    pub(super) async fn load(tx: &mut AnyConnection, batches: &[Ingest]) -> Result<Self, StoreError> {
        let mut known = Self::default();
        known.load_places(tx, &distinct(batches.iter().map(|batch| batch.device))).await?;
        let streams = distinct(batches.iter().map(|batch| (batch.device, batch.batch.stream)));
        known.load_streams(tx, &streams).await?;
        let boots = batches.iter().flat_map(|one| one.batch.events.iter().map(|event| (one.device, event.time.boot)));
        known.load_boots(tx, &distinct(boots)).await?;
        Ok(known)
    }

    /// Where a device stands; `None` if there is no such device.
    pub(super) fn place(&self, device: DeviceId) -> Option<&Place> {
        self.places.get(&device)
    }

    /// Takes what an event tells of its boot, and gives the best known.
    pub(super) fn learn(&mut self, device: DeviceId, time: &EventTime, received_at: UnixMillis) -> BootOffset {
        let boot = self.boots.entry((device, time.boot)).or_default();
        let better = BootOffset::better(boot.offset, BootOffset::learned(time, received_at));
        boot.is_news |= boot.offset != Some(better);
        boot.offset = Some(better);
        better
    }

    /// Takes a batch's numbers as come, and gives what is now there of its stream.
    pub(super) fn take(&mut self, ingest: &Ingest) -> &Received {
        let stream = self.streams.entry((ingest.device, ingest.batch.stream)).or_default();
        let events = ingest.batch.events.iter().map(|event| event.seq);
        events.chain(ingest.rejected.iter().copied()).for_each(|seq| stream.now.take(seq, seq));
        &stream.now
    }

    /// Writes what changed.
    pub(super) async fn save(&self, tx: &mut AnyConnection) -> Result<(), StoreError> {
        let mut risen = Vec::new();
        for ((device, stream), Stream { before, now }) in &self.streams {
            if before.missing_from().is_some() || now.missing_from().is_some() {
                if before != now {
                    streams::save(tx, *device, *stream, now).await?;
                }
            } else if before != now {
                risen.push((device, stream, columns::to_column(now.upto())));
            }
        }
        for piece in pieces(&risen) {
            let mut query = sqlx::query(PUT_STREAMS.sql(Engine::of(tx), piece));
            for (device, stream, upto) in piece {
                query = query.bind(device.as_bytes().as_slice()).bind(stream.as_bytes().as_slice()).bind(*upto);
            }
            query.execute(&mut *tx).await?;
        }
        self.save_boots(tx).await
    }

    async fn save_boots(&self, tx: &mut AnyConnection) -> Result<(), StoreError> {
        let news = self.boots.iter().filter(|(_, boot)| boot.is_news);
        let news: Vec<_> = news.filter_map(|((device, boot), known)| Some((device, boot, known.offset?))).collect();
        for piece in pieces(&news) {
            let mut query = sqlx::query(PUT_BOOTS.sql(Engine::of(tx), piece));
            for (device, boot, offset) in piece {
                query = query.bind(device.as_bytes().as_slice()).bind(boot.as_bytes().as_slice());
                query = query.bind(offset.zero.0).bind(Flag(offset.exact));
            }
            query.execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn load_places(&mut self, tx: &mut AnyConnection, asked: &[DeviceId]) -> Result<(), StoreError> {
        for piece in pieces(asked) {
            let mut query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, Vec<u8>)>(PLACES.sql(Engine::of(tx), piece));
            for device in piece {
                query = query.bind(device.as_bytes().as_slice());
            }
            for (device, site, door) in query.fetch_all(&mut *tx).await? {
                self.places.insert(columns::id(DeviceId, &device)?, Place { site, door });
            }
        }
        Ok(())
    }

    async fn load_streams(&mut self, tx: &mut AnyConnection, asked: &[(DeviceId, StreamId)]) -> Result<(), StoreError> {
        let number = |column| columns::unsigned("sequence number", column);
        for piece in pieces(asked) {
            let mut ranges: HashMap<_, Vec<(u64, u64)>> = HashMap::new();
            let mut query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, i64, i64)>(RANGES.sql(Engine::of(tx), piece));
            for (device, stream) in piece {
                query = query.bind(device.as_bytes().as_slice()).bind(stream.as_bytes().as_slice());
            }
            for (device, stream, first, last) in query.fetch_all(&mut *tx).await? {
                ranges.entry((device, stream)).or_default().push((number(first)?, number(last)?));
            }
            let mut query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, i64)>(STREAMS.sql(Engine::of(tx), piece));
            for (device, stream) in piece {
                query = query.bind(device.as_bytes().as_slice()).bind(stream.as_bytes().as_slice());
            }
            for (device, stream, upto) in query.fetch_all(&mut *tx).await? {
                let key = (columns::id(DeviceId, &device)?, columns::id(StreamId, &stream)?);
                let ahead = ranges.remove(&(device, stream)).unwrap_or_default();
                let before = Received::restore(number(upto)?, ahead);
                self.streams.insert(key, Stream { now: before.clone(), before });
            }
        }
        Ok(())
    }

    async fn load_boots(&mut self, tx: &mut AnyConnection, asked: &[(DeviceId, BootId)]) -> Result<(), StoreError> {
        for piece in pieces(asked) {
            let mut query = sqlx::query_as::<_, (Vec<u8>, Vec<u8>, i64, Flag)>(BOOTS.sql(Engine::of(tx), piece));
            for (device, boot) in piece {
                query = query.bind(device.as_bytes().as_slice()).bind(boot.as_bytes().as_slice());
            }
            for (device, boot, zero, exact) in query.fetch_all(&mut *tx).await? {
                let key = (columns::id(DeviceId, &device)?, columns::id(BootId, &boot)?);
                let offset = Some(BootOffset { zero: UnixMillis(zero), exact: exact.0 });
                self.boots.insert(key, Boot { offset, is_news: false });
            }
        }
        Ok(())
    }
}

/// Each once, in the order they first came.
fn distinct<K: Copy + Eq + Hash>(keys: impl Iterator<Item = K>) -> Vec<K> {
    let mut seen = HashSet::new();
    keys.filter(|key| seen.insert(*key)).collect()
}
