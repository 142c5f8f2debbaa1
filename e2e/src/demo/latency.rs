//! The table of latencies.

use super::print::{heading, row};
use super::visit::Visit;

/// What was measured while the story was told.
#[derive(Debug, Default)]
pub struct Latencies {
    /// Every visit.
    pub visits: Vec<Visit>,
    /// From sending the photo to the server's answer, in milliseconds.
    pub photo_to_template_ms: Option<f64>,
    /// From the server's answer until the device has said that it holds the person.
    pub template_to_device_ms: Option<f64>,
}

impl Latencies {
    /// Prints the table.
    pub fn print(&self) {
        heading(&format!("How long each step took (median of {} visits)", self.visits.len()));
        let visits = |figure: fn(&Visit) -> f64| median(self.visits.iter().map(figure).collect());
        for (what, figure) in [
            ("face first seen to decision", visits(|visit| visit.first_frame_to_decision_ms)),
            ("deciding frame to decision", visits(|visit| visit.frame_to_decision_ms)),
            ("decision to safe on the device's disk", visits(|visit| visit.decision_to_durable_ms)),
            ("decision to stored on the server and seen there", visits(|visit| visit.decision_to_seen_ms)),
            ("photo sent to template stored", self.photo_to_template_ms),
            ("template stored to live on the device", self.template_to_device_ms),
        ] {
            row(what, &milliseconds(figure));
        }
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn milliseconds(figure: Option<f64>) -> String {
    match figure {
        None => "-".to_owned(),
        Some(ms) if ms >= 10_000.0 => format!("{:.1} s", ms / 1000.0),
        Some(ms) => format!("{ms:.0} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_units() {
        for (figures, expected) in
            [(vec![], "-"), (vec![3.0], "3 ms"), (vec![9.0, 1.0, 5.0], "5 ms"), (vec![12_340.0], "12.3 s")]
        {
            assert_eq!(milliseconds(median(figures.clone())), expected, "{figures:?}");
        }
    }
}
