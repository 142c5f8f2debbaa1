//! Search. `search DIR ROWS A_PERSON DIMENSION` writes made-up templates and probes into DIR for a peer to read, then
//! prints one JSON object for each line it reads: milliseconds a search, recall against f64, what a change costs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ostiary_common::ids::{PersonId, TemplateId};
use ostiary_models::embed::Embedding;
use ostiary_models::search::GalleryIndex;

use super::Answer;

/// Probes; half of persons in the gallery.
const PROBES: usize = 64;
/// Persons asked for, as the decision needs them.
const NEAREST: usize = 2;
/// Least searches a round.
const SEARCHES: usize = 128;
/// Changes made while searching.
const SWAPS: usize = 30;

/// A gallery and who is looked for.
struct Scene {
    names: Vec<(PersonId, TemplateId)>,
    rows: Vec<f32>,
    probes: Vec<Embedding>,
    dimension: usize,
}

/// Times a round for each line of input.
pub fn rounds(dir: &Path, rows: usize, a_person: usize, dimension: usize) -> Answer<()> {
    let scene = Scene::new(rows, a_person.max(1), dimension);
    scene.write(dir)?;
    let index = scene.index()?;
    let exact = scene.recall(&index);
    for line in std::io::stdin().lock().lines() {
        line?;
        let mut found = scene.times(&index);
        found.insert("recall", exact);
        found.insert("bytes_a_template", index.size_bytes() as f64 / rows as f64);
        found.extend(scene.swaps(&index)?);
        println!("{}", serde_json::to_string(&found)?);
        std::io::stdout().flush()?;
    }
    Ok(())
}

impl Scene {
    /// One template a person: directions without order. Several: as faces are, all with something in common, those
    /// of a person near together, some of them nearly the same.
    fn new(rows: usize, a_person: usize, dimension: usize) -> Self {
        let mut random = Random(rows as u64 + 1);
        let common = if a_person > 1 { 1.0 } else { 0.0 };
        let centre: Vec<f32> = (0..dimension).map(|_| common * random.normal()).collect();
        let spread = |from: &[f32], by: f32, random: &mut Random| -> Vec<f32> {
            let length = by / (dimension as f32).sqrt();
            let raw = from.iter().map(|value| value + length * random.normal()).collect();
            Embedding::from_raw(raw).expect("random values are a direction").as_slice().to_vec()
        };
        let centre = spread(&centre, 1e-3, &mut random).iter().map(|value| common * value).collect::<Vec<_>>();
        let mut scene = Self { names: Vec::new(), rows: Vec::new(), probes: Vec::new(), dimension };
        let mut own = Vec::new();
        for row in 0..rows {
            let (who, shot) = (row / a_person, row % a_person);
            if shot == 0 {
                own = spread(&centre, 1.0, &mut random);
            }
            let apart = if who.is_multiple_of(10) { 0.01 } else { 0.3 };
            let template = if a_person == 1 { own.clone() } else { spread(&own, apart, &mut random) };
            scene.names.push((id(who).parse().expect("an id"), id(row).parse().expect("an id")));
            scene.rows.extend(template);
        }
        for n in 0..PROBES {
            let row = n * 7919 % rows;
            let known = scene.rows[row * dimension..(row + 1) * dimension].to_vec();
            let values = if n % 2 == 0 { spread(&known, 0.3, &mut random) } else { spread(&centre, 1.0, &mut random) };
            scene.probes.push(Embedding::from_raw(values).expect("a direction"));
        }
        scene
    }

    fn write(&self, dir: &Path) -> Answer<()> {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        fs::create_dir_all(dir)?;
        fs::write(dir.join("rows.f32"), bytes(&self.rows))?;
        let probes: Vec<f32> = self.probes.iter().flat_map(|probe| probe.as_slice().to_vec()).collect();
        Ok(fs::write(dir.join("probes.f32"), bytes(&probes))?)
    }

    fn vectors(&self) -> impl Iterator<Item = (PersonId, TemplateId, &[f32])> {
        let rows = self.names.iter().zip(self.rows.chunks_exact(self.dimension));
        rows.map(|((person, template), vector)| (*person, *template, vector))
    }

    fn index(&self) -> Answer<GalleryIndex> {
        Ok(GalleryIndex::build(self.dimension, self.vectors())?)
    }

    /// The share of probes whose nearest persons are those of a search through everything in f64, in that order.
    fn recall(&self, index: &GalleryIndex) -> f64 {
        let rows: Vec<_> = self.vectors().collect();
        let exact = |probe: &Embedding| {
            let score = |vector: &[f32]| -> f64 {
                vector.iter().zip(probe.as_slice()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let nearest = rows.chunk_by(|a, b| a.0 == b.0).map(|rows| {
                let best = rows.iter().map(|row| score(row.2)).fold(f64::NEG_INFINITY, f64::max);
                (rows[0].0, best)
            });
            let mut best: Vec<_> = nearest.collect();
            best.sort_by(|a, b| b.1.total_cmp(&a.1));
            best.into_iter().take(NEAREST).map(|(person, _)| person).collect::<Vec<_>>()
        };
        let found =
            |probe: &Embedding| index.best_persons(probe, NEAREST).iter().map(|found| found.person).collect::<Vec<_>>();
        self.probes.iter().filter(|probe| found(probe) == exact(probe)).count() as f64 / PROBES as f64
    }

    /// Median and 99th percentile of single searches.
    fn times(&self, index: &GalleryIndex) -> BTreeMap<&'static str, f64> {
        let count = SEARCHES.max(2_000_000 / self.names.len().max(1)).next_multiple_of(PROBES);
        let mut times: Vec<f64> = (0..count)
            .map(|n| {
                let start = Instant::now();
                std::hint::black_box(index.best_persons(&self.probes[n % PROBES], NEAREST));
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        BTreeMap::from([("search", times[count / 2]), ("p99", times[count * 99 / 100])])
    }

    /// Changes a person at a time while another thread searches: what a change costs, and searches whose answer was
    /// not the one person who stays.
    fn swaps(&self, index: &GalleryIndex) -> Answer<[(&'static str, f64); 2]> {
        let kept = self.names[0].0;
        let probe = Embedding::from_raw(self.rows[..self.dimension].to_vec())?;
        let (current, done) = (Mutex::new(Arc::new(index.clone())), AtomicBool::new(false));
        let snapshot = || Arc::clone(&current.lock().expect("no thread fails while it holds this"));
        let search = || {
            let mut lost = 0_u32;
            while !done.load(Ordering::Relaxed) {
                lost += u32::from(snapshot().best_persons(&probe, 1).first().is_none_or(|found| found.person != kept));
            }
            lost
        };
        let begun = Instant::now();
        let lost = std::thread::scope(|scope| {
            let searching = scope.spawn(search);
            for n in 1..=SWAPS {
                let person = self.names[n * self.names.len() / (SWAPS + 1)].0;
                let gone = if person == kept { None } else { Some(person) };
                let newer = snapshot().with_changes([], gone).expect("nothing of another dimension is put in");
                *current.lock().expect("no thread fails while it holds this") = Arc::new(newer);
            }
            done.store(true, Ordering::Relaxed);
            searching.join()
        });
        let change_ms = begun.elapsed().as_secs_f64() * 1e3 / SWAPS as f64;
        Ok([("swap_lost", f64::from(lost.map_err(|_| "a search failed")?)), ("change_ms", change_ms)])
    }
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

/// A small generator, so that every run meets the same gallery.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// About normal: a sum of four.
    fn normal(&mut self) -> f32 {
        ((0..4).map(|_| self.uniform()).sum::<f32>() - 2.0) * 1.732
    }
}
