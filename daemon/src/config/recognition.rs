//! `[recognition]`: when a face is a match, and when it is looked at at all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Problem, rule};
use crate::domain::trust::TrustRules;

/// `[recognition]`. What is not set comes from the model pack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecognitionSection {
    /// Least cosine similarity for a match; not set: the pack's.
    pub match_threshold: Option<f32>,
    /// Least distance to the second person; not set: the pack's.
    pub margin: Option<f32>,
    /// Share of strangers that may be taken for someone, above 0 and below 1: threshold and margin follow from it
    /// and from the number of persons held, unless they are set; not set: the pack's own.
    pub target_fpir: Option<f32>,
    /// Least width of a face, camera pixels; not set: the pack's.
    pub min_face_px: Option<f32>,
    /// Least overall quality of a face that is embedded, 0..1; not set: the pack's.
    pub min_quality: Option<f32>,
    /// Embeddings that must agree on the person; fewer do if they leave no doubt.
    pub min_agreeing: usize,
    /// Embeddings kept and fused per visit.
    pub max_embeddings: usize,
    /// Milliseconds a face may be out of sight within one visit.
    pub track_gap_ms: u64,
    /// Seconds within which the same face coming back belongs to the visit before; not set: 5 for a camera, 0 in
    /// replay.
    pub reentry_s: Option<f64>,
    /// Whether events carry a small picture of the face (at most 16 KiB).
    pub send_crops: bool,
    /// Days after which nobody is matched any more unless the server has confirmed the gallery: somebody may have been
    /// removed meanwhile.
    pub max_gallery_age_days: u32,
    /// Seconds after a start within which nobody is matched while the age of the gallery cannot be told, for want of
    /// a clock and of the server; after that matching goes on, and that is reported.
    pub unproven_grace_s: u64,
}

impl Default for RecognitionSection {
    fn default() -> Self {
        Self {
            match_threshold: None,
            margin: None,
            target_fpir: None,
            min_face_px: None,
            min_quality: None,
            min_agreeing: 3,
            max_embeddings: 5,
            track_gap_ms: 800,
            reentry_s: None,
            send_crops: true,
            max_gallery_age_days: 30,
            unproven_grace_s: 120,
        }
    }
}

impl RecognitionSection {
    /// How long the gallery may be matched against without news.
    #[must_use]
    pub fn trust_rules(&self) -> TrustRules {
        let max_age = Duration::from_secs(u64::from(self.max_gallery_age_days) * 24 * 3600);
        TrustRules { max_age, unproven_grace: Duration::from_secs(self.unproven_grace_s) }
    }

    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let share = |value: Option<f32>| value.is_none_or(|v| (0.0..=1.0).contains(&v));
        let text = |value: Option<f32>| value.map_or_else(String::new, |v| v.to_string());
        let threshold = self.match_threshold;
        rule(found, share(threshold), "recognition.match_threshold", text(threshold), "0 to 1");
        rule(found, share(self.margin), "recognition.margin", text(self.margin), "0 to 1");
        let target = self.target_fpir;
        let is_share = target.is_none_or(|v| v > 0.0 && v < 1.0);
        rule(found, is_share, "recognition.target_fpir", text(target), "above 0 and below 1");
        let face = self.min_face_px.is_none_or(|v| (16.0..=1000.0).contains(&v));
        rule(found, face, "recognition.min_face_px", text(self.min_face_px), "16 to 1000 pixels");
        let quality = self.min_quality;
        rule(found, share(quality), "recognition.min_quality", text(quality), "0 to 1");
        let agreeing = (1..=10).contains(&self.min_agreeing);
        rule(found, agreeing, "recognition.min_agreeing", self.min_agreeing, "1 to 10");
        let most = (self.min_agreeing..=20).contains(&self.max_embeddings);
        rule(found, most, "recognition.max_embeddings", self.max_embeddings, "recognition.min_agreeing to 20");
        let gap = (100..=10_000).contains(&self.track_gap_ms);
        rule(found, gap, "recognition.track_gap_ms", self.track_gap_ms, "100 to 10000 milliseconds");
        let reentry = self.reentry_s.unwrap_or(0.0);
        rule(found, (0.0..=300.0).contains(&reentry), "recognition.reentry_s", reentry, "0 to 300 seconds");
        let age = self.max_gallery_age_days;
        rule(found, (1..=3650).contains(&age), "recognition.max_gallery_age_days", age, "1 to 3650 days");
        let grace = self.unproven_grace_s;
        rule(found, grace <= 3600, "recognition.unproven_grace_s", grace, "0 to 3600 seconds");
    }
}
