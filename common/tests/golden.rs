//! Golden wire files: the bytes of every message as version 1 wrote them. Old bytes must decode for ever, so a
//! file here is never changed; a message that gains a field gets a second file.
//!
//! `OSTIARY_BLESS=1 cargo test -p ostiary-common --test golden` writes files that are missing (never others).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::{
    BootId, DeviceId, EnrollmentId, EventId, GalleryKeyId, MsgId, PackId, PersonId, StreamId, TemplateId,
};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{
    AckedBatch, Angle, Attachment, Candidate, ChunkKind, Command, CommandResult, CommandStatus, ConfigDesired,
    ConfigReported, DeviceReport, DeviceSettings, EnrollAck, EnrollCancel, EnrollProgress, EnrollResult, EnrollShot,
    EnrollStart, EnrollState, EventAck, EventBatch, EventRecord, EventTime, GalleryAck, GalleryChunk, GalleryNotice,
    GalleryPlace, GalleryRequest, GalleryWalk, HoldingProof, Latency, LivenessPolicy, LivenessReport,
    MAX_REJECTED_TOLD, OutcomeKind, PersonChange, QualitySummary, RejectedEvent, ReportKind, Revision, SealedPersons,
    SpoofCue, TemplateRow, UnusableReason, VisitReport,
};
use uuid::Uuid;

const fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0197_f2a0_1c3b_7d2e_9f00_0000_0000_0000 + n)
}

fn pack() -> PackId {
    PackId::parse("ostiary-default@1").unwrap()
}

fn digest() -> GalleryDigest {
    GalleryDigest::of([(TemplateId(uuid(30)), 1), (TemplateId(uuid(31)), 2)])
}

fn envelope<B>(body: B) -> Envelope<B> {
    Envelope {
        v: WIRE_VERSION,
        msg_id: MsgId(uuid(1)),
        device: DeviceId(uuid(2)),
        session: 7,
        seq: 42,
        sent_at: UnixMillis(1_795_224_129_250),
        body,
    }
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.cbor.hex"))
}

/// The bytes in the file decode to `expected`, and `expected` encodes to the bytes in the file.
fn check<B: Body + PartialEq + Debug>(name: &str, body: B) {
    let expected = envelope(body);
    let encoded = expected.encode().unwrap();
    if std::env::var_os("OSTIARY_BLESS").is_some() && !file(name).exists() {
        let lines: Vec<String> = encoded.chunks(48).map(hex::encode).collect();
        fs::write(file(name), lines.join("\n") + "\n").unwrap();
    }
    let text = fs::read_to_string(file(name)).unwrap_or_else(|e| panic!("{name}: {e}; see the head of this file"));
    let golden = hex::decode(text.split_whitespace().collect::<String>()).unwrap();
    assert_eq!(Envelope::<B>::decode(&golden).unwrap(), expected, "{name}: old bytes no longer mean the same");
    assert_eq!(hex::encode(encoded), hex::encode(&golden), "{name}: new bytes differ; add a file, keep the old one");

    for cut in 0..golden.len() {
        assert!(Envelope::<B>::decode(&golden[..cut]).is_err(), "{name}: cut at {cut} must not decode");
    }
    let mut newer = Envelope { v: WIRE_VERSION + 1, ..expected };
    let refused = Envelope::<B>::decode(&newer.encode().unwrap()).unwrap_err().to_string();
    assert!(refused.contains("version 2") && refused.contains("update"), "{name}: {refused}");
    newer.v = 0;
    assert!(Envelope::<B>::decode(&newer.encode().unwrap()).is_err());
}

fn time() -> EventTime {
    EventTime {
        wall: UnixMillis(1_795_224_129_000),
        clock_synced: true,
        monotonic_ms: 86_400_123,
        boot: BootId(uuid(9)),
    }
}

fn candidate(n: u128, similarity: f32) -> Candidate {
    Candidate { person: PersonId(uuid(20 + n)), template: TemplateId(uuid(30 + n)), similarity }
}

fn visit(outcome: OutcomeKind) -> VisitReport {
    VisitReport {
        outcome,
        matched: None,
        nearest: None,
        reason: None,
        liveness: None,
        threshold: 0.93,
        margin: 0.01,
        quality: QualitySummary {
            overall: 0.75,
            sharpness: 0.5,
            exposure: 1.0,
            pose: 0.875,
            face_px: 120.0,
            ..QualitySummary::default()
        },
        frames: 31,
        embeddings: 4,
        gallery_rev: Revision(12),
        pack: pack(),
        latency: Latency { first_frame_to_decision_ms: 480, frame_to_decision_ms: 35, decision_to_durable_ms: 4 },
        embedding: None,
        crop_jpeg: None,
    }
}

#[test]
fn event_batch() {
    let record = |n: u64, visit, report| EventRecord {
        id: EventId(uuid(40 + u128::from(n))),
        seq: n,
        time: time(),
        visit,
        report,
    };
    let matched = VisitReport {
        matched: Some(candidate(0, 0.96875)),
        nearest: Some(candidate(1, 0.875)),
        ..visit(OutcomeKind::Match)
    };
    let unknown = VisitReport {
        nearest: Some(candidate(1, 0.875)),
        embedding: Some(vec![0, 0, 128, 63].into()),
        crop_jpeg: Some(vec![0xff, 0xd8, 0xff, 0xd9].into()),
        ..visit(OutcomeKind::Unknown)
    };
    let unusable = VisitReport { reason: Some(UnusableReason::TooDark), ..visit(OutcomeKind::Unusable) };
    let report = DeviceReport { kind: ReportKind::CacheQuarantined, detail: "checksum of outbox/3".into() };
    check(
        "event_batch",
        EventBatch {
            stream: StreamId(uuid(5)),
            events: vec![
                record(1, Some(matched), None),
                record(2, Some(unknown), None),
                record(3, Some(unusable), None),
                record(4, None, Some(report)),
            ],
        },
    );
}

#[test]
fn event_batch_with_liveness() {
    let quality = QualitySummary {
        inter_eye_px: Some(48.5),
        yaw_deg: Some(-12.5),
        pitch_deg: Some(4.0),
        roll_deg: Some(0.5),
        unoccluded: Some(0.875),
        ..visit(OutcomeKind::SpoofSuspected).quality
    };
    let liveness =
        LivenessReport { score: 0.125, threshold: 0.5, policy: LivenessPolicy::Block, cue: Some(SpoofCue::Moire) };
    let visit = VisitReport { quality, liveness: Some(liveness), ..visit(OutcomeKind::SpoofSuspected) };
    let record = EventRecord { id: EventId(uuid(45)), seq: 5, time: time(), visit: Some(visit), report: None };
    check("event_batch_liveness", EventBatch { stream: StreamId(uuid(5)), events: vec![record] });
}

#[test]
fn event_ack() {
    let ack =
        |resend_from, rejected| EventAck { stream: StreamId(uuid(5)), upto_seq: 4, resend_from, rejected, batch: None };
    check("event_ack", ack(None, vec![]));
    check("event_ack_resend", ack(Some(5), vec![]));
    let rejected = RejectedEvent { seq: 3, reason: "event 3 has an impossible quality".into() };
    check("event_ack_rejected", ack(None, vec![rejected]));
    let batch = AckedBatch { first: 3, last: 4, id: EventId(uuid(8)) };
    check("event_ack_batch", EventAck { batch: Some(batch), ..ack(None, vec![]) });
}

#[test]
fn the_largest_ack_fits() {
    let rejected = (0..MAX_REJECTED_TOLD).map(|_| RejectedEvent { seq: u64::MAX, reason: "ä".repeat(60) });
    let ack = EventAck {
        stream: StreamId(uuid(5)),
        upto_seq: u64::MAX,
        resend_from: Some(u64::MAX),
        rejected: rejected.collect(),
        batch: Some(AckedBatch { first: u64::MAX, last: u64::MAX, id: EventId(uuid(8)) }),
    };
    let body = ostiary_common::codec::to_vec("ack", EventAck::MAX_BYTES, &ack).unwrap();
    assert!(body.len() <= EventAck::MAX_BYTES);
}

fn resumed() -> GalleryRequest {
    let after = GalleryPlace { rev: Revision(7), person: PersonId(uuid(20)) };
    GalleryRequest {
        request: MsgId(uuid(6)),
        rev: Revision(3),
        digest: digest(),
        pack: pack(),
        resume: Some(GalleryWalk { kind: ChunkKind::Snapshot, began: Revision(9), after }),
        most_chunks: Some(8),
    }
}

#[test]
fn gallery() {
    check(
        "gallery_request",
        GalleryRequest {
            request: MsgId(uuid(6)),
            rev: Revision(11),
            digest: digest(),
            pack: pack(),
            resume: None,
            most_chunks: None,
        },
    );
    let row = |n: u128, angle| TemplateRow {
        id: TemplateId(uuid(30 + n)),
        version: 1,
        angle,
        embedding: vec![0, 0, 0, 63].into(),
    };
    check(
        "gallery_chunk",
        GalleryChunk {
            request: MsgId(uuid(6)),
            kind: ChunkKind::Changes,
            to_rev: Revision(12),
            index: 0,
            last: true,
            digest: digest(),
            pack: pack(),
            persons: vec![
                PersonChange {
                    person: PersonId(uuid(20)),
                    rev: Revision(12),
                    templates: vec![row(0, Angle::Frontal), row(1, Angle::Left)],
                },
                PersonChange { person: PersonId(uuid(21)), rev: Revision(11), templates: vec![] },
            ],
            walk: None,
            sealed: None,
        },
    );
    check("gallery_ack", GalleryAck { rev: Revision(12), digest: digest(), persons: 1, templates: 2, proof: None });
    check("gallery_request_resume", resumed());
    let walk = resumed().resume;
    let bytes = vec![1, 2, 3].into();
    check(
        "gallery_chunk_sealed",
        GalleryChunk {
            request: MsgId(uuid(6)),
            kind: ChunkKind::Snapshot,
            to_rev: Revision(12),
            index: 2,
            last: false,
            digest: digest(),
            pack: pack(),
            persons: vec![],
            walk,
            sealed: Some(SealedPersons { key: GalleryKeyId(uuid(7)), deflated: true, bytes }),
        },
    );
    let proof = HoldingProof { at: UnixMillis(1_795_224_129_000), signature: vec![9; 64].into() };
    let ack = GalleryAck { rev: Revision(12), digest: digest(), persons: 1, templates: 2, proof: Some(proof) };
    check("gallery_ack_proof", ack);
    check("gallery_notice", GalleryNotice { rev: Revision(12) });
}

#[test]
fn config_and_commands() {
    let settings = DeviceSettings {
        match_threshold: Some(0.9375),
        match_margin: None,
        min_face_px: Some(60),
        send_crops: Some(false),
        health_interval_s: Some(30),
        ..DeviceSettings::default()
    };
    check("config_desired", ConfigDesired { version: 3, settings: settings.clone(), pack: None });
    check("config_reported", ConfigReported { version: 3, error: Some("match_threshold".into()), settings });
    let targets = DeviceSettings {
        target_fpir: Some(0.0078125),
        liveness: Some(LivenessPolicy::Block),
        ..DeviceSettings::default()
    };
    check("config_desired_target", ConfigDesired { version: 4, settings: targets, pack: None });
    let command = Command::new(MsgId(uuid(8)), UnixMillis(1_795_224_189_250));
    check("command", command.clone());
    check("command_log_level", Command { level: Some("debug".into()), minutes: Some(15), ..command });
    let result =
        CommandResult { id: MsgId(uuid(8)), status: CommandStatus::Done, detail: "done".into(), attachment: None };
    check("command_result", result.clone());
    let attachment = Attachment { media_type: "image/jpeg".into(), data: vec![0xff, 0xd8, 0xff].into() };
    check("command_result_attachment", CommandResult { attachment: Some(attachment), ..result });
}

#[test]
fn enrollment_at_a_door() {
    let id = EnrollmentId(uuid(50));
    let angles = vec![Angle::Frontal, Angle::Left, Angle::Right];
    check("enroll_start", EnrollStart { id, not_after: UnixMillis(1_795_224_189_250), time_limit_s: 60, angles });
    check("enroll_cancel", EnrollCancel { id });
    let quality = visit(OutcomeKind::Unknown).quality;
    let progress = EnrollProgress {
        id,
        state: EnrollState::Running,
        wanted: Some(Angle::Left),
        taken: vec![Angle::Frontal],
        problem: Some("wrong-angle".into()),
        hint: "Turn your head slowly to your left.".into(),
        held: 0.5,
        quality: Some(quality),
    };
    check("enroll_progress", progress);
    let jpeg = vec![0xff, 0xd8, 0xff, 0xd9].into();
    let result = EnrollResult {
        id,
        state: EnrollState::Complete,
        detail: "three looks".into(),
        ended_at: UnixMillis(1_795_224_129_000),
        shots: vec![EnrollShot { angle: Angle::Frontal, quality, jpeg }],
        liveness: None,
    };
    check("enroll_result", result);
    check("enroll_ack", EnrollAck { id });
}

/// What a newer program may send: fields and kinds nobody here knows.
#[test]
fn unknown_fields_are_ignored_and_unknown_kinds_are_kept_as_other() {
    let json = serde_json::json!({
        "v": 1, "msg_id": uuid(1), "device": uuid(2), "session": 1, "seq": 1, "sent_at": 0, "colour": "green",
        "body": {"id": uuid(8), "status": "postponed", "detail": "", "until": 5},
    });
    let bytes = ostiary_common::codec::to_vec("test", 4096, &binary_ids(json)).unwrap();
    let decoded = Envelope::<CommandResult>::decode(&bytes).unwrap();
    assert_eq!(decoded.body.status, CommandStatus::Other);
}

/// CBOR carries ids as 16 bytes, JSON as text: turns one into the other.
fn binary_ids(value: serde_json::Value) -> serde_cbor::Value {
    match value {
        serde_json::Value::String(text) => match Uuid::try_parse(&text) {
            Ok(id) => serde_cbor::Value::Bytes(id.as_bytes().to_vec()),
            Err(_) => serde_cbor::Value::Text(text),
        },
        serde_json::Value::Number(n) => serde_cbor::Value::Integer(n.as_i64().unwrap().into()),
        serde_json::Value::Object(map) => {
            serde_cbor::Value::Map(map.into_iter().map(|(k, v)| (serde_cbor::Value::Text(k), binary_ids(v))).collect())
        }
        other => panic!("not needed here: {other}"),
    }
}
