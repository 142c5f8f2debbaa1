//! Verification on labelled photos that are not part of the repository, and none to be enrolled where there is
//! no face.

use std::collections::BTreeMap;
use std::path::Path;

use ostiary_models::detect::DetectedFace;
use ostiary_models::embed::Embedding;
use ostiary_models::engine::FaceEngine;

use crate::support::{default_engine, picture, shared};

/// Photos of one person that take part, so that the test stays under a minute without release optimisation.
const PHOTOS_A_PERSON: usize = 3;

/// The largest face of a photo, if any, with its embedding.
fn enroll(engine: &mut FaceEngine, path: &Path) -> Option<Embedding> {
    let photo = picture(path);
    let face = *engine.find_faces_in_photo(photo.view()).unwrap().first()?;
    let chip = engine.chip(photo.view(), &face);
    Some(engine.embed(&chip).unwrap())
}

/// Embeddings by the photos' names in `pairs.csv`, of the first photos of each person.
fn embeddings(faces: &Path) -> (BTreeMap<String, Embedding>, Vec<String>) {
    let per_person = std::env::var("OSTIARY_PHOTOS_A_PERSON").ok().and_then(|text| text.parse().ok());
    let mut engine = default_engine();
    let (mut found, mut missed) = (BTreeMap::new(), Vec::new());
    for person in sorted(&faces.join("people")) {
        for photo in sorted(&person).into_iter().take(per_person.unwrap_or(PHOTOS_A_PERSON)) {
            let name = photo.strip_prefix(faces).unwrap().display().to_string();
            match enroll(&mut engine, &photo) {
                Some(embedding) => drop(found.insert(name, embedding)),
                None => missed.push(name),
            }
        }
    }
    (found, missed)
}

fn sorted(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Similarities of the mated and the non-mated pairs that could be compared.
fn scores(pairs: &str, embeddings: &BTreeMap<String, Embedding>) -> (Vec<f32>, Vec<f32>) {
    let (mut mated, mut non_mated) = (Vec::new(), Vec::new());
    for line in pairs.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if let (Some(a), Some(b)) = (embeddings.get(fields[0]), embeddings.get(fields[1])) {
            if fields[2] == "1" { &mut mated } else { &mut non_mated }.push(a.similarity(b));
        }
    }
    (mated, non_mated)
}

/// The share of (mated, non-mated) choices in which the mated pair is the more similar one.
fn auc(mated: &[f32], non_mated: &[f32]) -> f64 {
    let wins = |m: &f32| {
        non_mated
            .iter()
            .map(|n| {
                if m > n {
                    1.0
                } else if m == n {
                    0.5
                } else {
                    0.0
                }
            })
            .sum::<f64>()
    };
    mated.iter().map(wins).sum::<f64>() / (mated.len() * non_mated.len()) as f64
}

/// The error rate where as many mated pairs are refused as non-mated ones are let through, as the mean of the
/// two rates at the nearest threshold.
fn equal_error_rate(mated: &[f32], non_mated: &[f32]) -> f64 {
    let share = |count: usize, of: usize| count as f64 / of as f64;
    let rates = |t: f32| {
        let refused = share(mated.iter().filter(|s| **s < t).count(), mated.len());
        (refused, share(non_mated.iter().filter(|s| **s >= t).count(), non_mated.len()))
    };
    let thresholds = mated.iter().chain(non_mated).map(|t| rates(*t));
    let nearest = thresholds.min_by(|a, b| (a.0 - a.1).abs().total_cmp(&(b.0 - b.1).abs())).unwrap();
    f64::midpoint(nearest.0, nearest.1)
}

#[test]
fn verification_on_labelled_photos() {
    let Some(faces) = shared("faces") else { return };
    let (embeddings, missed) = embeddings(&faces);
    let pairs = std::fs::read_to_string(faces.join("pairs.csv")).unwrap();
    let (mated, non_mated) = scores(&pairs, &embeddings);
    let (auc, eer) = (auc(&mated, &non_mated), equal_error_rate(&mated, &non_mated));
    println!("{} mated, {} non-mated, missed {missed:?}: AUC {auc:.5}, EER {eer:.5}", mated.len(), non_mated.len());
    assert!(missed.is_empty(), "not found: {missed:?}");
    assert!(auc >= 0.999, "AUC {auc}");
    assert!(eer <= 0.005, "EER {eer}");
}

#[test]
fn nothing_to_enroll_without_a_human_face() {
    let Some(photos) = shared("faces/no-face") else { return };
    let mut engine = default_engine();
    let gate = engine.thresholds().enroll_gate();
    for path in sorted(&photos) {
        let photo = picture(&path);
        let faces = engine.find_faces_in_photo(photo.view()).unwrap();
        let fit = |face: &&DetectedFace| {
            let chip = engine.chip(photo.view(), face);
            let quality = engine.quality(face, &chip);
            println!("{}: score {:.2}, {quality:?}", path.display(), face.score);
            quality.problem(&gate).is_none()
        };
        assert_eq!(faces.iter().filter(fit).count(), 0, "{}", path.display());
    }
}
