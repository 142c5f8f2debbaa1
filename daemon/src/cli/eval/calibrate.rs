//! `ostiaryd eval calibrate`: how strangers and known people score with a pack, as the `[calibration]` of its manifest.
//!
//! Each photo gives visits: several looks a door would have had of it, fused as a door does. They are compared with
//! templates made of *other* photos of the same person, and with everybody else's; the best template of a person
//! counts. The table goes to stdout; whether it keeps its promise, half of the people against the other, to stderr.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use ostiary_models::calibration::{Calibration, HeldOut, SimulatedVisit, TargetFpir, Visits, fit, held_out};
use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::engine::{FaceEngine, InferenceError};
use ostiary_models::frame::{RgbImage, RgbView};
use ostiary_models::metrics::Estimate;
use ostiary_models::pack::Thresholds;

use super::folders::{Person, people};
use super::photos::{each, read};
use super::{Common, Lab};
use crate::config::Config;

/// Looks of a visit, and how many of them must be usable, as at a door.
const LOOKS: usize = 5;
const LEAST_LOOKS: usize = 3;
/// Visits made of each photo.
const VISITS_A_PHOTO: u64 = 2;
/// The targets tried on held-out people.
const TRIED: [f64; 3] = [0.1, 0.03, 0.01];

/// Measure what similarities mean.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Labelled photos: a folder for each person, at least two photos each, of as many people as can be had.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Templates of a person, at most: as many as people are enrolled with.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    templates: u32,
    /// What the photos are, for the manifest.
    #[arg(long, value_name = "TEXT")]
    about: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What one photo gave.
struct Seen {
    person: usize,
    template: Option<Embedding>,
    visits: Vec<Embedding>,
    problem: Option<String>,
}

/// Measures, prints the table, and says how far it can be trusted.
pub fn calibrate(args: &Args, config: &Config) -> anyhow::Result<()> {
    let (persons, _) = people(&args.images)?;
    ensure!(!persons.is_empty(), "{} holds no folder of photos", args.images.display());
    let lab = Lab::open(&args.common, config)?;
    let seen = looked_at(&lab, &persons)?;
    let visits = compared(&seen, persons.len(), args.templates as usize);
    let taken: usize = seen.iter().map(|seen| seen.visits.len()).sum();
    let about = args.about.clone().unwrap_or_else(|| format!("{taken} simulated visits of {} photos", seen.len()));
    let table = fit(&visits, &about, u32::try_from(taken)?, args.templates).context("fitting")?;
    let faults = table.faults();
    ensure!(faults.is_empty(), "the scores make no calibration: {faults:?}");
    promised(&visits, &Calibration::new(&table));
    if args.common.json {
        println!("{}", serde_json::to_string(&table)?);
    } else {
        print!("[calibration]\n{}", table.to_toml());
    }
    Ok(())
}

fn looked_at(lab: &Lab, persons: &[Person]) -> anyhow::Result<Vec<Seen>> {
    let photos: Vec<(usize, u64, PathBuf)> = persons
        .iter()
        .enumerate()
        .flat_map(|(n, person)| person.photos.iter().map(move |path| (n, path.clone())))
        .zip(0..)
        .map(|((person, path), seed)| (person, seed, path))
        .collect();
    let thresholds = lab.pack.thresholds();
    let seen = each(lab, &photos, |engine, (person, seed, path)| {
        let nothing = |problem| Seen { person: *person, template: None, visits: Vec::new(), problem: Some(problem) };
        let photo = match read(path) {
            Ok(photo) => photo,
            Err(why) => return Ok(nothing(format!("{}: {why}", path.display()))),
        };
        let Some(face) = engine.find_faces_in_photo(photo.view())?.into_iter().next() else {
            return Ok(nothing(format!("{}: no face found", path.display())));
        };
        let chip = engine.chip(photo.view(), &face);
        let template = Some(engine.embed_still(&chip)?);
        let mut visits = Vec::new();
        for visit in 0..VISITS_A_PHOTO {
            visits.extend(visited(engine, photo.view(), &face, seed * VISITS_A_PHOTO + visit, &thresholds)?);
        }
        Ok(Seen { person: *person, template, visits, problem: None })
    })?;
    seen.iter().filter_map(|seen| seen.problem.as_ref()).for_each(|problem| eprintln!("left out: {problem}"));
    Ok(seen)
}

/// One visit, fused; `None` if too few looks were usable, as it then would be at a door.
fn visited(
    engine: &mut FaceEngine,
    photo: RgbView<'_>,
    face: &DetectedFace,
    seed: u64,
    thresholds: &Thresholds,
) -> Result<Option<Embedding>, InferenceError> {
    let mut visit = SimulatedVisit::new(seed);
    let mut shots = Vec::new();
    for _ in 0..LOOKS {
        let frame = visit.look(photo, face);
        shots.extend(shot(engine, &frame, thresholds)?);
    }
    let fused = || Embedding::fuse(shots.iter().map(|(embedding, weight)| (embedding, *weight)));
    Ok(if shots.len() >= LEAST_LOOKS { fused() } else { None })
}

/// The face nearest to the frame's middle, embedded if a door would do so, with its weight.
fn shot(
    engine: &mut FaceEngine,
    frame: &RgbImage,
    thresholds: &Thresholds,
) -> Result<Option<(Embedding, f32)>, InferenceError> {
    let middle = frame.view().bounds().centre();
    let faces = engine.find_faces(frame.view())?;
    let from_middle = |face: &DetectedFace| face.bbox.centre().distance(middle);
    let Some(face) = faces.iter().min_by(|a, b| from_middle(a).total_cmp(&from_middle(b))) else { return Ok(None) };
    let face = engine.refine(frame.view(), face)?;
    let chip = engine.chip(frame.view(), &face);
    let quality = engine.quality(&face, &chip);
    if quality.problem(&thresholds.match_gate()).is_some() {
        return Ok(None);
    }
    Ok(Some((engine.embed(&chip)?, quality.overall)))
}

/// Every visit against everyone, by the best of at most `templates` templates; one's own photo is never one of them.
fn compared(seen: &[Seen], persons: usize, templates: usize) -> Visits {
    let mut visits = Visits::default();
    for (at, visitor) in seen.iter().enumerate() {
        // Which photos serve as templates moves on from visit to visit, so that each photo has its turn.
        let (before, from) = seen.split_at(at);
        let in_turn = || from.iter().skip(1).chain(before);
        for probe in &visitor.visits {
            let best = |person: usize| {
                let own = in_turn().filter(|seen| seen.person == person).filter_map(|seen| seen.template.as_ref());
                own.take(templates).map(|template| template.similarity(probe)).reduce(f32::max)
            };
            visits.add(visitor.person, (0..persons).filter_map(|person| Some((person, best(person)?))));
        }
    }
    visits
}

/// Says on stderr what the table promises, and what came of such promises on people not fitted on.
fn promised(visits: &Visits, calibration: &Calibration) {
    eprintln!("fitted on one half of the people, tried on the other, both ways:");
    for target in TRIED.into_iter().filter_map(|rate| TargetFpir::new(rate).ok()) {
        for (name, margin) in [("fitted margin", None), ("no margin", Some(0.0))] {
            match held_out(visits, target, margin) {
                Ok(tried) => eprintln!("  FPIR {:>4} %, {name:13}: {}", 100.0 * target.get(), told(&tried)),
                Err(error) => eprintln!("  FPIR {:>4} %: {error}", 100.0 * target.get()),
            }
        }
    }
    for fnir in [0.02, 0.05, 0.1] {
        let capacity = calibration.capacity(TargetFpir::DEFAULT, fnir);
        eprintln!("with FPIR 1 % and FNIR {} %: {capacity}", 100.0 * fnir);
    }
    for persons in [10, 50, 200, 1000] {
        let point = calibration.operating_point(TargetFpir::DEFAULT, persons);
        eprintln!(
            "{persons} people at FPIR 1 % ({:.2} to {:.2} %): threshold {:.4}, margin {:.4}, FNIR {:.1} %{}",
            100.0 * point.fpir_low,
            100.0 * point.fpir_high,
            point.rule.threshold,
            point.rule.margin,
            100.0 * point.fnir,
            if point.extrapolated { ", beyond what was measured" } else { "" }
        );
    }
}

fn told(tried: &HeldOut) -> String {
    let share = |found: Option<Estimate>| {
        let percent = |found: Estimate| {
            format!("{:.2} % ({:.2} to {:.2})", 100.0 * found.value, 100.0 * found.low, 100.0 * found.high)
        };
        found.map_or_else(|| "-".to_owned(), percent)
    };
    let rules: Vec<String> =
        tried.promised.iter().map(|point| format!("{:.4}/{:.4}", point.rule.threshold, point.rule.margin)).collect();
    format!(
        "{} people, thresholds/margins {}: FPIR {}, FNIR {}, {} as somebody else",
        tried.persons,
        rules.join(" and "),
        share(tried.fpir),
        share(tried.fnir),
        tried.wrong_person
    )
}
