//! The figures as JSON for programs and as a table for people.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::measure::{Outcome, Visited};

/// Prints one JSON object.
pub fn print_json(outcome: &Outcome) {
    let minutes = minutes(outcome);
    let stages: Map<String, Value> = outcome
        .stages
        .iter()
        .map(|(stage, spent)| {
            let total = spent.total.as_secs_f64() * 1e3;
            let mean = if spent.count == 0 { 0.0 } else { total / spent.count as f64 };
            (stage.name().to_owned(), json!({ "mean": rounded(mean), "total": rounded(total), "count": spent.count }))
        })
        .collect();
    let visits: Vec<Value> = outcome.visits.iter().map(|visit| visit_json(outcome, visit)).collect();
    println!(
        "{}",
        json!({
            "frames": outcome.frames,
            "frames_dropped": outcome.dropped,
            "frames_looked_at": outcome.looked_at,
            "embeddings": outcome.embeddings,
            "video_s": rounded(outcome.video.as_secs_f64()),
            "wall_s": rounded(outcome.wall.as_secs_f64()),
            "cpu_s": rounded(outcome.cpu.as_secs_f64()),
            "cpu_s_per_minute": rounded(outcome.cpu.as_secs_f64() / minutes),
            "cpu_percent": rounded(100.0 * outcome.cpu.as_secs_f64() / outcome.video.as_secs_f64().max(1e-3)),
            "frames_per_s": rounded(rate(outcome.frames as f64, outcome.wall)),
            "visits_per_s": rounded(rate(outcome.visits.len() as f64, outcome.wall)),
            "rss_mb": rounded(outcome.peak_bytes as f64 / 1e6),
            "threads": outcome.threads,
            "persons": outcome.people.names.len(),
            "photos_refused": outcome.people.refused.len(),
            "stages_ms": stages,
            "decision_ms": decision_json(&waits(outcome, |_| true)),
            "decision_ms_by_faces": by_faces(outcome),
            "visits": visits,
        })
    );
}

/// Prints a table.
pub fn print_table(outcome: &Outcome) {
    let video = outcome.video.as_secs_f64();
    println!(
        "{} frames ({video:.1} s of video) in {:.1} s: {:.1} frames/s, {} looked at, {} dropped",
        outcome.frames,
        outcome.wall.as_secs_f64(),
        rate(outcome.frames as f64, outcome.wall),
        outcome.looked_at,
        outcome.dropped
    );
    println!(
        "{:.2} s of CPU, {:.2} s for each minute of video ({:.1} % of one core at true speed)",
        outcome.cpu.as_secs_f64(),
        outcome.cpu.as_secs_f64() / minutes(outcome),
        100.0 * outcome.cpu.as_secs_f64() / video.max(1e-3)
    );
    println!("{:.0} MB resident at most; {} inference threads", outcome.peak_bytes as f64 / 1e6, outcome.threads);
    println!("\n{:10} {:>8} {:>10} {:>10}", "stage", "times", "mean ms", "total ms");
    for (stage, spent) in outcome.stages.iter().filter(|(_, spent)| spent.count > 0) {
        let total = spent.total.as_secs_f64() * 1e3;
        println!("{:10} {:>8} {:>10.3} {:>10.1}", stage.name(), spent.count, total / spent.count as f64, total);
    }
    let waits = waits(outcome, |_| true);
    println!(
        "\n{} visits, {:.2} a second; {} faces embedded",
        outcome.visits.len(),
        rate(outcome.visits.len() as f64, outcome.wall),
        outcome.embeddings
    );
    if let (Some(p50), Some(p95)) = (percentile(&waits, 0.5), percentile(&waits, 0.95)) {
        println!("frame to decision: p50 {p50:.1} ms, p95 {p95:.1} ms");
    }
    for visit in &outcome.visits {
        let report = &visit.report;
        let who = person(outcome, visit).unwrap_or("-");
        println!(
            "  {:7.2} s  {:?} {who}, decided at {:.2} s after {} frames, {} embedded",
            visit.span.began.as_secs_f64(),
            report.outcome,
            visit.span.decided.as_secs_f64(),
            report.frames,
            report.embeddings
        );
    }
}

fn visit_json(outcome: &Outcome, visit: &Visited) -> Value {
    let report = &visit.report;
    let nearest = report.matched.or(report.nearest);
    json!({
        "outcome": report.outcome,
        "person": person(outcome, visit),
        "nearest": report.nearest.and_then(|found| outcome.people.names.get(&found.person)),
        "began_s": rounded(visit.span.began.as_secs_f64()),
        "decided_s": rounded(visit.span.decided.as_secs_f64()),
        "frames": report.frames,
        "embeddings": report.embeddings,
        "faces": visit.span.faces,
        "frame_to_decision_ms": rounded(visit.span.frame_to_decision.as_secs_f64() * 1e3),
        "similarity": nearest.map(|found| found.similarity),
        "reason": report.reason,
        "quality": report.quality,
        "liveness": report.liveness,
    })
}

fn person<'a>(outcome: &'a Outcome, visit: &Visited) -> Option<&'a str> {
    Some(outcome.people.names.get(&visit.report.matched?.person)?.as_str())
}

/// Frame to decision in milliseconds, ascending. A visit decided by its end waited for nobody to come, not for
/// the machine, and is left out: it has no deciding frame with its face in it.
fn waits(outcome: &Outcome, wanted: impl Fn(&Visited) -> bool) -> Vec<f64> {
    let of_frames = outcome.visits.iter().filter(|visit| visit.span.faces > 0 && wanted(visit));
    let mut waits: Vec<f64> = of_frames.map(|visit| visit.span.frame_to_decision.as_secs_f64() * 1e3).collect();
    waits.sort_by(f64::total_cmp);
    waits
}

fn by_faces(outcome: &Outcome) -> Map<String, Value> {
    let mut counts: Vec<usize> = outcome.visits.iter().map(|visit| visit.span.faces).filter(|n| *n > 0).collect();
    counts.sort_unstable();
    counts.dedup();
    counts.iter().map(|n| (n.to_string(), decision_json(&waits(outcome, |visit| visit.span.faces == *n)))).collect()
}

fn decision_json(waits: &[f64]) -> Value {
    let at = |share| percentile(waits, share).map(rounded);
    json!({ "p50": at(0.5), "p95": at(0.95), "count": waits.len() })
}

/// The value at a share (0 to 1) of ascending values: the nearest rank.
fn percentile(values: &[f64], share: f64) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is an index")]
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

fn minutes(outcome: &Outcome) -> f64 {
    (outcome.video.as_secs_f64() / 60.0).max(1e-6)
}

fn rate(count: f64, time: Duration) -> f64 {
    count / time.as_secs_f64().max(1e-6)
}

/// Three decimals are more than the clock is good for.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let check =
            |values: &[f64], share, expected| assert_eq!(percentile(values, share), expected, "{values:?} {share}");
        check(&[], 0.5, None);
        check(&[7.0], 0.95, Some(7.0));
        check(&[1.0, 2.0, 3.0, 4.0], 0.5, Some(2.0));
        check(&[1.0, 2.0, 3.0, 4.0], 0.95, Some(4.0));
        check(&[1.0, 2.0, 3.0, 4.0], 0.0, Some(1.0));
    }
}
