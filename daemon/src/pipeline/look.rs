//! One frame after the other: find, track, look closely, embed, decide. Holds everything that is known of who
//! is in sight; runs on one thread and lends faces to helpers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostiary_common::wire::{Latency, LivenessPolicy, OutcomeKind};
use ostiary_models::detect::DetectedFace;
use ostiary_models::frame::{RgbImage, RgbView};
use ostiary_models::shots::Shot;

use super::attention::{Attention, Company};
use super::crew::{Crew, Job, Seen};
use super::crop;
use super::decided::{Decided, elapsed_ms, report};
use super::guided::Guided;
use super::in_sight::{InSight, Known, Moment, Wanted};
use super::picture::Picture;
use super::rate::Rate;
use super::threads::Looks;
use crate::convert::ConvertError;
use crate::domain::reentry::{Reentry, is_same};
use crate::domain::rivals::{Claim, taken_by_others};
use crate::domain::track::{Appearance, Sighting, TrackId, TrackUpdate, Tracker};
use crate::domain::visit::{Search, Taken, Verdict, VisitRules, Wish};
use crate::ports::{FaceFinder, Frame};
use crate::recorder::VisitSpan;
use crate::shared::{Gallery, Settings, Shared};
use crate::telemetry::Stage;

/// How a pipeline is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// A face may be out of sight for this time and keeps its track.
    pub max_gap: Duration,
    /// The same face coming back within this time belongs to the visit before.
    pub reentry: Duration,
    /// Frames come in their own time, so that looking at fewer gives the board rest.
    pub is_live: bool,
}

/// Follows who is in sight and decides each visit once.
pub struct Pipeline<F> {
    pub(super) shared: Arc<Shared>,
    crew: Crew<F>,
    attention: Attention,
    rate: Rate,
    guided: Guided,
    tracker: Tracker,
    in_sight: InSight,
    reentry: Reentry,
    last: Option<Moment>,
}

impl<F: FaceFinder + 'static> Pipeline<F> {
    /// A pipeline with one finder for each inference thread: `own`, and `others` on threads of their own.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn new(shared: Arc<Shared>, own: F, others: Vec<F>, setup: Setup) -> std::io::Result<Self> {
        Ok(Self {
            crew: Crew::new(Arc::clone(&shared), own, others)?,
            attention: Attention::default(),
            rate: Rate::new(setup.is_live),
            guided: Guided::default(),
            tracker: Tracker::new(setup.max_gap),
            in_sight: InSight::default(),
            reentry: Reentry::new(setup.reentry),
            last: None,
            shared,
        })
    }

    fn look_at(&mut self, frame: &Frame) -> Vec<Decided> {
        let moment = Moment { at: frame.at, captured: frame.captured };
        let looked = self.look_through(frame, moment).inspect_err(|error| {
            tracing::debug!(frame.seq = frame.seq, %error, "frame is not readable");
            self.shared.telemetry.frames_bad.add_one();
        });
        looked.unwrap_or_default()
    }

    fn look_through(&mut self, frame: &Frame, moment: Moment) -> Result<Vec<Decided>, ConvertError> {
        let (shared, settings) = (Arc::clone(&self.shared), self.shared.settings.load_full());
        let stages = &shared.telemetry.stages;
        let mut picture = stages.time(Stage::Convert, || Picture::new(&frame.picture, self.crew.own()))?;
        self.last = Some(moment);
        let faces = self.find(&picture);
        self.attention.looked(!faces.is_empty());
        shared.telemetry.frames_processed.add_one();
        if faces.is_empty() {
            let update = stages.time(Stage::Track, || self.tracker.update(moment.at, &[]));
            return Ok(self.end(&update.ended, &settings));
        }
        let picture = stages.time(Stage::Convert, || picture.whole())?;
        let update = stages.time(Stage::Track, || self.follow(picture.view(), &faces, moment));
        let mut decided = self.end(&update.ended, &settings);
        let wanted = self.in_sight.note(&update, &faces, moment, &settings.rules);
        let seen = self.look_closely(&picture, wanted, &settings.rules);
        decided.extend(self.take_evidence(seen, &update, picture.view(), moment, &settings));
        Ok(decided)
    }

    fn find(&mut self, picture: &Picture<'_>) -> Vec<DetectedFace> {
        let shared = Arc::clone(&self.shared);
        match shared.telemetry.stages.time(Stage::Detect, || picture.find(self.crew.own())) {
            Ok(faces) => {
                shared.telemetry.faces.add(faces.len() as u64);
                faces
            }
            Err(error) => {
                self.failed(&error);
                Vec::new()
            }
        }
    }

    fn failed(&self, error: &crate::ports::FinderError) {
        self.shared.telemetry.inference_failures.add_one();
        tracing::debug!(%error, "inference failed: {error}");
    }

    fn follow(&mut self, view: RgbView<'_>, faces: &[DetectedFace], moment: Moment) -> TrackUpdate {
        let clear = self.crew.own().clear_score();
        let sighting = |face: &DetectedFace| Sighting {
            bbox: face.bbox,
            is_clear: face.score >= clear,
            appearance: Some(Appearance::of(&view, &face.bbox)),
        };
        self.tracker.update(moment.at, &faces.iter().map(sighting).collect::<Vec<_>>())
    }

    /// Looks at the faces, side by side as far as there are finders.
    fn look_closely(&mut self, picture: &Arc<RgbImage>, wanted: Vec<Wanted>, rules: &VisitRules) -> Vec<Seen> {
        let job = |wanted: Wanted| {
            let bar = self.in_sight.get(wanted.track).filter(|_| wanted.wish == Wish::Evidence);
            Job {
                track: wanted.track,
                face: wanted.face,
                frame: Arc::clone(picture),
                gate: rules.gate,
                bar: bar.map(|known| known.visit.bar()),
                wants_cues: wanted.wish == Wish::Evidence && rules.policy != LivenessPolicy::Off,
            }
        };
        let jobs = wanted.into_iter().map(job).collect();
        let results = self.crew.look(jobs);
        results.into_iter().filter_map(|seen| seen.inspect_err(|error| self.failed(error)).ok()).collect()
    }

    /// Hands looks and embeddings to their visits, then has every open visit of the frame judged, each person
    /// going to one of them at most.
    fn take_evidence(
        &mut self,
        seen: Vec<Seen>,
        update: &TrackUpdate,
        view: RgbView<'_>,
        moment: Moment,
        settings: &Settings,
    ) -> Vec<Decided> {
        let shared = Arc::clone(&self.shared);
        let gallery = shared.gallery.load_full();
        let mut decided = Vec::new();
        let mut is_new = false;
        for seen in seen {
            is_new = true;
            decided.extend(self.take(seen, view, moment, &gallery, settings));
        }
        if is_new {
            let in_frame: Vec<TrackId> = update.assigned.iter().flatten().copied().collect();
            let verdicts = shared
                .telemetry
                .stages
                .time(Stage::Decide, || self.judge(&in_frame, moment, &gallery, &settings.rules));
            let faces = in_frame.len();
            let report = |(track, verdict)| self.decide(track, verdict, faces, &gallery, settings);
            decided.extend(verdicts.into_iter().filter_map(report));
        }
        decided
    }

    /// Takes one look in. A face that turns out to be somebody else's ends the visit its track had.
    fn take(
        &mut self,
        seen: Seen,
        view: RgbView<'_>,
        moment: Moment,
        gallery: &Gallery,
        settings: &Settings,
    ) -> Option<Decided> {
        let Seen { track, look, embedding } = seen;
        let known = self.in_sight.get_mut(track)?;
        self.shared.board.sight.saw_face(look.quality.sharpness, self.shared.clock.elapsed());
        known.visit.looked(moment.at, &look.face, &look.quality, look.cues, &settings.rules);
        if settings.send_crops && known.verdict.is_none() && known.visit.is_best(&look.quality) {
            known.best_crop = Some(crop::cut(&view, &look.face.bbox));
        }
        let embedding = embedding?;
        self.shared.telemetry.embeddings.add_one();
        let nearest = self.shared.telemetry.stages.time(Stage::Decide, || gallery.nearest(&embedding, 2));
        let shot = Shot { at: moment.at, quality: look.quality, embedding: embedding.clone(), nearest };
        match known.visit.embedded(shot, &settings.rules) {
            Taken::Same => self.tracker.confirm(track),
            Taken::Strange => {}
            Taken::Another => {
                self.shared.telemetry.tracks_taken_over.add_one();
                let old = self.in_sight.taken_over(track, &embedding, moment, &settings.rules);
                return old.and_then(|old| self.finish(track, old, gallery, settings));
            }
        }
        None
    }

    fn judge(
        &mut self,
        in_frame: &[TrackId],
        moment: Moment,
        gallery: &Gallery,
        rules: &VisitRules,
    ) -> Vec<(TrackId, Verdict)> {
        let claims = self.in_sight.claims(in_frame, gallery);
        let taken = taken_by_others(&claims, rules.decision.threshold);
        let mut verdicts = Vec::new();
        for ((track, claim), taken) in in_frame.iter().zip(claims).zip(taken) {
            let (Claim::Open(nearest), Some(known)) = (claim, self.in_sight.get_mut(*track)) else { continue };
            verdicts.extend(known.visit.judge(moment.at, &nearest, &taken, rules).map(|verdict| (*track, verdict)));
        }
        verdicts
    }

    fn end(&mut self, ended: &[TrackId], settings: &Settings) -> Vec<Decided> {
        if ended.is_empty() {
            return Vec::new();
        }
        let gallery = self.shared.gallery.load_full();
        let finish = |track: &TrackId| {
            let known = self.in_sight.remove(*track)?;
            self.finish(*track, known, &gallery, settings)
        };
        ended.iter().filter_map(finish).collect()
    }

    /// The last word on a visit whose face is gone.
    fn finish(&mut self, track: TrackId, mut known: Known, gallery: &Gallery, settings: &Settings) -> Option<Decided> {
        let last = known.visit.ended(gallery, &BTreeSet::new(), &settings.rules);
        let decided = last.and_then(|verdict| self.say(track, &mut known, verdict, 0, gallery, settings));
        match known.verdict {
            Some(verdict) => self.reentry.left(verdict, known.last_seen, known.place),
            None => self.shared.telemetry.tracks_brief.add_one(),
        }
        decided
    }

    fn decide(
        &mut self,
        track: TrackId,
        verdict: Verdict,
        faces: usize,
        gallery: &Gallery,
        settings: &Settings,
    ) -> Option<Decided> {
        let mut known = self.in_sight.remove(track)?;
        let decided = self.say(track, &mut known, verdict, faces, gallery, settings);
        self.in_sight.put_back(track, known);
        decided
    }

    /// Makes a verdict a report, unless it only repeats what was said a moment ago. `faces` are those of the
    /// deciding frame; 0 if the visit was decided by its end.
    fn say(
        &mut self,
        track: TrackId,
        known: &mut Known,
        verdict: Verdict,
        faces: usize,
        gallery: &Gallery,
        settings: &Settings,
    ) -> Option<Decided> {
        let decided = Instant::now();
        // Judged at the last moment, whatever was true when the visit began.
        let may_match = self.shared.may_match();
        let verdict = if may_match { verdict } else { verdict.without_gallery() };
        known.verdict = Some(verdict.clone());
        let is_same_visit = known.before.as_ref().is_some_and(|before| is_same(before, &verdict));
        if is_same_visit || self.in_sight.is_repeat(&verdict) || self.reentry.is_repeat(&verdict, &known.place) {
            tracing::debug!(track = track.0, "a visit goes on");
            self.shared.telemetry.visits_resumed.add_one();
            return None;
        }
        let crop = known.best_crop.take().filter(|_| settings.send_crops).and_then(|picture| crop::jpeg(&picture));
        let waited = self.last.map_or(Duration::ZERO, |moment| moment.captured.elapsed());
        let latency = Latency {
            first_frame_to_decision_ms: elapsed_ms(known.first_frame),
            frame_to_decision_ms: u32::try_from(waited.as_millis()).unwrap_or(u32::MAX),
            decision_to_durable_ms: 0,
        };
        self.count(verdict.outcome);
        let span = VisitSpan {
            began: verdict.began,
            decided: self.last.map_or(verdict.began, |moment| moment.at),
            frame_to_decision: waited,
            faces,
        };
        Some(Decided { report: report(&self.shared, verdict, gallery, latency, crop), decided, span })
    }

    fn count(&self, outcome: OutcomeKind) {
        let telemetry = &self.shared.telemetry;
        match outcome {
            OutcomeKind::Match => telemetry.visits_match.add_one(),
            OutcomeKind::Unknown => telemetry.visits_unknown.add_one(),
            OutcomeKind::SpoofSuspected => telemetry.visits_spoof.add_one(),
            OutcomeKind::Unusable | OutcomeKind::Other => telemetry.visits_unusable.add_one(),
        }
    }

    fn company(&self, at: Duration) -> Company {
        if self.tracker.is_empty() {
            return Company::Nobody;
        }
        let settings = self.shared.settings.load();
        if self.in_sight.wants_look(at, &settings.rules) { Company::Open } else { Company::AtRest }
    }
}

impl<F: FaceFinder + 'static> Looks for Pipeline<F> {
    fn process(&mut self, frame: &Frame) -> Vec<Decided> {
        let begun = Instant::now();
        let shared = Arc::clone(&self.shared);
        if self.guided.is_on(frame.at, &shared) {
            // Who was in sight is decided as if the camera had gone.
            let decided = self.end_all();
            self.guided.look(frame, self.crew.own(), &shared);
            return decided;
        }
        if !self.rate.is_due(frame.at, &self.shared) {
            return Vec::new();
        }
        let company = self.company(frame.at);
        shared.porting.set_company(company != Company::Nobody);
        let decided = match self.attention.call(frame, company, &self.shared) {
            Some(_) => self.look_at(frame),
            None => Vec::new(),
        };
        self.rate.worked(frame.at, begun, &self.shared);
        decided
    }

    fn end_all(&mut self) -> Vec<Decided> {
        let ended = self.tracker.end_all();
        let settings = self.shared.settings.load_full();
        self.end(&ended, &settings)
    }
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
