//! The table: a row for each condition and pipeline.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pipelines::Ran;
use crate::models::environment::Environment;
use crate::shell;

/// The conditions, in the table's order, and what they are called.
const CONDITIONS: [(&str, &str); 9] = [
    ("full", "full size"),
    ("width-80", "face 80 px"),
    ("width-60", "face 60 px"),
    ("width-50", "face 50 px"),
    ("width-40", "face 40 px"),
    ("roll-15", "roll 15°, 100 px"),
    ("roll-30", "roll 30°, 100 px"),
    ("dark", "dark, 100 px"),
    ("motion-blur", "motion blur, 100 px"),
];

/// A rate with its 95 % interval.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Rate {
    value: f64,
    low: f64,
    high: f64,
}

/// One condition of one pipeline, as `metrics.py` gives it.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Row {
    probes: usize,
    not_detected: usize,
    auc: Rate,
    eer: Rate,
    #[serde(rename = "fnmr@0.01")]
    fnmr_at_fmr_1: Rate,
    #[serde(rename = "fnmr@0.001")]
    fnmr_at_fmr_01: Rate,
    #[serde(rename = "fnir@0.01")]
    fnir_at_fpir_1: Rate,
}

/// What was found.
pub struct Report {
    ran: Vec<Ran>,
    rows: BTreeMap<String, BTreeMap<String, Row>>,
}

impl Report {
    /// Has the error rates of every pipeline computed, by the same program.
    pub fn of(environment: &Environment, ran: Vec<Ran>) -> Result<Self> {
        let mut script = environment.script("metrics.py");
        script.args(ran.iter().map(|ran| &ran.scores));
        let answer = shell::output(&mut script).context("computing the error rates")?;
        let rows = serde_json::from_str(&answer).context("reading the error rates")?;
        Ok(Self { ran, rows })
    }

    /// For people.
    pub fn print(&self) {
        println!("in %, with 95 % intervals; a face not found is an error\n");
        for (condition, title) in CONDITIONS {
            println!("{title}");
            for (ran, row) in self.of_condition(condition) {
                println!("  {:<32} {}", ran.title, cells(ran, row, condition).join("  "));
            }
        }
    }

    /// As `docs/accuracy.md` has it.
    pub fn print_markdown(&self) {
        println!(
            "| condition | pipeline | not found | AUC | EER | FNMR at FMR 1 % | at 0.1 % | FNIR at FPIR 1 % | ms |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        for (condition, title) in CONDITIONS {
            for (ran, row) in self.of_condition(condition) {
                println!("| {title} | {} | {} |", ran.title, cells(ran, row, condition).join(" | "));
            }
        }
    }

    /// For programs: rates by pipeline and condition.
    pub fn json(&self) -> Value {
        let pipeline = |ran: &Ran| json!({ "title": ran.title, "ms": ran.ms, "conditions": self.rows.get(&name(ran)) });
        self.ran.iter().map(|ran| (name(ran), pipeline(ran))).collect()
    }

    fn of_condition(&self, condition: &str) -> impl Iterator<Item = (&Ran, &Row)> {
        self.ran.iter().filter_map(move |ran| Some((ran, self.rows.get(&name(ran))?.get(condition)?)))
    }
}

fn name(ran: &Ran) -> String {
    ran.scores.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn cells(ran: &Ran, row: &Row, condition: &str) -> [String; 7] {
    let ms = ran.ms.get(condition).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0}"));
    let auc = format!("{:.4} ({:.4}–{:.4})", row.auc.value, row.auc.low, row.auc.high);
    let [eer, fmr_1, fmr_01, fpir] = [row.eer, row.fnmr_at_fmr_1, row.fnmr_at_fmr_01, row.fnir_at_fpir_1].map(percent);
    [format!("{} of {}", row.not_detected, row.probes), auc, eer, fmr_1, fmr_01, fpir, ms]
}

fn percent(rate: Rate) -> String {
    let [value, low, high] = [rate.value, rate.low, rate.high].map(|share| 100.0 * share);
    format!("{value:.2} ({low:.2}–{high:.2})")
}
