//! What the parts of the running daemon share: cache, clocks, settings in force, the gallery to search.

use std::time::Duration;

use arc_swap::ArcSwap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ostiary_common::ids::{PackId, PersonId};
use ostiary_common::wire::{DeviceSettings, Revision, TemplateRow};
use ostiary_models::decide::Rule;
use ostiary_models::embed::Embedding;
use ostiary_models::quality::QualityGate;
use ostiary_models::search::{Candidate, GalleryIndex};
use tokio::sync::Notify;

use crate::cache::Cache;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::visit::{Search, VisitRules};
use crate::telemetry::{Heartbeats, Telemetry};

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
    /// Something was appended to the outbox.
    pub outbox_changed: Notify,
    /// Holds back reports about the outbox being full.
    pub overflow_limiter: DefaultDirectRateLimiter,
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
        let (mut names, mut values, mut refused) = (Vec::new(), Vec::new(), 0_u64);
        for (person, row) in
            persons.into_iter().flat_map(|(person, rows)| rows.into_iter().map(move |row| (person, row)))
        {
            match Embedding::from_le_bytes(&row.embedding, dimension) {
                Ok(embedding) => {
                    names.push((person, row.id));
                    values.extend_from_slice(embedding.as_slice());
                }
                Err(_) => refused += 1,
            }
        }
        if refused > 0 {
            tracing::warn!(refused, dimension, "{refused} templates are not of this model pack and cannot match");
        }
        let rows = names.iter().zip(values.chunks_exact(dimension.max(1)));
        let rows = rows.map(|((person, template), vector)| (*person, *template, vector));
        let index = GalleryIndex::build(dimension, rows).expect("every row was read with this dimension");
        Self { rev, index }
    }
}

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What a visit must show.
    pub rules: VisitRules,
    /// Whether events carry a picture.
    pub send_crops: bool,
    /// Between health reports.
    pub health_interval: Duration,
}

/// What the model pack asks for where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct PackDefaults {
    /// Threshold and margin.
    pub decision: Rule,
    /// What a face must reach to be embedded.
    pub gate: QualityGate,
}

impl Settings {
    /// The server's wish over the device's configuration over the pack's defaults.
    #[must_use]
    pub fn effective(config: &Config, pack: PackDefaults, desired: &DeviceSettings) -> Self {
        let own = &config.recognition;
        let threshold = desired.match_threshold.or(own.match_threshold).unwrap_or(pack.decision.threshold);
        let margin = desired.match_margin.or(own.margin).unwrap_or(pack.decision.margin);
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
            },
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
            min_face_px: Some(min_face_px),
            send_crops: Some(self.send_crops),
            health_interval_s: u32::try_from(self.health_interval.as_secs()).ok(),
            ..DeviceSettings::default()
        }
    }
}
