//! What the parts of the running daemon share: cache, clocks, settings in force, the gallery to search.

mod board;
mod glimpse;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ostiary_common::ids::{PackId, PersonId, TemplateId};
use ostiary_common::wire::{DeviceSettings, PersonChange, Revision, TemplateRow};
use ostiary_models::calibration::{Calibration, TargetFpir};
use ostiary_models::decide::Rule;
use ostiary_models::embed::Embedding;
use ostiary_models::liveness::LivenessRules;
use ostiary_models::quality::QualityGate;
use ostiary_models::search::{Candidate, GalleryIndex};
use tokio::sync::Notify;

use crate::cache::Cache;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::trust::{self, Proven, TrustRules};
use crate::domain::visit::{Search, VisitRules};
use crate::guiding::Guiding;
use crate::packs::porting::Porting;
use crate::telemetry::{Heartbeats, Telemetry};

pub use board::{Board, Vitals};

/// Shared by every part.
#[derive(Debug)]
pub struct Shared {
    /// Gallery, outbox and counters on disk.
    pub cache: Cache,
    /// The board's clocks.
    pub clock: SystemClock,
    /// Counters.
    pub telemetry: Telemetry,
    /// Signs of life.
    pub heartbeats: Heartbeats,
    /// The settings in force; replaced as a whole, readers never wait.
    pub settings: ArcSwap<Settings>,
    /// The gallery searched; replaced as a whole, readers never wait.
    pub gallery: ArcSwap<Gallery>,
    /// The model pack in use.
    pub pack: PackId,
    /// What it asks for.
    pub pack_defaults: PackDefaults,
    /// When the gallery was last proven equal to the server's.
    pub proven: ArcSwap<Proven>,
    /// How long that lasts.
    pub trust_rules: TrustRules,
    /// What is said about model packs.
    pub porting: Porting,
    /// Whom to guide before the camera, and how that goes.
    pub guiding: Guiding,
    /// Something was appended to the outbox, or said of whom is guided.
    pub outbox_changed: Notify,
    /// What is known of the board itself.
    pub board: Board,
    /// Holds back reports about the outbox being full.
    pub overflow_limiter: DefaultDirectRateLimiter,
}

impl Shared {
    /// Whether somebody may be told from others by the gallery at this moment. One that holds nobody cannot name
    /// anybody who was removed.
    pub fn may_match(&self) -> bool {
        let trust = || trust::trust(**self.proven.load(), &self.clock.now(0, 0), &self.trust_rules);
        self.gallery.load().index.is_empty() || trust().may_match()
    }

    /// Puts settings in force: what the server wishes, the configuration, and what follows from the gallery held.
    /// Returns whether anything changed.
    pub fn enforce(&self, config: &Config, desired: &DeviceSettings) -> bool {
        let persons = self.gallery.load().index.persons();
        let settings = Settings::effective(config, &self.pack_defaults, desired, persons);
        let Rule { threshold, margin } = settings.rules.decision;
        if self.settings.load().rules.decision != settings.rules.decision {
            tracing::info!(
                threshold,
                margin,
                persons,
                "a match needs {threshold:.4}, {margin:.4} more than the second"
            );
        }
        let settings = Arc::new(settings);
        self.settings.swap(Arc::clone(&settings)) != settings
    }
}

/// One report about a full outbox each ten minutes says enough.
pub fn overflow_limiter() -> DefaultDirectRateLimiter {
    RateLimiter::direct(Quota::with_period(Duration::from_secs(600)).expect("the period is not zero"))
}

/// A gallery at a revision.
#[derive(Debug, Default)]
pub struct Gallery {
    /// The revision.
    pub rev: Revision,
    /// The templates.
    pub index: GalleryIndex,
}

impl Search for Gallery {
    fn nearest(&self, probe: &Embedding, k: usize) -> Vec<Candidate> {
        self.index.best_persons(probe, k)
    }
}

impl Gallery {
    /// Builds the index of what the cache holds. Templates that are not unit vectors of `dimension` are left
    /// out and logged: they can match nobody. Takes the rows, so that they go as the index comes.
    #[must_use]
    pub fn build(rev: Revision, dimension: usize, persons: Vec<(PersonId, Vec<TemplateRow>)>) -> Self {
        let mut vectors = Vectors::new(dimension);
        for (person, rows) in persons {
            rows.iter().for_each(|row| vectors.take(person, row));
        }
        vectors.report_refused();
        let index = GalleryIndex::build(dimension, vectors.rows()).expect("every row was read with this dimension");
        Self { rev, index }
    }

    /// The gallery after some persons changed, each with all templates there are now. Shares memory with this one,
    /// which searches go on in until the new one is in its place.
    #[must_use]
    pub fn with_changes(&self, rev: Revision, dimension: usize, changes: &[PersonChange]) -> Self {
        let mut vectors = Vectors::new(dimension);
        // Of a person named twice, the later word holds, as in what is held on disk.
        let latest: BTreeMap<PersonId, &[TemplateRow]> =
            changes.iter().map(|change| (change.person, &*change.templates)).collect();
        for (person, rows) in &latest {
            rows.iter().for_each(|row| vectors.take(*person, row));
        }
        vectors.report_refused();
        let index = match self.index.is_empty() {
            true => GalleryIndex::build(dimension, vectors.rows()),
            false => self.index.with_changes(vectors.rows(), latest.into_keys()),
        };
        Self { rev, index: index.expect("every row was read with this dimension") }
    }
}

/// Templates read from their bytes, in one piece of memory.
struct Vectors {
    dimension: usize,
    names: Vec<(PersonId, TemplateId)>,
    values: Vec<f32>,
    refused: u64,
}

impl Vectors {
    const fn new(dimension: usize) -> Self {
        Self { dimension, names: Vec::new(), values: Vec::new(), refused: 0 }
    }

    fn take(&mut self, person: PersonId, row: &TemplateRow) {
        match Embedding::from_le_bytes(&row.embedding, self.dimension) {
            Ok(embedding) => {
                self.names.push((person, row.id));
                self.values.extend_from_slice(embedding.as_slice());
            }
            Err(_) => self.refused += 1,
        }
    }

    fn rows(&self) -> impl Iterator<Item = (PersonId, TemplateId, &[f32])> {
        let vectors = self.values.chunks_exact(self.dimension.max(1));
        self.names.iter().zip(vectors).map(|((person, template), vector)| (*person, *template, vector))
    }

    fn report_refused(&self) {
        let (refused, dimension) = (self.refused, self.dimension);
        if refused > 0 {
            tracing::warn!(refused, dimension, "{refused} templates are not of this model pack and cannot match");
        }
    }
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What a visit must show.
    pub rules: VisitRules,
    /// The share of strangers that may match, if threshold or margin follow from it.
    pub target_fpir: Option<f32>,
    /// Whether events carry a picture.
    pub send_crops: bool,
    /// Between health reports.
    pub health_interval: Duration,
}

/// What the model pack asks for where nothing else is said.
#[derive(Clone, Debug)]
pub struct PackDefaults {
    /// Threshold and margin.
    pub decision: Rule,
    /// What a face must reach to be embedded.
    pub gate: QualityGate,
    /// What a face must reach to become a template.
    pub enroll_gate: QualityGate,
    /// When a visit does not look live.
    pub liveness: LivenessRules,
    /// How its similarities come out, if it was measured: what threshold and margin follow from a target.
    pub calibration: Option<Calibration>,
}

impl PackDefaults {
    /// The rule that keeps to a target with so many persons; `None` without a calibration.
    fn rule_for(&self, target_fpir: f32, persons: usize) -> Option<Rule> {
        let target = TargetFpir::new(f64::from(target_fpir)).ok()?;
        Some(self.calibration.as_ref()?.operating_point(target, persons).rule)
    }
}

impl Settings {
    /// The server's wish over the device's configuration over what follows from the target and the `persons` held
    /// over the pack's defaults.
    #[must_use]
    pub fn effective(config: &Config, pack: &PackDefaults, desired: &DeviceSettings, persons: usize) -> Self {
        let own = &config.recognition;
        let target = desired.target_fpir.or(own.target_fpir);
        let by_target = target.and_then(|target| pack.rule_for(target, persons));
        let usual = by_target.unwrap_or(pack.decision);
        let threshold = desired.match_threshold.or(own.match_threshold).unwrap_or(usual.threshold);
        let margin = desired.match_margin.or(own.margin).unwrap_or(usual.margin);
        let wanted_px = desired.min_face_px.and_then(|px| u16::try_from(px).ok()).map(f32::from);
        let interval_s = desired.health_interval_s.unwrap_or(config.health.interval_s);
        Self {
            rules: VisitRules {
                decision: Rule { threshold, margin },
                gate: QualityGate {
                    min_face_px: wanted_px.or(own.min_face_px).unwrap_or(pack.gate.min_face_px),
                    min_overall: own.min_quality.unwrap_or(pack.gate.min_overall),
                    ..pack.gate
                },
                min_agreeing: own.min_agreeing,
                max_embeddings: own.max_embeddings,
                policy: desired.liveness.unwrap_or(config.liveness.policy),
                liveness: LivenessRules {
                    threshold: config.liveness.threshold.unwrap_or(pack.liveness.threshold),
                    ..pack.liveness
                },
            },
            target_fpir: target.filter(|_| by_target.is_some()),
            send_crops: desired.send_crops.unwrap_or(own.send_crops),
            health_interval: Duration::from_secs(u64::from(interval_s)),
        }
    }

    /// As reported to the server.
    #[must_use]
    pub fn report(&self) -> DeviceSettings {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 16 to 1000")]
        let min_face_px = self.rules.gate.min_face_px.round() as u32;
        DeviceSettings {
            match_threshold: Some(self.rules.decision.threshold),
            match_margin: Some(self.rules.decision.margin),
            target_fpir: self.target_fpir,
            liveness: Some(self.rules.policy),
            min_face_px: Some(min_face_px),
            send_crops: Some(self.send_crops),
            health_interval_s: u32::try_from(self.health_interval.as_secs()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIMENSION, template};

    fn named(gallery: &Gallery) -> Vec<PersonId> {
        let probe = Embedding::from_raw(vec![1.0; DIMENSION]).unwrap();
        let mut persons: Vec<_> = gallery.nearest(&probe, 99).iter().map(|found| found.person).collect();
        persons.sort();
        persons
    }

    #[test]
    fn changes_replace_add_and_remove_persons_and_the_later_word_holds() {
        let people: Vec<_> = (0..4).map(template).collect();
        let change = |n: usize, rows: usize| PersonChange {
            person: people[n].0,
            rev: Revision(1),
            templates: vec![people[n].1.clone(); rows],
        };
        let check = |before: &Gallery, changes: &[PersonChange], expected: &[usize]| {
            let after = before.with_changes(Revision(2), DIMENSION, changes);
            let mut wanted: Vec<_> = expected.iter().map(|n| people[*n].0).collect();
            wanted.sort();
            assert_eq!((named(&after), after.rev), (wanted, Revision(2)));
            after
        };
        let first = check(&Gallery::default(), &[change(0, 1), change(1, 1), change(2, 0)], &[0, 1]);
        let second = check(&first, &[change(1, 0), change(2, 1)], &[0, 2]);
        check(&second, &[], &[0, 2]);
        check(&second, &[change(3, 1), change(3, 0)], &[0, 2]);
        check(&second, &[change(0, 0), change(2, 0)], &[]);
        assert_eq!(named(&first).len(), 2, "the gallery before is as it was");
    }
}
