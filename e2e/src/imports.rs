//! Archives to import, and what becomes of them: for the kill test and the bench.

pub mod bench;
pub mod kills;

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::api::Api;
use crate::clip::Sitter;

/// How often a job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Photos of an archive, each of a person of its own: the portraits there are, cut and lit so that no two are alike.
///
/// # Errors
/// If a portrait is missing.
pub fn photos(count: usize) -> Result<Vec<Vec<u8>>> {
    let sitters = [Sitter::Obama2012, Sitter::Biden2010, Sitter::Astronaut];
    let portraits = sitters.map(|sitter| image::open(sitter.path()).map(|picture| picture.into_rgb8()));
    let portraits: Vec<RgbImage> = portraits.into_iter().collect::<Result<_, _>>().context("a portrait")?;
    (0..count).map(|n| photo(&portraits[n % portraits.len()], n)).collect()
}

fn photo(portrait: &RgbImage, n: usize) -> Result<Vec<u8>> {
    let (cut, light) = ((n / 3 % 24) as u32, 1.0 - (n / 72 % 20) as f32 * 0.01);
    let (width, height) = (portrait.width() - cut, portrait.height() - cut);
    let mut picture = imageops::crop_imm(portrait, cut / 2, cut / 2, width, height).to_image();
    picture.iter_mut().for_each(|value| *value = (f32::from(*value) * light) as u8);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 80 + (n % 15) as u8).encode_image(&picture)?;
    Ok(bytes)
}

/// An archive in which each photo belongs to a person of its own. Every twentieth photo is cut short, and is to be
/// refused.
///
/// # Errors
/// If it cannot be written.
pub fn archive(photos: &[Vec<u8>], spoil: bool) -> Result<Vec<u8>> {
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("persons.csv", SimpleFileOptions::default())?;
    writer.write_all(b"external_id,name,consent\n")?;
    for n in 0..photos.len() {
        writer.write_all(format!("E{n},Person {n},yes\n").as_bytes())?;
    }
    for (n, photo) in photos.iter().enumerate() {
        writer.start_file(format!("photos/E{n}.jpg"), stored)?;
        let keep = if spoil && n % 20 == 19 { photo.len() / 3 } else { photo.len() };
        writer.write_all(&photo[..keep])?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Sends an archive; returns the job.
///
/// # Errors
/// If the server refuses.
pub async fn send(api: &Api, archive: Vec<u8>) -> Result<String> {
    let answer = api.post_bytes("/api/v1/imports", "application/zip", archive).await?.ok()?;
    Ok(answer["job"].as_str().context("the job")?.to_owned())
}

/// Waits until a job is over.
///
/// # Errors
/// If it takes longer than `at_most`.
pub async fn over(api: &Api, job: &str, at_most: Duration) -> Result<Value> {
    let until = Instant::now() + at_most;
    loop {
        let found = api.get(&format!("/api/v1/jobs/{job}")).await?;
        if matches!(found["state"].as_str(), Some("done" | "cancelled")) {
            return Ok(found);
        }
        if Instant::now() > until {
            bail!("the job is not over: {found}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// How many items ended how, by state and reason.
///
/// # Errors
/// If the server refuses.
pub async fn tally(api: &Api, job: &str) -> Result<BTreeMap<(String, String), u64>> {
    let (mut counts, mut next) = (BTreeMap::new(), String::new());
    loop {
        let page = api.get(&format!("/api/v1/jobs/{job}/items?limit=500{next}")).await?;
        for item in page["items"].as_array().context("items")? {
            let word = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
            *counts.entry((word("state"), word("reason"))).or_insert(0) += 1;
        }
        match page["next"].as_u64() {
            Some(n) => next = format!("&after={n}"),
            None => return Ok(counts),
        }
    }
}

/// Whether everything ended exactly once: as many templates as photos taken, and every item with an end.
///
/// # Errors
/// If something is missing or there twice.
pub async fn exactly_once(api: &Api, job: &str, photos: u64) -> Result<()> {
    let counts = tally(api, job).await?;
    let total: u64 = counts.values().sum();
    ensure!(total == photos * 2, "{total} items of {photos} persons and as many photos: {counts:?}");
    let open = |state: &str| matches!(state, "waiting" | "leased" | "cancelled");
    ensure!(!counts.keys().any(|(state, _)| open(state)), "items that never ended: {counts:?}");
    let rows = counts.get(&("done".into(), "added".into())).copied().unwrap_or(0);
    let gallery = api.get("/api/v1/gallery").await?;
    let templates = gallery["templates"].as_u64().context("templates")?;
    ensure!(rows == photos + templates, "{templates} templates, and {rows} persons and photos added: {counts:?}");
    Ok(())
}
