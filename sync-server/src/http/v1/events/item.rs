//! An event as lists and the live feed show it.

use ostiary_common::wire::{DeviceReport, LivenessPolicy, LivenessReport, ReportKind, SpoofCue, UnusableReason};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::latency::LatencyView;
use super::quality::Quality;
use crate::domain::event::StoredEvent;
use crate::domain::judgement::Verdict;
use crate::domain::publishing::Budget;

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
    /// When it happened; of a visit, when it was decided.
    at: String,
    /// When the deciding frame left the camera, by the clock of `at`.
    captured_at: Option<String>,
    /// When the visit was decided: `at` again.
    decided_at: Option<String>,
    /// When the device sent it, by the same clock: of the batch it was stored from, which after an outage is not the
    /// first one sent. Absent where the device's clock was not set or has jumped since.
    published_at: Option<String>,
    /// When it was committed, by the server's clock.
    stored_at: String,
    /// Whether it waited on the device for 10 s or more before it could be sent, as after an outage.
    held_back: bool,
    /// Whose visit it is, as far as is known now: of a match whom the device named, and whoever people said it was since.
    person: Option<PersonSeen>,
    /// Whether people said whose visit it is, by making a person of an unknown visitor or two persons one; `kind` stays
    /// what the device decided.
    attributed: bool,
    /// The unknown visitor it was put together as, at `/api/v1/unknowns/{id}`.
    unknown: Option<Uuid>,
    /// Set where the person named was mistaken for somebody before, and the face is nearer to that one: how near (cosine).
    doubt: Option<f32>,
    /// What people said of it, as `/api/v1/events/{id}/verdict` tells in full.
    #[schema(value_type = Option<String>)]
    verdict: Option<&'static str>,
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
    /// How live the visit looked, if the door judges it.
    liveness: Option<LivenessView>,
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

/// How live a visit looked.
#[derive(Debug, Serialize, ToSchema)]
struct LivenessView {
    /// 0 (surely an attack) to 1 (surely live); below `threshold` is suspected.
    score: f32,
    /// The threshold that applied.
    threshold: f32,
    /// What the door does about it: `off`, `report` or `block`.
    #[schema(value_type = String)]
    policy: LivenessPolicy,
    /// What spoke most against it: `model`, `moire`, `frame`, `flat`, `rigid`, `still`.
    #[schema(value_type = Option<String>)]
    cue: Option<SpoofCue>,
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

impl From<LivenessReport> for LivenessView {
    fn from(LivenessReport { score, threshold, policy, cue }: LivenessReport) -> Self {
        Self { score, threshold, policy, cue }
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
        let budget = visit.map(|visit| Budget::of(visit, event.at, event.published_at));
        Self {
            cursor: event.cursor,
            id: event.record.id.0,
            device: event.device.0,
            door: event.door.0,
            site: event.site.0,
            kind: event.kind().as_str(),
            at: event.at.to_rfc3339(),
            captured_at: budget.map(|budget| budget.captured_at.to_rfc3339()),
            decided_at: budget.map(|budget| budget.decided_at.to_rfc3339()),
            published_at: event.published_at.map(|at| at.to_rfc3339()),
            stored_at: event.stored_at.to_rfc3339(),
            held_back: budget.is_some_and(|budget| budget.held_back),
            person: event.person.map(|person| PersonSeen { id: person.0, name: event.person_name.clone() }),
            attributed: event.is_attributed(),
            unknown: event.unknown.map(|unknown| unknown.0),
            doubt: event.doubt,
            verdict: event.verdict.map(Verdict::as_str),
            similarity: matched.map(|m| m.similarity),
            threshold: visit.map(|visit| visit.threshold),
            margin: visit.map(|visit| visit.margin),
            nearest: nearest.map(|n| Nearest { person: n.person.0, similarity: n.similarity }),
            reason: visit.and_then(|visit| visit.reason),
            quality: visit.map(|visit| visit.quality.into()),
            liveness: visit.and_then(|visit| visit.liveness).map(LivenessView::from),
            frames: visit.map(|visit| visit.frames),
            embeddings: visit.map(|visit| visit.embeddings),
            gallery_rev: visit.map(|visit| visit.gallery_rev.0),
            pack: visit.map(|visit| visit.pack.to_string()),
            latency: visit.zip(budget).map(|(visit, budget)| LatencyView::new(&visit.latency, &budget)),
            clock_synced: event.record.time.clock_synced,
            seq: event.record.seq,
            stream: event.stream.0,
            report: event.record.report.as_ref().map(Report::from),
            has_crop: event.has_crop,
        }
    }
}
