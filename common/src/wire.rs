//! The messages between device and server. CBOR bodies implement [`Body`] and travel in an
//! [`Envelope`](crate::envelope::Envelope); monitoring bodies are JSON and stand in [`monitor`].
//!
//! Rules for change: fields are added as optional, never renamed or given another meaning; what an older
//! program does not know it ignores; golden files in `common/tests/golden/` prove that old bytes still decode.

mod command;
mod config;
mod enroll;
mod events;
mod gallery;
pub mod monitor;

pub use command::{Attachment, Command, CommandResult, CommandStatus, MAX_ATTACHMENT_BYTES};
pub use config::{ConfigDesired, ConfigReported, DeviceSettings, PackArchive, PackOrder};
pub use enroll::{
    EnrollAck, EnrollCancel, EnrollProgress, EnrollResult, EnrollShot, EnrollStart, EnrollState, MAX_ENROLL_SHOT_BYTES,
    MAX_ENROLL_SHOTS,
};
pub use events::{
    AckedBatch, Candidate, DeviceReport, EventAck, EventBatch, EventRecord, EventTime, Latency, LivenessPolicy,
    LivenessReport, MAX_EVENTS_PER_BATCH, MAX_REJECTED_TOLD, OutcomeKind, QualitySummary, RejectedEvent, ReportKind,
    SpoofCue, UnusableReason, VisitReport,
};
pub use gallery::{
    Angle, ChunkKind, GalleryAck, GalleryChunk, GalleryNotice, GalleryPlace, GalleryRequest, GalleryWalk, HoldingProof,
    PersonChange, Revision, SealedPersons, TemplateRow, holding_statement,
};

#[doc(no_inline)]
pub use crate::envelope::Body;
