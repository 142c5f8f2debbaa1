//! The pipeline that others run, as a measure for ours: every face of every frame is looked at closely and
//! embedded, and each frame decides for itself. No gate, no tracks, no fusion.

use std::sync::Arc;
use std::time::Instant;

use ostiary_common::wire::{Latency, OutcomeKind};
use ostiary_models::decide::{Decision, decide};
use ostiary_models::detect::DetectedFace;
use ostiary_models::frame::RgbView;

use super::decided::{Decided, elapsed_ms, report};
use super::threads::Looks;
use crate::domain::visit::{Search, Verdict};
use crate::ports::{FaceFinder, FinderError, Frame};
use crate::recorder::VisitSpan;
use crate::shared::{Gallery, Settings, Shared};
use crate::telemetry::Stage;

/// Decides frame by frame.
pub struct EveryFrame<F> {
    shared: Arc<Shared>,
    finder: F,
}

impl<F: FaceFinder> EveryFrame<F> {
    /// With one finder, on one thread.
    pub const fn new(shared: Arc<Shared>, finder: F) -> Self {
        Self { shared, finder }
    }

    fn verdicts(
        &mut self,
        view: RgbView<'_>,
        frame: &Frame,
        gallery: &Gallery,
        settings: &Settings,
    ) -> Result<Vec<Verdict>, FinderError> {
        let shared = Arc::clone(&self.shared);
        let faces = shared.telemetry.stages.time(Stage::Detect, || self.finder.find(view))?;
        shared.telemetry.faces.add(faces.len() as u64);
        let clear = self.finder.clear_score();
        faces
            .iter()
            .filter(|face| face.score >= clear)
            .map(|face| self.verdict(view, face, frame, gallery, settings))
            .collect()
    }

    fn verdict(
        &mut self,
        view: RgbView<'_>,
        face: &DetectedFace,
        frame: &Frame,
        gallery: &Gallery,
        settings: &Settings,
    ) -> Result<Verdict, FinderError> {
        let telemetry = &self.shared.telemetry;
        let look = telemetry.stages.time(Stage::Look, || self.finder.look(view, face, false))?;
        let embedding = telemetry.stages.time(Stage::Embed, || self.finder.embed(&look))?;
        telemetry.embeddings.add_one();
        let rule = settings.rules.decision;
        let decision = telemetry.stages.time(Stage::Decide, || decide(&gallery.nearest(&embedding, 2), rule));
        let (outcome, matched, nearest) = match decision {
            Decision::Match { best, second } => (OutcomeKind::Match, Some(best), second),
            Decision::Unknown { nearest } => (OutcomeKind::Unknown, None, nearest),
        };
        let best = look.quality;
        Ok(Verdict {
            outcome,
            matched,
            nearest,
            reason: None,
            rule,
            best,
            frames: 1,
            embeddings: 1,
            liveness: None,
            fused: Some(embedding),
            began: frame.at,
        })
    }
}

impl<F: FaceFinder> Looks for EveryFrame<F> {
    fn process(&mut self, frame: &Frame) -> Vec<Decided> {
        let shared = Arc::clone(&self.shared);
        let telemetry = &shared.telemetry;
        let Ok(picture) = telemetry.stages.time(Stage::Convert, || frame.picture.to_rgb()) else {
            telemetry.frames_bad.add_one();
            return Vec::new();
        };
        let (gallery, settings) = (shared.gallery.load(), shared.settings.load());
        let verdicts = self.verdicts(picture.view(), frame, &gallery, &settings).unwrap_or_else(|error| {
            telemetry.inference_failures.add_one();
            tracing::debug!(%error, "inference failed: {error}");
            Vec::new()
        });
        telemetry.frames_processed.add_one();
        let faces = verdicts.len();
        let make = |verdict| {
            let span =
                VisitSpan { began: frame.at, decided: frame.at, frame_to_decision: frame.captured.elapsed(), faces };
            let waited = elapsed_ms(frame.captured);
            let latency =
                Latency { first_frame_to_decision_ms: waited, frame_to_decision_ms: waited, ..Latency::default() };
            Decided { report: report(&shared, verdict, &gallery, latency, None), decided: Instant::now(), span }
        };
        verdicts.into_iter().map(make).collect()
    }

    /// Nobody is remembered.
    fn end_all(&mut self) -> Vec<Decided> {
        Vec::new()
    }
}
