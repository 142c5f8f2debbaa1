//! Labelled photos as if they were clips: of one person all are one face, of two they are not. Photos of years apart are
//! harder than a clip of seconds, where one is of one person; where one is of two, they are about as hard.

use std::path::{Path, PathBuf};

use ostiary_models::engine::FaceEngine;
use ostiary_models::guided::{Glance, GuideRules, Seen, Unpicked, pick};
use ostiary_models::pack::Pack;

use crate::support::{default_engine, default_pack_dir, picture, shared};

/// Photos of one person in a clip of two, at most.
const PHOTOS_A_PERSON: usize = 6;

fn seen(engine: &mut FaceEngine, path: &Path) -> Option<Glance<()>> {
    let photo = picture(path);
    let view = photo.view();
    let face = *engine.find_faces_in_photo(view).unwrap().first()?;
    let chip = engine.chip(view, &face);
    let quality = engine.quality(&face, &chip);
    let embedding = Some(engine.embed(&chip).unwrap());
    Some(Glance { face, quality, cues: None, chip, embedding, keep: () })
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Whether a clip of these looks is one person's; `None` if too little of it can be used to tell.
fn is_one(looks: &[&Glance<()>], rules: &GuideRules) -> Option<bool> {
    let frames = looks.iter().map(|look| Seen::One(Box::new((*look).clone()))).collect();
    match pick(frames, rules, 4) {
        Ok(_) => Some(true),
        Err(Unpicked::SeveralFaces) => Some(false),
        Err(_) => None,
    }
}

#[test]
fn photos_of_one_are_one_and_of_two_are_two() {
    let Some(people) = shared("faces/people") else { return };
    let thresholds = Pack::load(default_pack_dir()).unwrap().thresholds();
    let rules = GuideRules::new(thresholds.enroll_gate(), thresholds.rule());
    let mut engine = default_engine();
    let looks = |dir: &PathBuf| -> Vec<Glance<()>> {
        let found = sorted(dir).into_iter().filter_map(|path| seen(&mut engine, &path));
        found.filter(|look| rules.wants_embedding(&look.quality)).collect()
    };
    let people: Vec<Vec<Glance<()>>> = sorted(&people).iter().map(looks).collect();
    let (mut ones, mut refused, mut twos, mut taken) = (0, 0, 0, 0);
    for (n, person) in people.iter().enumerate() {
        if let Some(is_one) = is_one(&person.iter().collect::<Vec<_>>(), &rules).filter(|_| person.len() > 1) {
            (ones, refused) = (ones + 1, refused + usize::from(!is_one));
        }
        for other in &people[n + 1..] {
            let count = person.len().min(other.len()).min(PHOTOS_A_PERSON);
            let both: Vec<_> = person[..count].iter().chain(&other[..count]).collect();
            if let Some(is_one) = is_one(&both, &rules).filter(|_| count > 0) {
                (twos, taken) = (twos + 1, taken + usize::from(is_one));
            }
        }
    }
    println!("{refused} of {ones} persons refused as several; {taken} of {twos} pairs of persons taken for one");
    assert!(ones > 10 && twos > 100, "too few photos are good enough to tell: {ones}, {twos}");
    assert_eq!(refused, 0, "photos of one person were taken for several persons'");
    assert!(taken * 100 <= twos, "{taken} of {twos} pairs were taken for one person");
}
