//! `ostiaryd eval verify`: pairs of photos, compared.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use ostiary_models::metrics::{Trial, Trials, VerificationReport, verification};
use serde_json::{Map, Value, json};

use super::pairs::{Pair, Pairs};
use super::photos::{Look, Photo, embed_all};
use super::report::{Table, at_points, figure, interval, with_points};
use super::{Common, Lab, plots, scores};
use crate::config::Config;

/// Compare pairs.
#[derive(Debug, clap::Args)]
#[group(id = "verify_input")]
pub struct Args {
    /// The folder that the paths of the pairs are relative to.
    #[arg(long, value_name = "DIR", required_unless_present = "scores")]
    images: Option<PathBuf>,
    /// The pairs: CSV with the columns a,b,same (1 or 0).
    #[arg(long, value_name = "CSV", required_unless_present = "scores")]
    pairs: Option<PathBuf>,
    /// Judge scores made elsewhere instead: CSV with the columns a,b,same,score; an empty score is a face not found.
    #[arg(long, value_name = "CSV", conflicts_with_all = ["images", "pairs"])]
    scores: Option<PathBuf>,
    /// Write the scores, in the form that --scores reads.
    #[arg(long, value_name = "CSV")]
    write_scores: Option<PathBuf>,
    /// The threshold to be judged; the pack's if not given.
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Write the curve of errors and the distribution of scores there, as SVG.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// What was compared.
struct Compared {
    pairs: Pairs,
    not_detected: Vec<String>,
    unreadable: Vec<(String, String)>,
    threshold: Option<f64>,
    about: Map<String, Value>,
}

/// Compares and reports.
pub fn verify(args: &Args, config: &Config) -> anyhow::Result<()> {
    let compared = match (&args.scores, &args.images, &args.pairs) {
        (Some(scores), ..) => given(scores, args.threshold)?,
        (None, Some(images), Some(pairs)) => measured(args, images, pairs, config)?,
        _ => anyhow::bail!("--images and --pairs are needed, or --scores"),
    };
    let trials = trials(&compared.pairs);
    ensure!(trials.mated() > 0, "no pair of one person could be compared: every curve needs both kinds");
    ensure!(trials.non_mated() > 0, "no pair of two people could be compared: every curve needs both kinds");
    if let Some(path) = &args.write_scores {
        scores::write_pairs(path, &compared.pairs)?;
    }
    let report = verification(&trials, compared.threshold.unwrap_or(f64::INFINITY));
    if let Some(dir) = &args.plots {
        plots::write(dir, "verify", ["FMR", "FNMR"], &trials, &report.curve, compared.threshold)?;
    }
    if args.common.json {
        println!("{}", in_json(&compared, &report));
    } else {
        print_table(&compared, &report);
    }
    Ok(())
}

fn given(path: &Path, threshold: Option<f64>) -> anyhow::Result<Compared> {
    let pairs = Pairs::read(path, true)?;
    let scored = |photo: usize| pairs.pairs.iter().any(|p| (p.a == photo || p.b == photo) && p.score.is_some());
    let missed = (0..pairs.photos.len()).filter(|photo| !scored(*photo));
    let not_detected = missed.map(|photo| pairs.photos[photo].clone()).collect();
    Ok(Compared { not_detected, unreadable: Vec::new(), threshold, about: Map::new(), pairs })
}

fn measured(args: &Args, images: &Path, list: &Path, config: &Config) -> anyhow::Result<Compared> {
    let mut pairs = Pairs::read(list, false)?;
    let lab = Lab::open(&args.common, config)?;
    let paths: Vec<PathBuf> = pairs.photos.iter().map(|name| images.join(name)).collect();
    let photos = embed_all(&lab, &paths)?;
    let (mut not_detected, mut unreadable) = (Vec::new(), Vec::new());
    for (name, photo) in pairs.photos.iter().zip(&photos) {
        match &photo.look {
            Look::Face(_) => {}
            Look::NoFace => not_detected.push(name.clone()),
            Look::Unreadable(why) => unreadable.push((name.clone(), why.clone())),
        }
    }
    ensure!(unreadable.len() < photos.len(), "none of the {} photos can be read: {:?}", photos.len(), unreadable[0]);
    pairs.pairs = pairs.pairs.iter().filter_map(|pair| scored(pair, &photos)).collect();
    let threshold = args.threshold.or_else(|| Some(f64::from(lab.pack.thresholds().match_threshold)));
    Ok(Compared { pairs, not_detected, unreadable, threshold, about: super::report::about(&lab) })
}

/// The pair with its score; `None` if a photo cannot be read, for then nothing was tried.
fn scored(pair: &Pair, photos: &[Photo]) -> Option<Pair> {
    let score = match (&photos[pair.a].look, &photos[pair.b].look) {
        (Look::Unreadable(_), _) | (_, Look::Unreadable(_)) => return None,
        (Look::Face(a), Look::Face(b)) => Some(f64::from(a.similarity(b))),
        _ => None,
    };
    Some(Pair { score, ..*pair })
}

fn trials(pairs: &Pairs) -> Trials {
    Trials::new(pairs.pairs.iter().map(|pair| Trial {
        score: pair.score,
        mated: pair.same,
        subjects: [pairs.subjects[pair.a], pairs.subjects[pair.b]],
    }))
}

fn in_json(compared: &Compared, report: &VerificationReport) -> Value {
    let at = &report.at_threshold;
    let mut answer = json!({
        "mated": report.mated,
        "non_mated": report.non_mated,
        "images": compared.pairs.photos.len(),
        "not_detected": compared.not_detected.len(),
        "auc": figure(report.auc),
        "eer": figure(report.eer),
        "fnmr_at_fmr": at_points(&report.fnmr_at_fmr, figure),
        "at_threshold": compared.threshold.map(|threshold| {
            json!({ "threshold": threshold, "fmr": figure(at.fmr), "fnmr": figure(at.fnmr) })
        }),
        "ci": {
            "auc": interval(report.auc),
            "eer": interval(report.eer),
            "fnmr_at_fmr": at_points(&report.fnmr_at_fmr, interval),
            "at_threshold": compared.threshold.map(|_| {
                json!({ "fmr": interval(at.fmr), "fnmr": interval(at.fnmr) })
            }),
        },
        "not_detected_images": compared.not_detected,
        "unreadable": super::report::unreadable(&compared.unreadable),
    });
    super::report::extend(&mut answer, &compared.about);
    answer
}

fn print_table(compared: &Compared, report: &VerificationReport) {
    let mut table = Table::default();
    table.count("mated pairs", report.mated);
    table.count("non-mated pairs", report.non_mated);
    table.names("photos without a face found", compared.pairs.photos.len(), &compared.not_detected);
    table.share("AUC", report.auc);
    table.rate("EER", report.eer);
    with_points("FNMR at FMR", &report.fnmr_at_fmr, |name, value| table.rate(&name, value));
    if let Some(threshold) = compared.threshold {
        table.rate(&format!("FMR at {threshold:.4}"), report.at_threshold.fmr);
        table.rate(&format!("FNMR at {threshold:.4}"), report.at_threshold.fnmr);
    }
    table.print();
    super::report::print_unreadable(&compared.unreadable);
}

/// Makes a folder, with words for when it cannot be made.
pub fn make_dir(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))
}
