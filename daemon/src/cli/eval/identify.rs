//! `ostiaryd eval identify`: photos of people, searched in a gallery.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::ensure;
use ostiary_models::calibration::TargetFpir;
use ostiary_models::decide::Rule;
use ostiary_models::embed::Embedding;
use ostiary_models::metrics::{Identification, IdentificationReport, Probe};
use serde_json::{Map, Value, json};

use super::folders::{people, shown};
use super::photos::{Look, Photo, embed_all};
use super::report::{Table, at_points, figure, interval, with_points};
use super::{Common, Lab, plots, scores};
use crate::config::Config;

/// Search a gallery.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who is known: a folder of photos for each person.
    #[arg(long, value_name = "DIR", required_unless_present = "scores")]
    gallery: Option<PathBuf>,
    /// Who comes: a folder of photos for each person, named as in the gallery; others are strangers. Photos that lie
    /// in no folder are of strangers, too.
    #[arg(long, value_name = "DIR", required_unless_present = "scores")]
    probes: Option<PathBuf>,
    /// Judge searches made elsewhere instead: CSV with the columns probe,subject,person,score, a line for each probe
    /// and person; a probe without a face found has one line with person and score empty.
    #[arg(long, value_name = "CSV", conflicts_with_all = ["gallery", "probes"])]
    scores: Option<PathBuf>,
    /// The threshold to be judged; the pack's if not given.
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// The margin to be judged; the pack's if not given.
    #[arg(long, value_name = "COSINE")]
    margin: Option<f32>,
    /// Judge the threshold and margin that the pack's calibration gives for this FPIR and the gallery's size.
    #[arg(long, value_name = "RATE", conflicts_with_all = ["threshold", "margin", "scores"])]
    target_fpir: Option<f64>,
    /// Write the curve of errors and the distribution of scores there, as SVG.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// What was searched.
#[derive(Default)]
struct Searched {
    probes: Vec<Probe>,
    gallery: usize,
    templates: usize,
    rule: Option<Rule>,
    not_enrolled: Vec<String>,
    not_detected: Vec<String>,
    in_both: Vec<String>,
    unreadable: Vec<(String, String)>,
    about: Map<String, Value>,
}

/// Searches and reports.
pub fn identify(args: &Args, config: &Config) -> anyhow::Result<()> {
    let searched = match &args.scores {
        Some(path) => given(args, path)?,
        None => measured(args, config)?,
    };
    ensure!(!searched.probes.is_empty(), "there is no probe to search for");
    let nothing = Rule { threshold: f32::INFINITY, margin: 0.0 };
    let report = Identification::new(searched.probes.clone()).report(searched.rule.unwrap_or(nothing));
    if let Some(dir) = &args.plots {
        let threshold = searched.rule.map(|rule| f64::from(rule.threshold));
        plots::write(dir, "identify", ["FPIR", "FNIR"], &report.trials, &report.curve, threshold)?;
    }
    if args.common.json {
        println!("{}", in_json(&searched, &report));
    } else {
        print_table(&searched, &report);
    }
    Ok(())
}

fn given(args: &Args, path: &std::path::Path) -> anyhow::Result<Searched> {
    let found = scores::read_searches(path)?;
    let rule = args.threshold.map(|threshold| Rule { threshold, margin: args.margin.unwrap_or(0.0) });
    let (probes, gallery, not_detected) = (found.probes, found.gallery, found.not_detected);
    Ok(Searched { probes, gallery, rule, not_detected, ..Searched::default() })
}

fn measured(args: &Args, config: &Config) -> anyhow::Result<Searched> {
    let (Some(gallery_dir), Some(probes_dir)) = (&args.gallery, &args.probes) else {
        anyhow::bail!("--gallery and --probes are needed, or --scores");
    };
    let (known, loose) = people(gallery_dir)?;
    ensure!(!known.is_empty(), "{} holds no folder of photos", gallery_dir.display());
    ensure!(loose.is_empty(), "{} lies in no person's folder", loose[0].display());
    let (visitors, strangers) = people(probes_dir)?;
    let lab = Lab::open(&args.common, config)?;
    let mut searched = Searched { gallery: known.len(), about: super::report::about(&lab), ..Searched::default() };

    let numbers: BTreeMap<&str, usize> = known.iter().enumerate().map(|(n, person)| (person.name.as_str(), n)).collect();
    let owned: Vec<(usize, PathBuf)> =
        known.iter().enumerate().flat_map(|(n, person)| person.photos.iter().map(move |p| (n, p.clone()))).collect();
    let photos = embed_all(&lab, &owned.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>())?;
    let enrolled: BTreeSet<[u8; 32]> = photos.iter().filter_map(|photo| photo.digest).collect();
    let mut templates: Vec<Vec<Embedding>> = vec![Vec::new(); known.len()];
    for ((person, path), photo) in owned.iter().zip(photos) {
        match photo.look {
            Look::Face(embedding) => templates[*person].push(embedding),
            Look::NoFace => searched.not_enrolled.push(shown(path, gallery_dir)),
            Look::Unreadable(why) => searched.unreadable.push((shown(path, gallery_dir), why)),
        }
    }
    searched.templates = templates.iter().map(Vec::len).sum();
    ensure!(searched.templates > 0, "no face was found in any photo of {}", gallery_dir.display());
    searched.rule = Some(rule(args, &lab, known.len())?);

    let mut coming: Vec<(usize, PathBuf)> = Vec::new();
    let mut next = known.len();
    for person in &visitors {
        let subject = numbers.get(person.name.as_str()).copied().unwrap_or_else(|| std::mem::replace(&mut next, 0));
        // A name that was not known takes the next number.
        next = next.max(known.len()).max(subject + 1);
        coming.extend(person.photos.iter().map(|path| (subject, path.clone())));
    }
    coming.extend(strangers.into_iter().enumerate().map(|(n, path)| (next + n, path)));
    let photos = embed_all(&lab, &coming.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>())?;
    for ((subject, path), photo) in coming.iter().zip(photos) {
        let name = shown(path, probes_dir);
        if photo.digest.is_some_and(|digest| enrolled.contains(&digest)) {
            searched.in_both.push(name);
        } else {
            search(&mut searched, *subject, name, photo, &templates);
        }
    }
    Ok(searched)
}

/// Compares one probe with everyone; the best template of a person counts.
fn search(searched: &mut Searched, subject: usize, name: String, photo: Photo, templates: &[Vec<Embedding>]) {
    let best = |probe: &Embedding, own: &[Embedding]| own.iter().map(|t| t.similarity(probe)).reduce(f32::max);
    let similarities = match photo.look {
        Look::Face(probe) => {
            let found = templates.iter().enumerate().filter_map(|(n, own)| Some((n, best(&probe, own)?)));
            Some(found.collect())
        }
        Look::NoFace => {
            searched.not_detected.push(name);
            None
        }
        Look::Unreadable(why) => return searched.unreadable.push((name, why)),
    };
    searched.probes.push(Probe { subject, mated: subject < templates.len(), similarities });
}

fn rule(args: &Args, lab: &Lab, persons: usize) -> anyhow::Result<Rule> {
    let own = lab.pack.thresholds().rule();
    let Some(target) = args.target_fpir else {
        let (threshold, margin) = (args.threshold.unwrap_or(own.threshold), args.margin.unwrap_or(own.margin));
        return Ok(Rule { threshold, margin });
    };
    let target = TargetFpir::new(target)?;
    let Some(calibration) = lab.pack.calibration() else {
        anyhow::bail!("{} is not calibrated: give --threshold instead of --target-fpir", lab.pack.id());
    };
    Ok(calibration.operating_point(target, persons).rule)
}

fn in_json(searched: &Searched, report: &IdentificationReport) -> Value {
    let at = &report.at_threshold;
    let mut answer = json!({
        "gallery": searched.gallery,
        "gallery_templates": searched.templates,
        "mated_probes": report.mated_probes,
        "non_mated_probes": report.non_mated_probes,
        "not_detected": searched.not_detected.len(),
        "fnir_at_fpir": at_points(&report.fnir_at_fpir, figure),
        "at_threshold": searched.rule.map(|rule| json!({
            "threshold": short(rule.threshold), "margin": short(rule.margin), "fpir": figure(at.fpir), "fnir": figure(at.fnir),
        })),
        "wrong_person": at.wrong_person,
        "ci": {
            "fnir_at_fpir": at_points(&report.fnir_at_fpir, interval),
            "at_threshold": { "fpir": interval(at.fpir), "fnir": interval(at.fnir) },
        },
        "not_detected_images": searched.not_detected,
        "not_enrolled_images": searched.not_enrolled,
        "left_out_as_enrolled": searched.in_both,
        "unreadable": super::report::unreadable(&searched.unreadable),
    });
    super::report::extend(&mut answer, &searched.about);
    answer
}

/// An f32 with the digits a person gave it.
fn short(value: f32) -> Value {
    value.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

fn print_table(searched: &Searched, report: &IdentificationReport) {
    let mut table = Table::default();
    table.count("people in the gallery", searched.gallery);
    table.count("mated probes", report.mated_probes);
    table.count("non-mated probes", report.non_mated_probes);
    table.names("probes without a face found", searched.probes.len(), &searched.not_detected);
    with_points("FNIR at FPIR", &report.fnir_at_fpir, |name, value| table.rate(&name, value));
    if let Some(Rule { threshold, margin }) = searched.rule {
        table.rate(&format!("FPIR at {threshold:.4}, margin {margin:.4}"), report.at_threshold.fpir);
        table.rate("FNIR there", report.at_threshold.fnir);
        table.count("matched as somebody else there", report.at_threshold.wrong_person);
    }
    table.print();
    searched.not_enrolled.iter().for_each(|name| eprintln!("not enrolled: {name}: no face found"));
    searched.in_both.iter().for_each(|name| eprintln!("left out: {name}: the same photo is in the gallery"));
    super::report::print_unreadable(&searched.unreadable);
}
