//! `ostiaryd eval pad`: copies of faces told from faces, by the same track of cues a door keeps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use ostiary_models::engine::{FaceEngine, InferenceError};
use ostiary_models::liveness::{Liveness, LivenessRules, LivenessTrack};
use ostiary_models::metrics::{Estimate, proportion};
use serde_json::{Map, Value, json};

use super::folders::{entries, pictures_below};
use super::photos::{each, read};
use super::report::{Table, figure, interval};
use super::{Common, Lab};
use crate::config::Config;

/// Tell copies from faces.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Real people: a folder of frames, in order, for each visit. A single image is judged by what one
    /// look tells, which is less than a door has.
    #[arg(long, value_name = "DIR")]
    bona_fide: PathBuf,
    /// Attacks: a folder for each kind, and in it one for each visit, as above.
    #[arg(long, value_name = "DIR")]
    attack: PathBuf,
    /// Frames per second.
    #[arg(long, value_name = "N", default_value_t = 15.0, value_parser = frame_rate)]
    fps: f64,
    #[command(flatten)]
    common: Common,
}

fn frame_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.1..=1000.0).contains(rate));
    rate.ok_or_else(|| "it must be a number from 0.1 to 1000".to_owned())
}

/// Frames of one visit.
struct Sample {
    frames: Vec<PathBuf>,
    /// The kind of attack; none is a real person.
    kind: Option<String>,
}

/// What became of one visit.
struct Judged {
    verdict: Liveness,
    unreadable: Vec<(String, String)>,
}

/// How often a kind was taken for something else than it is.
#[derive(Default)]
struct Tally {
    decided: usize,
    wrong: usize,
    undecided: usize,
}

impl Tally {
    fn rate(&self) -> Option<Estimate> {
        (self.decided > 0).then(|| proportion(self.wrong as f64, self.decided))
    }
}

/// Judges and reports.
pub fn pad(args: &Args, config: &Config) -> anyhow::Result<()> {
    let samples = samples(args)?;
    let lab = Lab::open(&args.common, config)?;
    let judged = each(&lab, &samples, |engine, sample| judge(engine, sample, args.fps))?;
    let mut tallies: BTreeMap<Option<&str>, Tally> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for (sample, judged) in samples.iter().zip(judged) {
        let tally = tallies.entry(sample.kind.as_deref()).or_default();
        if judged.verdict.enough {
            tally.decided += 1;
            // A person suspected, or an attack let pass.
            tally.wrong += usize::from(judged.verdict.is_suspected() == sample.kind.is_none());
        } else {
            tally.undecided += 1;
        }
        unreadable.extend(judged.unreadable);
    }
    let bona_fide = tallies.remove(&None).unwrap_or_default();
    let attacks: BTreeMap<&str, Tally> = tallies.into_iter().filter_map(|(kind, tally)| Some((kind?, tally))).collect();
    if args.common.json {
        let mut answer = in_json(&bona_fide, &attacks);
        super::report::extend(&mut answer, &super::report::about(&lab));
        answer["unreadable"] = super::report::unreadable(&unreadable);
        println!("{answer}");
    } else {
        print_table(&bona_fide, &attacks);
        super::report::print_unreadable(&unreadable);
    }
    Ok(())
}

fn samples(args: &Args) -> anyhow::Result<Vec<Sample>> {
    let mut samples = visits(&args.bona_fide, None)?;
    ensure!(!samples.is_empty(), "{} holds no visit of a real person", args.bona_fide.display());
    let kinds: Vec<PathBuf> = entries(&args.attack)?.into_iter().filter(|path| path.is_dir()).collect();
    for kind in &kinds {
        let name = kind.file_name().unwrap_or_default().to_string_lossy().into_owned();
        samples.extend(visits(kind, Some(&name))?);
    }
    let attacks = samples.iter().any(|sample| sample.kind.is_some());
    ensure!(attacks, "{} holds no attack: a folder for each kind, with visits in it, is wanted", args.attack.display());
    Ok(samples)
}

fn visits(dir: &Path, kind: Option<&str>) -> anyhow::Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let singles: Vec<PathBuf> = pictures_below(dir)?.into_iter().filter(|path| path.parent() == Some(dir)).collect();
    let folders = entries(dir)?.into_iter().filter(|path| path.is_dir());
    for frames in singles.into_iter().map(|path| Ok(vec![path])).chain(folders.map(|folder| pictures_below(&folder))) {
        let frames = frames?;
        if !frames.is_empty() {
            samples.push(Sample { frames, kind: kind.map(str::to_owned) });
        }
    }
    Ok(samples)
}

/// A single image is judged by what one look tells, for more there is not; a visit must be as long as at a door.
fn rules(own: LivenessRules, frames: usize) -> LivenessRules {
    if frames == 1 { LivenessRules { min_looks: 1, min_span: Duration::ZERO, ..own } } else { own }
}

/// Follows the largest face of a visit's frames.
fn judge(engine: &mut FaceEngine, sample: &Sample, fps: f64) -> Result<Judged, InferenceError> {
    let mut track = LivenessTrack::new(&rules(engine.liveness_rules(), sample.frames.len()));
    let mut unreadable = Vec::new();
    for (index, path) in sample.frames.iter().enumerate() {
        let frame = match read(path) {
            Ok(frame) => frame,
            Err(why) => {
                unreadable.push((path.display().to_string(), why));
                continue;
            }
        };
        let faces = engine.find_faces(frame.view())?;
        let Some(face) = faces.iter().max_by(|a, b| a.width_px().total_cmp(&b.width_px())) else { continue };
        let face = engine.refine(frame.view(), face)?;
        let chip = engine.chip(frame.view(), &face);
        let cues = engine.liveness_cues(frame.view(), &face, &chip)?;
        track.observe(Duration::from_secs_f64(index as f64 / fps), &face, cues);
    }
    Ok(Judged { verdict: track.verdict(), unreadable })
}

fn in_json(bona_fide: &Tally, attacks: &BTreeMap<&str, Tally>) -> Value {
    let each = |show: fn(&Tally) -> Value| -> Map<String, Value> {
        attacks.iter().map(|(kind, tally)| ((*kind).to_owned(), show(tally))).collect()
    };
    json!({
        "bpcer": figure(bona_fide.rate()),
        "apcer": each(|tally| figure(tally.rate())),
        "bona_fide": bona_fide.decided + bona_fide.undecided,
        "attacks": each(|tally| (tally.decided + tally.undecided).into()),
        "undecided": { "bona_fide": bona_fide.undecided, "attacks": each(|tally| tally.undecided.into()) },
        "ci": { "bpcer": interval(bona_fide.rate()), "apcer": each(|tally| interval(tally.rate())) },
    })
}

fn print_table(bona_fide: &Tally, attacks: &BTreeMap<&str, Tally>) {
    let mut table = Table::default();
    table.count("visits of real people", bona_fide.decided + bona_fide.undecided);
    table.count("  too short to say", bona_fide.undecided);
    table.rate("  suspected (BPCER)", bona_fide.rate());
    for (kind, tally) in attacks {
        table.count(&format!("attacks: {kind}"), tally.decided + tally.undecided);
        table.count("  too short to say", tally.undecided);
        table.rate("  let pass (APCER)", tally.rate());
    }
    table.print();
}
