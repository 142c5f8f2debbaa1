//! From which similarity on two photos show the same look: `near PACK FACES` makes copies of each labelled photo as people
//! make them, and prints one JSON object: which share of the copies, and which share of different photos of the same
//! person, reach each similarity.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use ostiary_models::embed::Embedding;
use ostiary_models::engine::FaceEngine;
use ostiary_models::frame::RgbImage;
use serde_json::json;

use super::Answer;
use super::pad::{engine, sorted};

/// Similarities looked at, in thousandths.
const LIMITS: [u16; 8] = [960, 970, 975, 980, 985, 990, 993, 995];

/// A copy as people make them.
type Copying = fn(&image::RgbImage) -> Answer<image::RgbImage>;

/// Each with its name.
const COPIES: [(&str, Copying); 5] = [
    ("saved again", |photo| saved(photo, 60)),
    ("saved badly", |photo| saved(photo, 35)),
    ("smaller", |photo| Ok(scaled(photo, 0.6))),
    ("cut", |photo| {
        let (width, height) = (photo.width(), photo.height());
        Ok(imageops::crop_imm(photo, width / 40, height / 40, width - width / 20, height - height / 20).to_image())
    }),
    ("lighter", |photo| Ok(imageops::brighten(photo, 18))),
];

/// Measures all of it.
pub fn run(pack: &str, faces: &Path) -> Answer<()> {
    let mut engine = engine(pack)?;
    let (mut copies, mut others, mut photos) = (vec![Vec::new(); COPIES.len()], Vec::new(), 0);
    for folder in sorted(&faces.join("people"))? {
        let mut of_person: Vec<Embedding> = Vec::new();
        for path in sorted(&folder)? {
            let photo = image::open(&path)?.to_rgb8();
            let Some(own) = embedded(&mut engine, photo.clone())? else { continue };
            photos += 1;
            for ((_, copy), found) in COPIES.iter().zip(&mut copies) {
                if let Some(copied) = embedded(&mut engine, copy(&photo)?)? {
                    found.push(own.similarity(&copied));
                }
            }
            others.extend(of_person.iter().map(|other| other.similarity(&own)));
            of_person.push(own);
        }
    }
    let reaching = |found: &[f32]| -> Vec<f32> {
        let share = |limit: &u16| {
            let limit = f32::from(*limit) / 1000.0;
            found.iter().filter(|similarity| **similarity >= limit).count() as f32 / found.len().max(1) as f32
        };
        LIMITS.iter().map(share).collect()
    };
    let kinds: serde_json::Map<_, _> =
        COPIES.iter().zip(&copies).map(|((name, _), found)| ((*name).to_owned(), json!(reaching(found)))).collect();
    let (all, most) = (copies.concat(), others.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    println!(
        "{}",
        json!({
            "photos": photos, "copies": all.len(), "pairs": others.len(),
            "limits": LIMITS.map(|limit| f32::from(limit) / 1000.0), "copies_reaching": reaching(&all),
            "others_reaching": reaching(&others), "by_kind": kinds, "most_alike_others": most,
        })
    );
    Ok(())
}

fn embedded(engine: &mut FaceEngine, photo: image::RgbImage) -> Answer<Option<Embedding>> {
    let photo: RgbImage = photo.try_into()?;
    let Some(face) = engine.find_faces_in_photo(photo.view())?.first().copied() else { return Ok(None) };
    Ok(Some(engine.embed_still(&engine.chip(photo.view(), &face))?))
}

fn saved(photo: &image::RgbImage, quality: u8) -> Answer<image::RgbImage> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(photo)?;
    Ok(image::load_from_memory(&jpeg)?.to_rgb8())
}

fn scaled(photo: &image::RgbImage, by: f32) -> image::RgbImage {
    let side = |length: u32| ((length as f32 * by).round() as u32).max(8);
    imageops::resize(photo, side(photo.width()), side(photo.height()), FilterType::Triangle)
}
