//! Events and galleries made of a number, the same each time.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{BootId, EventId, PackId, PersonId, TemplateId};
use ostiary_common::seal::SealKey;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{
    Angle, Candidate, DeviceReport, EventRecord, EventTime, Latency, OutcomeKind, PersonChange, QualitySummary,
    ReportKind, Revision, TemplateRow, VisitReport,
};
use uuid::Uuid;

use crate::cache::EventDraft;
use crate::domain::holdings::{GalleryHead, GalleryStep, Holdings};

/// Persons that come and go in a made-up gallery.
const PERSONS: u64 = 40;
/// Every so many revisions everybody is written.
const SNAPSHOT_EVERY: u64 = 25;

/// The key of trials.
pub fn key() -> SealKey {
    SealKey::from_bytes([7; 32])
}

/// The pack of trials.
pub fn pack() -> PackId {
    PackId::parse("trial@1").expect("the name is well formed")
}

/// Spreads a number's bits, so that neighbours have nothing in common.
const fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// A value from 0 to 1 that follows from `n` and `what`.
#[expect(clippy::cast_precision_loss, reason = "24 bits are exact in f32")]
fn share(n: u64, what: u64) -> f32 {
    (mixed(n.wrapping_add(what << 48)) >> 40) as f32 / (1_u64 << 24) as f32
}

/// Event `n`: now and then a report of the device's, else a visit with a picture of up to `crop_bytes`.
pub fn event(n: u64, crop_bytes: usize) -> EventDraft {
    let id = EventId(Uuid::from_u64_pair(0x0197_f2a0_1c3b_7d2e, n));
    let time = EventTime {
        wall: UnixMillis(1_700_000_000_000 + i64::from(n as u32) * 2_592),
        clock_synced: true,
        monotonic_ms: u64::from(n as u32) * 2_592,
        boot: BootId(Uuid::from_u128(77)),
    };
    if n % 50 == 49 {
        let detail = format!("report {n} of the camera: no frames for {} ms, opening it again", n % 9000);
        let report = DeviceReport { kind: ReportKind::CameraLost, detail };
        return EventDraft { id, time, visit: None, report: Some(report) };
    }
    EventDraft { id, time, visit: Some(visit(n, crop_bytes)), report: None }
}

fn visit(n: u64, crop_bytes: usize) -> VisitReport {
    let candidate = |which: u64, similarity| {
        let person = mixed(n.wrapping_mul(31).wrapping_add(which)) % 400;
        Candidate {
            person: PersonId(Uuid::from_u64_pair(mixed(person), mixed(person + 1000))),
            template: TemplateId(Uuid::from_u64_pair(mixed(person + 2000), mixed(person + 3000 + n % 3))),
            similarity,
        }
    };
    let matched = !n.is_multiple_of(3);
    let quality = QualitySummary {
        overall: share(n, 1),
        sharpness: share(n, 2),
        exposure: share(n, 3),
        pose: share(n, 4),
        face_px: 60.0 + 200.0 * share(n, 5),
        inter_eye_px: Some(25.0 + 90.0 * share(n, 6)),
        yaw_deg: Some(30.0 * share(n, 7) - 15.0),
        pitch_deg: Some(20.0 * share(n, 8) - 10.0),
        roll_deg: Some(10.0 * share(n, 9) - 5.0),
        unoccluded: Some(share(n, 10)),
    };
    let bytes = if n % 4 == 3 { 0 } else { crop_bytes / 2 + (mixed(n) % (crop_bytes as u64 / 2 + 1)) as usize };
    let crop = (0..bytes as u64 / 8).flat_map(|at| mixed(n.wrapping_add(at << 32)).to_le_bytes()).collect::<Vec<_>>();
    VisitReport {
        outcome: if matched { OutcomeKind::Match } else { OutcomeKind::Unknown },
        matched: matched.then(|| candidate(1, share(n, 11))),
        nearest: Some(candidate(2, share(n, 12))),
        reason: None,
        liveness: None,
        threshold: 0.9012,
        margin: 0.0123,
        quality,
        frames: 3 + (n % 40) as u32,
        embeddings: 3 + (n % 4) as u32,
        gallery_rev: Revision(1000 + n / 10_000),
        pack: PackId::parse("blazeface-dlib@1").expect("the name is well formed"),
        latency: Latency {
            first_frame_to_decision_ms: 400 + (mixed(n) % 900) as u32,
            frame_to_decision_ms: 40 + (mixed(n) % 90) as u32,
            decision_to_durable_ms: 0,
        },
        embedding: None,
        crop_jpeg: (crop_bytes > 0 && bytes > 0).then(|| crop.into()),
    }
}

/// The number an event was made of, if it is whole; a picture may be gone where `pictures_may_go`.
pub fn number_of(record: &EventRecord, crop_bytes: usize, pictures_may_go: bool) -> Option<u64> {
    let n = record.id.0.as_u64_pair().1;
    let expected = event(n, crop_bytes);
    let (mut visit, mut expected_visit) = (record.visit.clone(), expected.visit);
    if let (Some(visit), Some(expected)) = (visit.as_mut(), expected_visit.as_mut()) {
        visit.latency.decision_to_durable_ms = 0;
        if pictures_may_go && visit.crop_jpeg.is_none() {
            expected.crop_jpeg = None;
        }
    }
    let whole = record.id == expected.id && record.time == expected.time;
    (whole && visit == expected_visit && record.report == expected.report).then_some(n)
}

/// Whether an event is as it was made, but for its picture.
pub fn is_whole(record: &EventRecord) -> bool {
    number_of(record, 0, true).is_some()
}

/// The revision a person changed at last, as seen at `rev`; `None` for never yet or gone.
const fn changed_at(person: u64, rev: u64) -> Option<u64> {
    let back = (rev % PERSONS + PERSONS - person) % PERSONS;
    match rev.checked_sub(back) {
        // Every fifth change of a person is a departure.
        Some(at) if at > 0 && (at / PERSONS) % 5 != 4 => Some(at),
        _ => None,
    }
}

fn templates(person: u64, at: u64) -> Vec<TemplateRow> {
    let values = (0..128_u64).flat_map(|i| share(at, i).to_le_bytes()).collect::<Vec<_>>();
    let id = TemplateId(Uuid::from_u64_pair(person, at));
    vec![TemplateRow { id, version: 1, angle: Angle::Frontal, embedding: values.into() }]
}

fn person_id(person: u64) -> PersonId {
    PersonId(Uuid::from_u128(u128::from(person) + 1))
}

/// Everything the gallery holds at `rev`.
fn held_at(rev: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..PERSONS).filter_map(move |person| Some((person, changed_at(person, rev)?)))
}

/// The digest of the gallery at `rev`.
pub fn digest_at(rev: u64) -> GalleryDigest {
    holdings_at(rev).digest()
}

fn holdings_at(rev: u64) -> Holdings {
    let mut holdings = Holdings::default();
    held_at(rev).for_each(|(person, at)| holdings.set(person_id(person), &templates(person, at), 0));
    holdings
}

/// What leads from the gallery at `rev - 1` to that at `rev`: one person's change, or now and then everybody anew.
pub fn step_to(rev: u64) -> GalleryStep {
    let change = |person: u64| PersonChange {
        person: person_id(person),
        rev: Revision(rev),
        templates: changed_at(person, rev).map_or_else(Vec::new, |at| templates(person, at)),
    };
    let changes = match rev % SNAPSHOT_EVERY {
        0 => (0..PERSONS).map(change).collect(),
        _ => vec![change(rev % PERSONS)],
    };
    let head = GalleryHead { rev: Revision(rev), digest: digest_at(rev), ..GalleryHead::default() };
    GalleryStep { changes, stamp: 0, head }
}
