//! An event as lists and the live feed show it.

use ostiary_common::wire::{DeviceReport, QualitySummary, ReportKind, UnusableReason, VisitReport};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::event::StoredEvent;

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventItem {
    /// Position, rising in the order of commit.
    pub cursor: i64,
    /// Id.
    id: Uuid,
    /// The device.
    device: Uuid,
    /// Where, when it was stored.
    door: Uuid,
    /// Where, when it was stored.
    site: Uuid,
    /// `match`, `unknown`, `spoof_suspected`, `unusable` or `report`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// When it happened.
    at: String,
    /// When it was committed.
    stored_at: String,
    /// Who, of a match.
    person: Option<PersonSeen>,
    /// Cosine similarity, of a match.
    similarity: Option<f32>,
    /// The threshold that applied.
    threshold: Option<f32>,
    /// The margin that applied.
    margin: Option<f32>,
    /// The nearest other person: of a match the second, of an unknown the first.
    nearest: Option<Nearest>,
    /// Why it was unusable.
    #[schema(value_type = Option<String>)]
    reason: Option<UnusableReason>,
    /// Quality of the best shot.
    quality: Option<Quality>,
    /// Frames the face was followed over.
    frames: Option<u32>,
    /// Faces that were embedded.
    embeddings: Option<u32>,
    /// The gallery's revision at the decision.
    gallery_rev: Option<u64>,
    /// The model pack that decided.
    pack: Option<String>,
    /// Where the time went.
    latency: Option<LatencyView>,
    /// Whether the device's clock could be believed.
    clock_synced: bool,
    /// Position in the device's stream.
    seq: u64,
    /// The device's stream.
    stream: Uuid,
    /// A device's word about itself.
    report: Option<Report>,
    /// Whether there is a picture at `/api/v1/events/{id}/crop`.
    has_crop: bool,
}

/// Who was seen.
#[derive(Debug, Serialize, ToSchema)]
struct PersonSeen {
    /// Id.
    id: Uuid,
    /// The name now; absent if the person was removed since.
    name: Option<String>,
}

/// A person a face resembles.
#[derive(Debug, Serialize, ToSchema)]
struct Nearest {
    /// The person.
    person: Uuid,
    /// Cosine similarity.
    similarity: f32,
}

/// Quality, each 0 to 1, and the face's width.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quality {
    /// All together.
    overall: f32,
    /// Sharpness.
    sharpness: f32,
    /// Exposure.
    exposure: f32,
    /// Frontality.
    pose: f32,
    /// Width of the face in pixels of the picture.
    face_px: f32,
}

/// Where the time went, in milliseconds.
#[derive(Debug, Serialize, ToSchema)]
struct LatencyView {
    /// From the visit's first frame to the decision.
    first_frame_to_decision_ms: u32,
    /// From the capture of the deciding frame to the decision.
    frame_to_decision_ms: u32,
    /// From the decision to its being safe on the device.
    decision_to_durable_ms: u32,
}

/// A device's word about itself.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// `started`, `camera_lost`, `camera_recovered`, `cache_quarantined`, `outbox_overflow`, `message_refused`.
    #[schema(value_type = String)]
    kind: ReportKind,
    /// In words.
    detail: String,
}

impl From<QualitySummary> for Quality {
    fn from(quality: QualitySummary) -> Self {
        let QualitySummary { overall, sharpness, exposure, pose, face_px, .. } = quality;
        Self { overall, sharpness, exposure, pose, face_px }
    }
}

impl From<&VisitReport> for LatencyView {
    fn from(visit: &VisitReport) -> Self {
        Self {
            first_frame_to_decision_ms: visit.latency.first_frame_to_decision_ms,
            frame_to_decision_ms: visit.latency.frame_to_decision_ms,
            decision_to_durable_ms: visit.latency.decision_to_durable_ms,
        }
    }
}

impl From<&DeviceReport> for Report {
    fn from(report: &DeviceReport) -> Self {
        Self { kind: report.kind, detail: report.detail.clone() }
    }
}

impl From<StoredEvent> for EventItem {
    fn from(event: StoredEvent) -> Self {
        let visit = event.record.visit.as_ref();
        let matched = visit.and_then(|visit| visit.matched);
        let nearest = visit.and_then(|visit| visit.nearest);
        Self {
            cursor: event.cursor,
            id: event.record.id.0,
            device: event.device.0,
            door: event.door.0,
            site: event.site.0,
            kind: event.kind().as_str(),
            at: event.at.to_rfc3339(),
            stored_at: event.stored_at.to_rfc3339(),
            person: matched.map(|m| PersonSeen { id: m.person.0, name: event.person_name.clone() }),
            similarity: matched.map(|m| m.similarity),
            threshold: visit.map(|visit| visit.threshold),
            margin: visit.map(|visit| visit.margin),
            nearest: nearest.map(|n| Nearest { person: n.person.0, similarity: n.similarity }),
            reason: visit.and_then(|visit| visit.reason),
            quality: visit.map(|visit| visit.quality.into()),
            frames: visit.map(|visit| visit.frames),
            embeddings: visit.map(|visit| visit.embeddings),
            gallery_rev: visit.map(|visit| visit.gallery_rev.0),
            pack: visit.map(|visit| visit.pack.to_string()),
            latency: visit.map(LatencyView::from),
            clock_synced: event.record.time.clock_synced,
            seq: event.record.seq,
            stream: event.stream.0,
            report: event.record.report.as_ref().map(Report::from),
            has_crop: event.has_crop,
        }
    }
}
