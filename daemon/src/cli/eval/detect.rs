//! `ostiaryd eval detect`: faces found, missed and imagined.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use ostiary_models::metrics::{DetectionCounts, Estimate, faces_found, proportion};
use serde::Deserialize;
use serde_json::{Value, json};

use super::folders::{pictures_below, shown};
use super::photos::find_all;
use super::report::{Table, figure, interval};
use super::{Common, Lab};
use crate::config::Config;

/// Look for faces.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The photos, in any folders. Photos below a folder named `no-face` show none; all others at least one.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// How many faces each photo shows: CSV with the columns image,faces; paths relative to --images.
    #[arg(long, value_name = "CSV")]
    truth: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// How many faces a photo shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    Exactly(usize),
    AtLeastOne,
}

struct Seen {
    image: String,
    truth: Truth,
    counts: DetectionCounts,
}

/// Looks and reports.
pub fn detect(args: &Args, config: &Config) -> anyhow::Result<()> {
    let paths = pictures_below(&args.images)?;
    ensure!(!paths.is_empty(), "{} holds no JPEG, PNG or WebP file", args.images.display());
    let names: Vec<String> = paths.iter().map(|path| shown(path, &args.images)).collect();
    let told = args.truth.as_deref().map(|path| read_truth(path, &names)).transpose()?.unwrap_or_default();
    let lab = Lab::open(&args.common, config)?;
    let (mut seen, mut unreadable) = (Vec::new(), Vec::new());
    for (image, found) in names.into_iter().zip(find_all(&lab, &paths)?) {
        let truth = told.get(&image).map_or_else(|| by_folder(&image), |faces| Truth::Exactly(*faces));
        match found {
            Ok(faces) => seen.push(Seen { counts: counted(faces.len(), truth), image, truth }),
            Err(why) => unreadable.push((image, why)),
        }
    }
    ensure!(!seen.is_empty(), "none of the photos can be read: {unreadable:?}");
    let rates = Rates::of(&seen);
    if args.common.json {
        let mut answer = in_json(&seen, &rates);
        super::report::extend(&mut answer, &super::report::about(&lab));
        answer["unreadable"] = super::report::unreadable(&unreadable);
        println!("{answer}");
    } else {
        print_table(&seen, &rates);
        super::report::print_unreadable(&unreadable);
    }
    Ok(())
}

fn counted(found: usize, truth: Truth) -> DetectionCounts {
    match truth {
        Truth::Exactly(there) => faces_found(found, there, false),
        Truth::AtLeastOne => faces_found(found, 1, true),
    }
}

fn by_folder(image: &str) -> Truth {
    let empty = Path::new(image).parent().is_some_and(|parent| parent.iter().any(|part| part == "no-face"));
    if empty { Truth::Exactly(0) } else { Truth::AtLeastOne }
}

fn read_truth(path: &Path, names: &[String]) -> anyhow::Result<BTreeMap<String, usize>> {
    #[derive(Deserialize)]
    struct Row {
        image: String,
        faces: usize,
    }
    let reading = || format!("reading {}", path.display());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).with_context(reading)?;
    let mut told = BTreeMap::new();
    for row in reader.deserialize() {
        let row: Row = row.with_context(reading)?;
        ensure!(names.contains(&row.image), "{}: there is no photo {}", path.display(), row.image);
        ensure!(told.insert(row.image.clone(), row.faces).is_none(), "{}: {} twice", path.display(), row.image);
    }
    Ok(told)
}

/// Over all photos.
struct Rates {
    photos_with: usize,
    photos_without: usize,
    missed: Option<Estimate>,
    imagined: Option<Estimate>,
}

impl Rates {
    fn of(seen: &[Seen]) -> Self {
        let (without, with): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| seen.truth == Truth::Exactly(0));
        let share = |of: &[&Seen], holds: fn(&DetectionCounts) -> bool| {
            let hits = of.iter().filter(|seen| holds(&seen.counts)).count();
            (!of.is_empty()).then(|| proportion(hits as f64, of.len()))
        };
        Self {
            photos_with: with.len(),
            photos_without: without.len(),
            missed: share(&with, |counts| counts.missed > 0),
            imagined: share(&without, |counts| counts.imagined > 0),
        }
    }
}

fn in_json(seen: &[Seen], rates: &Rates) -> Value {
    let sum = |count: fn(&DetectionCounts) -> usize| seen.iter().map(|seen| count(&seen.counts)).sum::<usize>();
    let image = |seen: &Seen| {
        let DetectionCounts { found, missed, imagined } = seen.counts;
        json!({ "image": seen.image, "found": found, "missed": missed, "false": imagined })
    };
    json!({
        "images": seen.iter().map(image).collect::<Vec<_>>(),
        "found": sum(|counts| counts.found),
        "missed": sum(|counts| counts.missed),
        "false": sum(|counts| counts.imagined),
        "images_with_faces": rates.photos_with,
        "images_without_faces": rates.photos_without,
        "miss_rate": figure(rates.missed),
        "false_rate": figure(rates.imagined),
        "ci": { "miss_rate": interval(rates.missed), "false_rate": interval(rates.imagined) },
    })
}

fn print_table(seen: &[Seen], rates: &Rates) {
    for Seen { image, counts, .. } in seen.iter().filter(|seen| seen.counts.missed + seen.counts.imagined > 0) {
        println!("{image}: {} found, {} missed, {} false", counts.found, counts.missed, counts.imagined);
    }
    let mut table = Table::default();
    table.count("photos with faces", rates.photos_with);
    table.rate("  a face missed in", rates.missed);
    table.count("photos without faces", rates.photos_without);
    table.rate("  a face imagined in", rates.imagined);
    table.print();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_tell_the_truth() {
        let check = |image: &str, expected: Truth| assert_eq!(by_folder(image), expected, "{image}");
        check("people/a/1.jpg", Truth::AtLeastOne);
        check("no-face/1.jpg", Truth::Exactly(0));
        check("site/no-face/night/1.jpg", Truth::Exactly(0));
        check("no-face.jpg", Truth::AtLeastOne);
    }
}
