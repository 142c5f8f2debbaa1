//! Quality on photos made worse on purpose: `quality PACK FACES` prints one JSON object: how each component falls
//! with its degradation, how often a covered face is seen to be covered, and how many misses quality foretells.

mod cover;
mod degrade;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::RgbImage;
use ostiary_models::quality::FaceQuality;
use serde_json::json;

use super::Answer;
use super::pad::{engine, sorted};
use cover::Cover;
use degrade::{Degradation, LEVELS};

/// Width of the faces that are made worse, in pixels.
const FACE_PX: f32 = 120.0;

/// A photo cut to its face, at one size.
pub struct Portrait {
    pub picture: image::RgbImage,
    pub face: DetectedFace,
}

/// Measures all of it.
pub fn run(pack: &str, faces: &Path) -> Answer<()> {
    let mut engine = engine(pack)?;
    let people = portraits(&mut engine, faces)?;
    let all: Vec<&Portrait> = people.iter().flatten().collect();
    let falls: BTreeMap<_, _> =
        Degradation::ALL.into_iter().map(|kind| (kind.name(), falls(&engine, &all, kind))).collect();
    let covers: BTreeMap<_, _> =
        Cover::ALL.into_iter().map(|kind| (kind.name(), covered(&engine, &all, kind))).collect();
    let discard = discard(&mut engine, &people)?;
    println!("{}", json!({ "photos": all.len(), "degradations": falls, "covered": covers, "discard": discard }));
    Ok(())
}

/// The photos of each person, cut and scaled.
fn portraits(engine: &mut FaceEngine, faces: &Path) -> Answer<Vec<Vec<Portrait>>> {
    let people = sorted(&faces.join("people"))?;
    people
        .iter()
        .map(|person| sorted(person)?.iter().filter_map(|photo| portrait(engine, photo).transpose()).collect())
        .collect()
}

fn portrait(engine: &mut FaceEngine, path: &PathBuf) -> Answer<Option<Portrait>> {
    let photo = image::open(path)?.to_rgb8();
    let view: RgbImage = photo.clone().try_into()?;
    let Some(face) = engine.find_faces_in_photo(view.view())?.first().copied() else { return Ok(None) };
    let scale = FACE_PX / face.width_px();
    if scale > 1.2 {
        return Ok(None);
    }
    let side = |length: u32| ((length as f32 * scale).round() as u32).max(8);
    let filter = image::imageops::FilterType::Triangle;
    let picture = image::imageops::resize(&photo, side(photo.width()), side(photo.height()), filter);
    Ok(Some(Portrait { picture, face: degrade::scaled(&face, scale) }))
}

fn measured(engine: &FaceEngine, picture: &image::RgbImage, face: &DetectedFace) -> FaceQuality {
    let picture: RgbImage = picture.clone().try_into().expect("a decoded picture is whole");
    let chip = engine.chip(picture.view(), face);
    engine.quality(face, &chip)
}

/// Means of the components at each level, and the share of photos whose own component falls from level to level.
fn falls(engine: &FaceEngine, portraits: &[&Portrait], kind: Degradation) -> serde_json::Value {
    let rows: Vec<Vec<FaceQuality>> = portraits
        .iter()
        .map(|portrait| {
            let at = |level| kind.apply(portrait, level);
            (0..LEVELS).map(at).map(|worse| measured(engine, &worse.picture, &worse.face)).collect()
        })
        .collect();
    let own = |quality: &FaceQuality| kind.component(quality);
    let falling = rows.iter().filter(|row| row.windows(2).all(|pair| own(&pair[1]) <= own(&pair[0]) + 1e-3)).count();
    let mean = |value: &dyn Fn(&FaceQuality) -> f32| -> Vec<f32> {
        (0..LEVELS).map(|level| rows.iter().map(|row| value(&row[level])).sum::<f32>() / rows.len() as f32).collect()
    };
    json!({
        "component": mean(&own),
        "overall": mean(&|quality| quality.overall),
        "falls": falling as f32 / rows.len() as f32,
    })
}

/// Shares of faces taken for covered at the door's gate and at enrollment.
fn covered(engine: &FaceEngine, portraits: &[&Portrait], kind: Cover) -> serde_json::Value {
    let found: Vec<FaceQuality> =
        portraits.iter().map(|portrait| measured(engine, &kind.paint(portrait), &portrait.face)).collect();
    let refused = |least: f32| {
        let count = found.iter().filter(|quality| quality.unoccluded().is_some_and(|free| free < least)).count();
        count as f32 / found.len() as f32
    };
    let thresholds = engine.thresholds();
    let raw = |value: &dyn Fn(&FaceQuality) -> Option<f32>| {
        let mut values: Vec<f32> = found.iter().filter_map(value).collect();
        values.sort_by(f32::total_cmp);
        [values[values.len() / 20], values[values.len() / 2], values[values.len() * 19 / 20]]
    };
    json!({
        "match": refused(thresholds.match_gate().min_unoccluded),
        "enroll": refused(thresholds.enroll_gate().min_unoccluded),
        "mouth_visible": raw(&|quality| quality.mouth_visible),
        "eyes_visible": raw(&|quality| quality.eyes_visible),
    })
}

/// The share of misses at the pack's threshold among photos made worse, of all and after the worst by `overall`
/// are left out.
fn discard(engine: &mut FaceEngine, people: &[Vec<Portrait>]) -> Answer<serde_json::Value> {
    let threshold = engine.thresholds().match_threshold;
    let mut probes: Vec<(f32, bool)> = Vec::new();
    for portraits in people.iter().filter(|portraits| portraits.len() > 1) {
        let own: Vec<Embedding> =
            portraits.iter().map(|one| embedded(engine, &one.picture, &one.face)).collect::<Answer<_>>()?;
        for (index, portrait) in portraits.iter().enumerate() {
            for (kind, level) in
                Degradation::ALL.into_iter().flat_map(|kind| (0..LEVELS).map(move |level| (kind, level)))
            {
                let worse = kind.apply(portrait, level);
                let embedding = embedded(engine, &worse.picture, &worse.face)?;
                let others = own.iter().enumerate().filter(|(other, _)| *other != index);
                let best = others.map(|(_, other)| embedding.similarity(other)).fold(f32::NEG_INFINITY, f32::max);
                probes.push((measured(engine, &worse.picture, &worse.face).overall, best < threshold));
            }
        }
    }
    probes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let fnmr = |kept: f32| {
        let kept = &probes[..(probes.len() as f32 * kept) as usize];
        kept.iter().filter(|(_, missed)| *missed).count() as f32 / kept.len().max(1) as f32
    };
    Ok(
        json!({ "probes": probes.len(), "fnmr": fnmr(1.0), "without_worst_10": fnmr(0.9), "without_worst_20": fnmr(0.8) }),
    )
}

fn embedded(engine: &mut FaceEngine, picture: &image::RgbImage, face: &DetectedFace) -> Answer<Embedding> {
    let picture: RgbImage = picture.clone().try_into()?;
    let chip = engine.chip(picture.view(), face);
    Ok(engine.embed(&chip)?)
}
