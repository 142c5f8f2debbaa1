//! What several tests need: a running state without a model pack, and galleries of made-up people.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::seal::SealKey;
use ostiary_common::wire::{Angle, LivenessPolicy, TemplateRow};
use ostiary_models::decide::Rule;
use ostiary_models::liveness::LivenessRules;
use ostiary_models::quality::QualityGate;

use crate::cache::{self, Budget};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::holdings::KeptGallery;
use crate::domain::trust::Proven;
use crate::domain::visit::VisitRules;
use crate::shared::{Gallery, PackDefaults, Settings, Shared, overflow_limiter};

/// Values in the embeddings of tests.
pub const DIMENSION: usize = 8;

/// Liveness as a made-up pack has it.
pub const LIVENESS: LivenessRules =
    LivenessRules { threshold: 0.5, min_looks: 4, min_span: Duration::from_millis(400) };

const DECISION: Rule = Rule { threshold: 0.9, margin: 0.02 };
const GATE: QualityGate = QualityGate {
    min_face_px: 40.0,
    min_sharpness: 0.1,
    min_exposure: 0.1,
    min_pose: 0.1,
    min_overall: 0.2,
    min_unoccluded: 0.1,
};

/// The rules of visits that follow from it.
pub const RULES: VisitRules = VisitRules {
    decision: DECISION,
    gate: GATE,
    min_agreeing: 2,
    max_embeddings: 5,
    policy: LivenessPolicy::Off,
    liveness: LIVENESS,
};

/// What a made-up pack asks for.
const DEFAULTS: PackDefaults =
    PackDefaults { decision: DECISION, gate: GATE, enroll_gate: GATE, liveness: LIVENESS, calibration: None };

pub fn pack() -> PackId {
    PackId::parse("test@1").unwrap()
}

/// Opens a state in `dir`, as the daemon does at its start.
pub fn shared(dir: &Path, config: &Config) -> (Arc<Shared>, KeptGallery) {
    let key = SealKey::from_bytes([9; 32]);
    let budget = Budget { total_bytes: config.outbox.max_bytes, media_bytes: config.outbox.max_media_bytes };
    let opened = cache::open(&dir.join("cache"), &key, &pack(), budget, "test").unwrap();
    assert!(opened.quarantine.is_none(), "{:?}", opened.quarantine);
    let desired = opened.cache.meta.desired().unwrap().map(|desired| desired.settings).unwrap_or_default();
    let contents = opened.gallery;
    let shared = Shared {
        cache: opened.cache,
        clock: SystemClock::new(),
        telemetry: Default::default(),
        heartbeats: Default::default(),
        settings: ArcSwap::from_pointee(Settings::effective(config, &DEFAULTS, &desired, 0)),
        gallery: ArcSwap::from_pointee(Gallery::build(contents.head.rev, DIMENSION, contents.persons)),
        pack: pack(),
        pack_defaults: DEFAULTS,
        // As a device that was never away.
        proven: ArcSwap::from_pointee(Proven { at: contents.head.proven_at, in_this_run: Some(Duration::ZERO) }),
        trust_rules: config.recognition.trust_rules(),
        porting: Default::default(),
        guiding: Default::default(),
        outbox_changed: Default::default(),
        board: Default::default(),
        overflow_limiter: overflow_limiter(),
    };
    (Arc::new(shared), KeptGallery { head: contents.head, holdings: contents.holdings })
}

/// A template of a made-up person: the unit vector along `axis`.
pub fn template(axis: usize) -> (PersonId, TemplateRow) {
    let mut values = [0.0_f32; DIMENSION];
    values[axis] = 1.0;
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let id = TemplateId(uuid::Uuid::from_u128(1000 + axis as u128));
    let row = TemplateRow { id, version: 1, angle: Angle::Frontal, embedding: bytes.into() };
    (PersonId(uuid::Uuid::from_u128(axis as u128)), row)
}

/// Nobody attends to commands.
pub struct Nobody;

impl crate::ports::Attendant for Nobody {
    fn begin(&mut self, kind: ostiary_common::topics::CommandKind, _: ostiary_common::wire::Command) {
        panic!("{kind:?} was not asked for");
    }

    fn finished(&mut self) -> Option<crate::ports::Attended> {
        None
    }
}
