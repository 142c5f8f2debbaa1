//! Things to put into a store.

use std::time::Duration;

use ostiary_common::ids::{BootId, DeviceId, DoorId, EventId, PackId, PersonId, SiteId, StreamId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{
    Angle, Candidate, DeviceReport, EventBatch, EventRecord, EventTime, Latency, OutcomeKind, QualitySummary,
    ReportKind, Revision, VisitReport,
};
use ostiary_models::embed::Embedding;
use ostiary_server::domain::device::{Device, Door, Site};
use ostiary_server::domain::event::Ingest;
use ostiary_server::domain::person::{Person, Template};
use ostiary_server::ports::Store;
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::SqlStore;
use serde_bytes::ByteBuf;

use super::place::Place;

pub const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// The key of every store in these tests.
pub fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

/// A store in a file, for tests of other things.
pub async fn sqlite() -> (Place, SqlStore) {
    let place = Place::sqlite();
    let store = place.open().await;
    (place, store)
}

pub fn pack() -> PackId {
    PackId::parse("test@1").unwrap()
}

pub async fn device(store: &dyn Store, name: &str) -> Device {
    let site = Site { id: SiteId::generate(), name: format!("site of {name}"), created_at: NOW };
    store.add_site(&site).await.unwrap();
    let door = Door { id: DoorId::generate(), site: site.id, name: format!("door of {name}"), created_at: NOW };
    store.add_door(&door).await.unwrap();
    let device = Device::pending(DeviceId::generate(), name.to_owned(), &door, NOW);
    store.add_device(&device).await.unwrap();
    device
}

pub fn person(name: &str) -> Person {
    Person::new(PersonId::generate(), name.to_owned(), NOW, Some(NOW))
}

pub fn template(person: PersonId, photo: u8) -> Template {
    Template {
        id: TemplateId::generate(),
        person,
        version: 1,
        pack: pack(),
        angle: Angle::Frontal,
        quality: 0.9,
        embedding: vec![0.6, 0.8, f32::from(photo)],
        source_sha256: [photo; 32],
        created_at: NOW,
    }
}

fn time(seq: u64) -> EventTime {
    let wall = UnixMillis(NOW.0 + i64::try_from(seq).unwrap());
    EventTime { wall, clock_synced: true, monotonic_ms: seq, boot: BootId(uuid::Uuid::from_u128(1)) }
}

pub fn report(seq: u64) -> EventRecord {
    let report = DeviceReport { kind: ReportKind::Started, detail: "started".into() };
    EventRecord { id: EventId::generate(), seq, time: time(seq), visit: None, report: Some(report) }
}

pub fn visit(seq: u64, outcome: OutcomeKind, person: Option<PersonId>, crop: Option<&[u8]>) -> EventRecord {
    let matched = person.map(|person| Candidate { person, template: TemplateId::generate(), similarity: 0.97 });
    let visit = VisitReport {
        outcome,
        matched,
        nearest: None,
        reason: None,
        liveness: None,
        threshold: 0.93,
        margin: 0.02,
        quality: QualitySummary::default(),
        frames: 12,
        embeddings: 3,
        gallery_rev: Revision(1),
        pack: pack(),
        latency: Latency::default(),
        embedding: None,
        crop_jpeg: crop.map(|bytes| ByteBuf::from(bytes.to_vec())),
    };
    EventRecord { id: EventId::generate(), seq, time: time(seq), visit: Some(visit), report: None }
}

/// What a face looks like, as it comes with a visit; brought to unit length.
pub fn face<const N: usize>(values: [f32; N]) -> ByteBuf {
    ByteBuf::from(Embedding::from_raw(values.to_vec()).unwrap().to_le_bytes())
}

pub fn batch(device: DeviceId, stream: StreamId, events: Vec<EventRecord>) -> Ingest {
    let sent_at = NOW.plus(Duration::from_millis(250));
    Ingest {
        device,
        batch: EventBatch { stream, events },
        rejected: Vec::new(),
        sent_at,
        received_at: NOW.plus(Duration::from_millis(300)),
    }
}
