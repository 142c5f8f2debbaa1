//! A decided visit as it is reported.

use std::time::Instant;

use ostiary_common::wire::{Latency, OutcomeKind, VisitReport};

use crate::domain::visit::Verdict;
use crate::recorder::VisitSpan;
use crate::shared::{Gallery, Shared};

/// A decided visit and when it was decided.
pub struct Decided {
    /// What is to be reported.
    pub report: VisitReport,
    /// When.
    pub decided: Instant,
    /// When on the source's own time line.
    pub span: VisitSpan,
}

/// Makes a verdict a report.
pub fn report(
    shared: &Shared,
    verdict: Verdict,
    gallery: &Gallery,
    latency: Latency,
    crop: Option<Vec<u8>>,
) -> VisitReport {
    // Of strangers, so that their visits can be grouped; of a match, so that a person who was mistaken for another once is
    // not twice. The server seals it with the key of the group or the person.
    let tells = matches!(verdict.outcome, OutcomeKind::Unknown | OutcomeKind::Match);
    let fused = verdict.fused.filter(|_| tells);
    VisitReport {
        outcome: verdict.outcome,
        matched: verdict.matched.map(Into::into),
        nearest: verdict.nearest.map(Into::into),
        reason: verdict.reason,
        liveness: verdict.liveness,
        threshold: verdict.rule.threshold,
        margin: verdict.rule.margin,
        quality: verdict.best.summary(),
        frames: verdict.frames,
        embeddings: verdict.embeddings,
        gallery_rev: gallery.rev,
        pack: shared.pack.clone(),
        latency,
        embedding: fused.map(|embedding| embedding.to_le_bytes().into()),
        crop_jpeg: crop.map(Into::into),
    }
}

/// Whole milliseconds since a moment.
pub fn elapsed_ms(since: Instant) -> u32 {
    u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX)
}
