//! Grouping of unknown visitors on labelled photos: `groups PACK FACES ORDERS` takes each photo for a visit, lets them
//! arrive in random orders as the server takes them, and prints one JSON object: pairwise precision and recall of each
//! order, before and after regrouping, for each threshold, and the embeddings for a peer to group.

use std::collections::BTreeMap;
use std::path::Path;

use ostiary_models::embed::Embedding;
use ostiary_models::frame::RgbImage;
use ostiary_models::grouping::{Face, inherit, nearest, partition};
use ostiary_models::metrics::Random;
use serde_json::{Value, json};

use super::Answer;
use super::pad::{engine, sorted};

/// Visits between two regroupings.
const REGROUP_EVERY: usize = 25;
/// Least mean similarities looked at, in thousandths.
const THRESHOLDS: [u16; 13] = [880, 890, 900, 905, 910, 915, 920, 925, 930, 935, 940, 950, 960];

/// A visit, and who it was.
struct Visit {
    person: usize,
    embedding: Embedding,
}

/// Measures all of it.
pub fn run(pack: &str, faces: &Path, orders: u64) -> Answer<()> {
    let visits = visits(pack, faces)?;
    let by_threshold: BTreeMap<u16, Value> = THRESHOLDS
        .into_iter()
        .map(|thousandths| {
            (
                thousandths,
                json!(
                    (1..=orders).map(|seed| arrive(&visits, f32::from(thousandths) / 1000.0, seed)).collect::<Vec<_>>()
                ),
            )
        })
        .collect();
    let people: Vec<usize> = visits.iter().map(|visit| visit.person).collect();
    let embeddings: Vec<&[f32]> = visits.iter().map(|visit| visit.embedding.as_slice()).collect();
    println!("{}", json!({ "people": people, "embeddings": embeddings, "ours": by_threshold }));
    Ok(())
}

fn visits(pack: &str, faces: &Path) -> Answer<Vec<Visit>> {
    let mut engine = engine(pack)?;
    let mut visits = Vec::new();
    for (person, folder) in sorted(&faces.join("people"))?.iter().enumerate() {
        for path in sorted(folder)? {
            let photo: RgbImage = image::open(&path)?.to_rgb8().try_into()?;
            let Some(face) = engine.find_faces_in_photo(photo.view())?.first().copied() else { continue };
            let embedding = engine.embed_still(&engine.chip(photo.view(), &face))?;
            visits.push(Visit { person, embedding });
        }
    }
    Ok(visits)
}

/// Has visits arrive in an order, regrouping now and then, and judges what came of it, of either half of the people too:
/// thresholds are chosen on one and reported for the other.
fn arrive(visits: &[Visit], threshold: f32, seed: u64) -> Value {
    let mut groups: BTreeMap<usize, usize> = BTreeMap::new();
    let mut quick: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut next, mut renamed) = (0, 0);
    for (count, visit) in order(visits.len(), seed).into_iter().enumerate() {
        for groups in [&mut groups, &mut quick] {
            let members = groups.iter().map(|(member, group)| (*group, &visits[*member].embedding));
            let joined = nearest(&visits[visit].embedding, members, threshold).map_or(next, |(group, _)| group);
            groups.insert(visit, joined);
        }
        next += 1;
        if (count + 1) % REGROUP_EVERY == 0 || count + 1 == visits.len() {
            renamed += regroup(visits, &mut groups, threshold, &mut next);
        }
    }
    let judged = |groups: &BTreeMap<usize, usize>, which: fn(usize) -> bool| {
        let (precision, recall) = pairwise(visits, groups, which);
        json!({ "precision": precision, "recall": recall })
    };
    json!({
        "all": judged(&groups, |_| true), "even": judged(&groups, |person| person % 2 == 0),
        "odd": judged(&groups, |person| person % 2 == 1), "quick": judged(&quick, |_| true), "moved": renamed,
        "groups": groups.values().collect::<std::collections::BTreeSet<_>>().len(),
    })
}

/// Groups anew; returns how many visits have another name then.
fn regroup(visits: &[Visit], groups: &mut BTreeMap<usize, usize>, threshold: f32, next: &mut usize) -> usize {
    let faces: Vec<Face<'_, usize, usize>> =
        groups.keys().map(|key| Face { key: *key, embedding: &visits[*key].embedding, pin: None }).collect();
    let clusters = partition(&faces, threshold);
    let names = inherit(groups, &clusters);
    let mut moved = 0;
    for (cluster, name) in clusters.iter().zip(names) {
        let name = name.unwrap_or_else(|| {
            *next += 1;
            *next
        });
        for key in &cluster.keys {
            moved += usize::from(groups.insert(*key, name) != Some(name));
        }
    }
    moved
}

fn order(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random::new(seed);
    for place in (1..count).rev() {
        order.swap(place, random.index(place + 1));
    }
    order
}

/// Of the pairs put together, the share that belongs together; of those that belong together, the share put together.
fn pairwise(visits: &[Visit], groups: &BTreeMap<usize, usize>, which: fn(usize) -> bool) -> (f64, f64) {
    let of: Vec<(usize, usize)> = groups
        .iter()
        .map(|(visit, group)| (visits[*visit].person, *group))
        .filter(|(person, _)| which(*person))
        .collect();
    let (mut right, mut together, mut same) = (0_u32, 0_u32, 0_u32);
    for (place, a) in of.iter().enumerate() {
        for b in &of[..place] {
            together += u32::from(a.1 == b.1);
            same += u32::from(a.0 == b.0);
            right += u32::from(a == b);
        }
    }
    let share = |part: u32, whole: u32| if whole == 0 { 1.0 } else { f64::from(part) / f64::from(whole) };
    (share(right, together), share(right, same))
}
