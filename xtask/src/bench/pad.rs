//! `cargo xtask bench pad`: how often attacks pass the liveness room (APCER, by kind) and how often the living
//! are taken for one (BPCER), on clips made of labelled photos. What that does not prove is said in
//! `docs/liveness.md`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{Profile, faces};
use crate::models;

/// Kinds of samples of living people: clips, and photos taken as visits of one look.
const LIVING: [&str; 2] = ["bona_fide", "photo"];

/// How to measure and report.
#[derive(Args)]
pub struct PadArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Photos of each person that clips of every kind are made of.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    photos: u32,
    /// Whose clips: thresholds are drawn on one half of the people, and reported for the other.
    #[arg(long, value_enum, default_value_t)]
    people: Half,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Half of the people.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Half {
    /// Those thresholds were drawn on.
    Develop,
    /// The others.
    #[default]
    Report,
}

/// What the worker says of one sample.
#[derive(Deserialize)]
struct Sample {
    kind: String,
    cue: Option<String>,
    enough: bool,
    suspected: bool,
    cues_ms: Option<f64>,
}

/// Counts of one kind.
#[derive(Default)]
struct Tally {
    samples: u32,
    suspected: u32,
    undecided: u32,
    cues: BTreeMap<String, u32>,
}

/// What `--json` prints; rates are 0..1.
#[derive(Serialize)]
struct Report {
    bpcer: f64,
    apcer: BTreeMap<String, f64>,
    /// Share of clips, of attacks and living, that were too short or too small to say anything.
    undecided: f64,
    /// Share of single photos taken for attacks.
    bpcer_photos: f64,
    /// 95 % intervals (Wilson) by kind, of the rate that kind has above.
    intervals: BTreeMap<String, [f64; 2]>,
    samples: BTreeMap<String, u32>,
    /// Median time for the cues of one look.
    cues_ms: f64,
}

/// Measures.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: PadArgs) -> Result<()> {
    let Some(faces) = faces::labelled() else { return Ok(()) };
    let worker = args.profile.worker()?;
    let samples = judged(&worker, &faces, &args)?;
    let mut times: Vec<f64> = samples.iter().filter_map(|sample| sample.cues_ms).collect();
    times.sort_by(f64::total_cmp);
    let tallies = tallies(samples);
    ensure!(tallies.contains_key("bona_fide"), "no clip was made: are there people in {}?", faces.display());
    let report = report(&tallies, times.get(times.len() / 2).copied().unwrap_or(0.0));
    print_table(&tallies, &report);
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

fn judged(worker: &Path, faces: &Path, args: &PadArgs) -> Result<Vec<Sample>> {
    let half = match args.people {
        Half::Develop => "develop",
        Half::Report => "report",
    };
    let mut command = Command::new(worker);
    command.arg("pad").arg(models::pack_dir()).arg(faces).args([half, &args.photos.to_string()]);
    let mut child = command.stdout(Stdio::piped()).spawn().context("starting the worker")?;
    let output = BufReader::new(child.stdout.take().context("the worker's output is a pipe")?);
    let mut samples = Vec::new();
    for line in output.lines() {
        samples.push(serde_json::from_str(&line?).context("a line of the worker")?);
        if samples.len() % 25 == 0 {
            eprintln!("{} samples", samples.len());
        }
    }
    ensure!(child.wait()?.success(), "the worker failed");
    Ok(samples)
}

fn tallies(samples: Vec<Sample>) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for sample in samples {
        let tally = tallies.entry(sample.kind).or_default();
        tally.samples += 1;
        tally.undecided += u32::from(!sample.enough);
        if sample.suspected {
            tally.suspected += 1;
            *tally.cues.entry(sample.cue.unwrap_or_default()).or_default() += 1;
        }
    }
    tallies
}

impl Tally {
    /// Wrong answers: the living suspected, or attacks not suspected; an attack too short to say anything about
    /// has passed.
    const fn wrong(&self, living: bool) -> u32 {
        if living { self.suspected } else { self.samples - self.suspected }
    }
}

fn is_living(kind: &str) -> bool {
    LIVING.contains(&kind)
}

fn report(tallies: &BTreeMap<String, Tally>, cues_ms: f64) -> Report {
    let rate = |kind: &str| tallies.get(kind).map_or(0.0, |tally| share(tally.wrong(is_living(kind)), tally.samples));
    let clips = || tallies.iter().filter(|(kind, _)| *kind != "photo").map(|(_, tally)| tally);
    let attacks = tallies.keys().filter(|kind| !is_living(kind));
    let interval =
        |(kind, tally): (&String, &Tally)| (kind.clone(), wilson(tally.wrong(is_living(kind)), tally.samples));
    Report {
        bpcer: rate("bona_fide"),
        apcer: attacks.map(|kind| (kind.clone(), rate(kind))).collect(),
        undecided: share(clips().map(|tally| tally.undecided).sum(), clips().map(|tally| tally.samples).sum()),
        bpcer_photos: rate("photo"),
        intervals: tallies.iter().map(interval).collect(),
        samples: tallies.iter().map(|(kind, tally)| (kind.clone(), tally.samples)).collect(),
        cues_ms: round(cues_ms),
    }
}

fn share(part: u32, of: u32) -> f64 {
    round(f64::from(part) / f64::from(of.max(1)))
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// The 95 % interval of a share (Wilson's score).
fn wilson(part: u32, of: u32) -> [f64; 2] {
    if of == 0 {
        return [0.0, 1.0];
    }
    const Z: f64 = 1.959_964;
    let (n, p) = (f64::from(of), f64::from(part) / f64::from(of));
    let centre = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [round(((centre - reach) / scale).max(0.0)), round(((centre + reach) / scale).min(1.0))]
}

fn print_table(tallies: &BTreeMap<String, Tally>, report: &Report) {
    println!(
        "{:<14} {:>7} {:>9} {:>9}  {:<6} {:>16}  named cues",
        "kind", "samples", "suspected", "undecided", "", "95 %"
    );
    for (kind, tally) in tallies {
        let name = if is_living(kind) { "BPCER" } else { "APCER" };
        let rate = share(tally.wrong(is_living(kind)), tally.samples);
        let [low, high] = report.intervals[kind];
        let cues: Vec<String> = tally.cues.iter().map(|(cue, count)| format!("{cue} {count}")).collect();
        println!(
            "{kind:<14} {:>7} {:>9} {:>9}  {name} {rate:>6.3} ({low:.3}-{high:.3})  {}",
            tally.samples,
            tally.suspected,
            tally.undecided,
            cues.join(", ")
        );
    }
    println!("cues of one look: {:.2} ms", report.cues_ms);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: &str, enough: bool, suspected: bool) -> Sample {
        Sample { kind: kind.to_owned(), cue: suspected.then(|| "Rigid".to_owned()), enough, suspected, cues_ms: None }
    }

    #[test]
    fn rates_are_of_the_wrong_answers() {
        let samples = vec![
            sample("bona_fide", true, false),
            sample("bona_fide", true, true),
            sample("screen", true, true),
            sample("screen", false, false),
            sample("photo", false, false),
        ];
        let report = report(&tallies(samples), 0.0);
        assert_eq!((report.bpcer, report.bpcer_photos, report.undecided), (0.5, 0.0, 0.25));
        assert_eq!(report.apcer, BTreeMap::from([("screen".to_owned(), 0.5)]));
    }

    #[test]
    fn wilson_intervals_of_known_shares() {
        let check = |part, of, expected: [f64; 2]| {
            let found = wilson(part, of);
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 2e-3), "{part} of {of}: {found:?}");
        };
        check(0, 20, [0.0, 0.161]);
        check(10, 20, [0.299, 0.701]);
        check(20, 20, [0.839, 1.0]);
        check(0, 0, [0.0, 1.0]);
    }
}
