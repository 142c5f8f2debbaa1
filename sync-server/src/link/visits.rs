//! Figures of visits as they are stored: how they ended, how live they looked, where the time went.

use std::time::Duration;

use ostiary_common::wire::VisitReport;

use crate::domain::event::{EventKind, Ingest, Ingested};
use crate::domain::publishing::{Budget, published};

/// Counts the visits of a batch that were not stored before.
pub(super) fn count(ingest: &Ingest, ingested: &Ingested) {
    for event in ingest.batch.events.iter().filter(|event| ingested.stored.contains(&event.id)) {
        let Some(visit) = &event.visit else { continue };
        let labels = [("outcome", EventKind::of(event).as_str()), ("liveness", liveness(visit))];
        metrics::counter!("ostiary_server_visits_total", &labels).increment(1);
        let published_at = published(&event.time, ingest.sent_at, ingest.received_at);
        times(visit, &Budget::of(visit, event.time.wall, published_at));
    }
}

/// `suspected`, `live`, or `unjudged`.
fn liveness(visit: &VisitReport) -> &'static str {
    match visit.liveness {
        Some(live) if live.score < live.threshold => "suspected",
        Some(_) => "live",
        None => "unjudged",
    }
}

fn times(visit: &VisitReport, budget: &Budget) {
    let milliseconds = |ms: u32| Duration::from_millis(ms.into());
    let latency = &visit.latency;
    metrics::histogram!("ostiary_visit_frame_to_decision_seconds").record(milliseconds(latency.frame_to_decision_ms));
    metrics::histogram!("ostiary_visit_first_frame_to_decision_seconds")
        .record(milliseconds(latency.first_frame_to_decision_ms));
    if let Some(waited_ms) = budget.decision_to_published_ms {
        let waited = Duration::from_millis(waited_ms);
        metrics::histogram!("ostiary_visit_decision_to_published_seconds").record(waited);
    }
    if budget.held_back {
        metrics::counter!("ostiary_visits_held_back_total").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::wire::{LivenessPolicy, LivenessReport};

    use super::super::batch::tests::event;
    use super::*;

    #[test]
    fn how_live_a_visit_looked() {
        let check = |score: Option<f32>, expected| {
            let report = |score| LivenessReport { score, threshold: 0.5, policy: LivenessPolicy::Report, cue: None };
            let visit = VisitReport { liveness: score.map(report), ..event(1).visit.unwrap() };
            assert_eq!(liveness(&visit), expected, "{score:?}");
        };
        check(None, "unjudged");
        check(Some(0.49), "suspected");
        check(Some(0.5), "live");
    }
}
