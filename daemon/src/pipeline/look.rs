//! One frame after the other: find, track, look closely, embed, decide. Holds everything that is known of who
//! is in sight; runs on one thread and lends faces to helpers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostiary_common::ids::PersonId;
use ostiary_common::wire::{Latency, OutcomeKind};
use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::frame::{RgbImage, RgbView};

use super::closely::{self, Job, Seen};
use super::crop;
use super::decided::{Decided, elapsed_ms, report};
use super::threads::Looks;
use crate::domain::reentry::Reentry;
use crate::domain::track::{TrackId, TrackUpdate, Tracker};
use crate::domain::visit::{Verdict, Visit, VisitRules};
use crate::ports::{FaceFinder, Frame};
use crate::recorder::VisitSpan;
use crate::shared::{Gallery, Settings, Shared};

/// What is known of one track.
struct InSight {
    visit: Visit,
    first_frame: Instant,
    last_seen: Duration,
    best_crop: Option<RgbImage>,
    verdict: Option<Verdict>,
}

/// The present frame, for latencies.
#[derive(Clone, Copy)]
struct Moment {
    at: Duration,
    captured: Instant,
}

/// Follows who is in sight and decides each visit once.
pub struct Pipeline<F> {
    shared: Arc<Shared>,
    finders: Vec<F>,
    tracker: Tracker,
    in_sight: BTreeMap<TrackId, InSight>,
    reentry: Reentry,
    last: Option<Moment>,
    faces_in_frame: usize,
}

impl<F: FaceFinder> Pipeline<F> {
    /// A pipeline with one finder for each inference thread, at least one.
    pub fn new(shared: Arc<Shared>, finders: Vec<F>, max_gap: Duration, reentry: Duration) -> Self {
        assert!(!finders.is_empty(), "a pipeline has at least one finder");
        let (tracker, reentry) = (Tracker::new(max_gap), Reentry::new(reentry));
        Self { shared, finders, tracker, in_sight: BTreeMap::new(), reentry, last: None, faces_in_frame: 0 }
    }

    /// Looks at a frame; returns the visits decided by it.
    fn process_frame(&mut self, frame: &Frame) -> Vec<Decided> {
        let begun = Instant::now();
        let telemetry = &self.shared.telemetry;
        let unreadable = |error: &_| tracing::debug!(frame.seq = frame.seq, %error, "frame is not readable");
        let Ok(picture) = frame.picture.to_rgb().inspect_err(unreadable) else {
            telemetry.frames_bad.add_one();
            return Vec::new();
        };
        let settings = self.shared.settings.load_full();
        let moment = Moment { at: frame.at, captured: frame.captured };
        self.last = Some(moment);
        let faces = self.find(picture.view());
        self.faces_in_frame = faces.len();
        let update = self.tracker.update(frame.at, &faces.iter().map(|face| face.bbox).collect::<Vec<_>>());
        let mut decided = self.end(&update.ended, &settings);
        let wanted = self.note_seen(&update, &faces, moment, &settings.rules);
        let seen = self.look_closely(picture.view(), &wanted, &settings.rules);
        decided.extend(self.take_evidence(seen, &update, picture.view(), moment, &settings));
        let telemetry = &self.shared.telemetry;
        telemetry.frames_processed.add_one();
        telemetry.processing_ms.add(u64::from(elapsed_ms(begun)));
        decided
    }

    fn find(&mut self, view: RgbView<'_>) -> Vec<DetectedFace> {
        match self.finders[0].find(view) {
            Ok(faces) => {
                self.shared.telemetry.faces.add(faces.len() as u64);
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

    /// Notes every face; returns those worth a closer look.
    fn note_seen(
        &mut self,
        update: &TrackUpdate,
        faces: &[DetectedFace],
        moment: Moment,
        rules: &VisitRules,
    ) -> Vec<(TrackId, DetectedFace)> {
        let mut wanted = Vec::new();
        for (&track, face) in update.assigned.iter().zip(faces) {
            let known = self.in_sight.entry(track).or_insert_with(|| InSight {
                visit: Visit::new(moment.at),
                first_frame: moment.captured,
                last_seen: moment.at,
                best_crop: None,
                verdict: None,
            });
            known.last_seen = moment.at;
            if known.visit.seen(moment.at, face.bbox.width, rules) {
                wanted.push((track, *face));
            }
        }
        wanted
    }

    /// Looks at the faces, side by side as far as there are finders.
    fn look_closely(&mut self, view: RgbView<'_>, wanted: &[(TrackId, DetectedFace)], rules: &VisitRules) -> Vec<Seen> {
        if wanted.is_empty() {
            return Vec::new();
        }
        // Visits are asked and told by one helper each: a face has one track and a track one face in a frame.
        let mut visits: BTreeMap<TrackId, &mut Visit> =
            self.in_sight.iter_mut().map(|(id, known)| (*id, &mut known.visit)).collect();
        let mut jobs: Vec<Job<'_>> = wanted
            .iter()
            .filter_map(|(track, face)| visits.remove(track).map(|visit| (*track, *face, visit)))
            .collect();
        let results = closely::side_by_side(&mut self.finders, view, &mut jobs, rules);
        results.into_iter().filter_map(|seen| seen.inspect_err(|error| self.failed(error)).ok()).collect()
    }

    /// Hands embeddings to their visits, the surest first, so that of two who resemble one person the better
    /// one gets the name.
    fn take_evidence(
        &mut self,
        mut seen: Vec<Seen>,
        update: &TrackUpdate,
        view: RgbView<'_>,
        moment: Moment,
        settings: &Settings,
    ) -> Vec<Decided> {
        let gallery = self.shared.gallery.load_full();
        let mut decided = Vec::new();
        self.keep_crops(&seen, view, settings);
        seen.sort_by(|a, b| surest(b, &gallery).total_cmp(&surest(a, &gallery)));
        for Seen { track, look, embedding } in seen {
            let Some(embedding) = embedding else { continue };
            self.shared.telemetry.embeddings.add_one();
            let taken = self.persons_beside(track, &update.assigned);
            let Some(known) = self.in_sight.get_mut(&track) else { continue };
            let verdict = known.visit.embedded(moment.at, &look.quality, embedding, &*gallery, &taken, &settings.rules);
            decided.extend(verdict.and_then(|verdict| self.decide(track, verdict, &gallery, settings)));
        }
        decided
    }

    fn keep_crops(&mut self, seen: &[Seen], view: RgbView<'_>, settings: &Settings) {
        for Seen { track, look, .. } in seen.iter().filter(|_| settings.send_crops) {
            if let Some(known) = self.in_sight.get_mut(track).filter(|known| known.visit.is_best(&look.quality)) {
                known.best_crop = Some(crop::cut(&view, &look.face.bbox));
            }
        }
    }

    /// Persons who stand in this frame under another track; they cannot be this one.
    fn persons_beside(&self, track: TrackId, in_frame: &[TrackId]) -> BTreeSet<PersonId> {
        let others = in_frame.iter().filter(|other| **other != track).filter_map(|other| self.in_sight.get(other));
        others.filter_map(|known| Some(known.verdict.as_ref()?.matched?.person)).collect()
    }

    fn end(&mut self, ended: &[TrackId], settings: &Settings) -> Vec<Decided> {
        let gallery = self.shared.gallery.load_full();
        let mut decided = Vec::new();
        for track in ended {
            let nobody = BTreeSet::new();
            let Some(known) = self.in_sight.get_mut(track) else { continue };
            if let Some(verdict) = known.visit.ended(&*gallery, &nobody, &settings.rules) {
                decided.extend(self.decide(*track, verdict, &gallery, settings));
            }
            let Some(known) = self.in_sight.remove(track) else { continue };
            match known.verdict {
                Some(verdict) => self.reentry.left(verdict, known.last_seen),
                None => self.shared.telemetry.tracks_brief.add_one(),
            }
        }
        decided
    }

    /// Makes a verdict a report, unless it only repeats what was said a moment ago.
    fn decide(&mut self, track: TrackId, verdict: Verdict, gallery: &Gallery, settings: &Settings) -> Option<Decided> {
        let decided = Instant::now();
        let known = self.in_sight.get_mut(&track)?;
        known.verdict = Some(verdict.clone());
        if self.reentry.is_repeat(&verdict) {
            self.shared.telemetry.visits_resumed.add_one();
            return None;
        }
        let crop = known.best_crop.take().filter(|_| settings.send_crops).and_then(|picture| crop::jpeg(&picture));
        let latency = Latency {
            first_frame_to_decision_ms: elapsed_ms(known.first_frame),
            frame_to_decision_ms: self.last.map_or(0, |moment| elapsed_ms(moment.captured)),
            decision_to_durable_ms: 0,
        };
        self.count(verdict.outcome);
        let span = VisitSpan {
            began: verdict.began,
            decided: self.last.map_or(verdict.began, |moment| moment.at),
            frame_to_decision: self.last.map_or(Duration::ZERO, |moment| moment.captured.elapsed()),
            faces: self.faces_in_frame,
        };
        let report = report(&self.shared, verdict, gallery, latency, crop);
        Some(Decided { report, decided, span })
    }

    fn count(&self, outcome: OutcomeKind) {
        let telemetry = &self.shared.telemetry;
        match outcome {
            OutcomeKind::Match => telemetry.visits_match.add_one(),
            OutcomeKind::Unknown => telemetry.visits_unknown.add_one(),
            _ => telemetry.visits_unusable.add_one(),
        }
    }
}

impl<F: FaceFinder> Looks for Pipeline<F> {
    fn process(&mut self, frame: &Frame) -> Vec<Decided> {
        self.process_frame(frame)
    }

    fn end_all(&mut self) -> Vec<Decided> {
        let ended = self.tracker.end_all();
        let settings = self.shared.settings.load_full();
        self.end(&ended, &settings)
    }
}

fn surest(seen: &Seen, gallery: &Gallery) -> f32 {
    let nearest = |probe: &Embedding| gallery.index.best_persons(probe, 1).first().map(|found| found.similarity);
    seen.embedding.as_ref().and_then(nearest).unwrap_or(-1.0)
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
