//! What was found, for people and for programs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::judge::{Counts, Decision, Verdict};

/// The sums over all scenes.
#[derive(Default)]
pub struct Report {
    pub counts: Counts,
    pub video_s: f64,
    pub cpu_s: f64,
    /// The same nets on onnxruntime, every face of every frame.
    pub peer_cpu_s: f64,
    /// The daemon's own nets, every face of every frame.
    pub every_frame_cpu_s: f64,
    pub peer_mated_matched: usize,
    pub peer_non_mated_matched: usize,
    /// Frames from the first usable face to the right match, one value a visit.
    pub decision_frames: Vec<f64>,
    pub still_cpu_percent: Option<f64>,
    /// By faces at once.
    pub decision_ms_p95: BTreeMap<usize, Option<f64>>,
    /// What went wrong, a line each.
    pub troubles: Vec<String>,
}

/// A visit that was not decided as it should be.
pub fn trouble(seed: u64, verdict: &Verdict) -> Option<String> {
    let (truth, trouble) = (verdict.truth, verdict.trouble()?);
    let known = if truth.mated { "known" } else { "stranger" };
    let span = format!("{:.1}-{:.1} s", truth.begins_s, truth.ends_s);
    let who = format!("{} ({known}, {}, {}, up to {:.0} px)", truth.person, truth.photo, truth.kind, truth.widest_px);
    Some(format!("scene {seed}, {span}, {who}: {trouble}"))
}

/// A decision while nobody was there.
pub fn of_nobody(seed: u64, decision: &Decision) -> String {
    format!("scene {seed}, {:.1}-{:.1} s, nobody there: {}", decision.began_s, decision.decided_s, decision.outcome)
}

impl Report {
    /// As a table, and a line for each visit that went wrong.
    pub fn print(&self) {
        let counts = &self.counts;
        println!("{:.1} minutes of video at a door", self.video_s / 60.0);
        println!(
            "known people    {:>4} visits, {} decided rightly and once",
            counts.mated_visits, counts.mated_correct_once
        );
        println!("strangers       {:>4} visits, {} matched", counts.non_mated_visits, counts.non_mated_matched);
        println!(
            "                {} matched as another, {} missed, {} decided twice, {} unusable, {} suspected, {} of nobody",
            counts.mated_matched_wrongly,
            counts.missed,
            counts.decided_twice,
            counts.unusable,
            counts.spoof,
            counts.decisions_of_nobody
        );
        println!("CPU             {:>8.2} s, {:.2} % of a core", self.cpu_s, 100.0 * self.cpu_s / self.video_s);
        for (name, peer) in [("onnxruntime", self.peer_cpu_s), ("our own nets", self.every_frame_cpu_s)] {
            if peer > 0.0 {
                println!("every frame     {peer:>8.2} s with {name}: {:.1} times ours", peer / self.cpu_s);
            }
        }
        if self.peer_cpu_s > 0.0 {
            let (mated, strangers) = (self.peer_mated_matched, self.peer_non_mated_matched);
            println!(
                "                frame by frame {mated} known people were matched at least once, {strangers} strangers"
            );
        }
        if let Some(percent) = self.still_cpu_percent {
            println!("still scene     {percent:>8.2} % of a core at true speed");
        }
        for (faces, p95) in &self.decision_ms_p95 {
            println!("frame to decision, p95, {faces} face(s) at once: {:.1} ms", p95.unwrap_or(f64::NAN));
        }
        println!("frames from the first usable face to the match: {}", json!(self.frames()));
        for trouble in &self.troubles {
            println!("! {trouble}");
        }
    }

    /// As one object; what was not measured is null.
    pub fn json(&self) -> Value {
        let ratio = |peer: f64| (peer > 0.0).then(|| round(peer / self.cpu_s));
        let by_faces: Map<String, Value> =
            self.decision_ms_p95.iter().map(|(faces, p95)| (faces.to_string(), json!(p95))).collect();
        let mut all = json!({
            "cpu_ratio": ratio(self.peer_cpu_s),
            "cpu_ratio_every_frame": ratio(self.every_frame_cpu_s),
            "cpu_s": round(self.cpu_s),
            "video_s": round(self.video_s),
            "still_cpu_percent": self.still_cpu_percent,
            "decision_ms_p95": by_faces,
            "decision_frames": self.frames(),
            "peer_mated_matched": self.peer_mated_matched,
            "peer_non_mated_matched": self.peer_non_mated_matched,
            "troubles": self.troubles,
        });
        let counts = serde_json::to_value(self.counts).expect("numbers become JSON");
        if let (Value::Object(all), Value::Object(counts)) = (&mut all, counts) {
            all.extend(counts);
        }
        all
    }

    fn frames(&self) -> Value {
        let mut frames = self.decision_frames.clone();
        frames.sort_by(f64::total_cmp);
        let at = |share: f64| frames.get(((frames.len() as f64 * share) as usize).min(frames.len().saturating_sub(1)));
        json!({ "p50": at(0.5), "p95": at(0.95), "most": frames.last() })
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
