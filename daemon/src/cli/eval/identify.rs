//! `ostiaryd eval identify`: photos of people, searched in a gallery.

use std::path::PathBuf;

use anyhow::ensure;
use ostiary_models::calibration::TargetFpir;
use ostiary_models::decide::Rule;
use ostiary_models::embed::Embedding;
use ostiary_models::metrics::{Identification, IdentificationReport, Probe};
use serde_json::{Map, Value, json};

use super::enrolled::Enrolled;
use super::folders::{Person, people, shown};
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
    let visitors = people(probes_dir)?;
    let lab = Lab::open(&args.common, config)?;
    let known = Enrolled::read(&lab, gallery_dir)?;
    let coming = coming(visitors, &known);
    let mut searched = Searched {
        gallery: known.names.len(),
        templates: known.templates.iter().map(Vec::len).sum(),
        rule: Some(rule(args, &lab, known.names.len())?),
        about: super::report::about(&lab),
        ..Searched::default()
    };
    let paths: Vec<PathBuf> = coming.iter().map(|(_, path)| path.clone()).collect();
    for ((subject, path), photo) in coming.iter().zip(embed_all(&lab, &paths)?) {
        let name = shown(path, probes_dir);
        if photo.digest.is_some_and(|digest| known.digests.contains(&digest)) {
            searched.in_both.push(name);
        } else {
            search(&mut searched, *subject, name, photo, &known.templates);
        }
    }
    searched.not_enrolled = known.not_detected;
    searched.unreadable.extend(known.unreadable);
    Ok(searched)
}

/// Every probe with its subject's number; those who are not known have numbers above the gallery's.
fn coming((visitors, loose): (Vec<Person>, Vec<PathBuf>), known: &Enrolled) -> Vec<(usize, PathBuf)> {
    let mut strangers = known.names.len()..;
    let mut stranger = || strangers.next().unwrap_or(usize::MAX);
    let mut coming = Vec::new();
    for person in visitors {
        let subject = known.names.iter().position(|name| *name == person.name).unwrap_or_else(&mut stranger);
        coming.extend(person.photos.into_iter().map(|path| (subject, path)));
    }
    coming.extend(loose.into_iter().map(|path| (stranger(), path)));
    coming
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
            "at_threshold": searched.rule.map(|_| {
                json!({ "fpir": interval(at.fpir), "fnir": interval(at.fnir) })
            }),
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
