//! Scores as CSV, out of and into `eval`: so that another program's scores are judged by the same arithmetic.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use ostiary_models::metrics::Probe;
use serde::Deserialize;

use super::pairs::Pairs;

/// Writes `a,b,same,score`.
pub fn write_pairs(path: &Path, pairs: &Pairs) -> anyhow::Result<()> {
    let writing = || format!("writing {}", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(writing)?;
    writer.write_record(["a", "b", "same", "score"]).with_context(writing)?;
    for pair in &pairs.pairs {
        let (a, b) = (pairs.photos[pair.a].as_str(), pairs.photos[pair.b].as_str());
        let score = pair.score.map(|score| score.to_string()).unwrap_or_default();
        writer.write_record([a, b, if pair.same { "1" } else { "0" }, &score]).with_context(writing)?;
    }
    writer.flush().with_context(writing)
}

/// One probe against one person of the gallery.
#[derive(Clone, Debug, Deserialize)]
struct Row {
    probe: String,
    subject: String,
    #[serde(default)]
    person: String,
    #[serde(default)]
    score: Option<f32>,
}

/// Searches made elsewhere.
pub struct Searches {
    /// The probes.
    pub probes: Vec<Probe>,
    /// How many people were searched.
    pub gallery: usize,
    /// Probes without a score: no face was found.
    pub not_detected: Vec<String>,
}

/// Reads `probe,subject,person,score`: a line for each probe and person of the gallery; a probe whose face was not
/// found has one line with `person` and `score` empty. A subject who is no person of the gallery is non-mated.
pub fn read_searches(path: &Path) -> anyhow::Result<Searches> {
    let reading = || format!("reading {}", path.display());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).with_context(reading)?;
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().with_context(reading)?;
    ensure!(!rows.is_empty(), "{} holds no search", path.display());
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for name in rows.iter().filter(|row| !row.person.is_empty()).map(|row| row.person.as_str()) {
        let next = numbers.len();
        numbers.entry(name).or_insert(next);
    }
    let gallery = numbers.len();
    let mut probes: BTreeMap<&str, (Probe, usize)> = BTreeMap::new();
    for row in &rows {
        let next = numbers.len();
        let subject = *numbers.entry(&row.subject).or_insert(next);
        let fresh = Probe { subject, mated: subject < gallery, similarities: None };
        let (probe, lines) = probes.entry(&row.probe).or_insert((fresh, 0));
        *lines += 1;
        ensure!(probe.subject == subject, "{}: probe {} has two subjects", path.display(), row.probe);
        if let (Some(person), Some(score)) = (numbers.get(row.person.as_str()), row.score) {
            probe.similarities.get_or_insert_default().push((*person, score));
        }
    }
    let missed = probes.iter().filter(|(_, (probe, _))| probe.similarities.is_none());
    let not_detected = missed.map(|(name, _)| (*name).to_owned()).collect();
    Ok(Searches { probes: probes.into_values().map(|(probe, _)| probe).collect(), gallery, not_detected })
}
