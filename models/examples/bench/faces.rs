//! Where the faces of photos are, for the benches that paste them into scenes: `faces PACK` reads a path a line and
//! answers with one JSON line each, largest face first, and the milliseconds of a processor that finding them and
//! embedding the largest took.

use std::io::{BufRead, Write};

use ostiary_models::detect::DetectedFace;
use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::frame::RgbImage;
use ostiary_models::geometry::Point;
use ostiary_models::pack::Pack;
use serde_json::{Value, json};

use super::Answer;

/// Answers for every line of input.
pub fn answer(pack: &str) -> Answer<()> {
    let mut engine = FaceEngine::load(&Pack::load(pack)?, &EngineOptions::default())?;
    for path in std::io::stdin().lock().lines() {
        let path = path?;
        let photo: RgbImage = image::open(&path).map_err(|error| format!("{path}: {error}"))?.to_rgb8().try_into()?;
        let begun = processor_ms()?;
        let found = engine.find_faces_in_photo(photo.view())?;
        if let Some(largest) = found.first() {
            engine.embed(&engine.chip(photo.view(), largest))?;
        }
        let ms = processor_ms()? - begun;
        let faces: Vec<Value> = found.iter().map(described).collect();
        println!("{}", json!({ "path": path, "size": [photo.width(), photo.height()], "faces": faces, "ms": ms }));
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// What this thread has taken of a processor so far: other programs on the machine do not count. The kernel brings it
/// up to date every few milliseconds, so single values are rough and means are not.
fn processor_ms() -> Answer<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(told.split_whitespace().next().ok_or("the kernel tells no times")?.parse::<f64>()? / 1e6)
}

/// In pixels of the photo; the roll in degrees, clockwise.
fn described(face: &DetectedFace) -> Value {
    let pair = |point: Point| [point.x, point.y];
    let marks = &face.landmarks;
    let across = marks.left_eye.y - marks.right_eye.y;
    let roll = across.atan2(marks.left_eye.x - marks.right_eye.x).to_degrees();
    json!({
        "center": pair(face.bbox.centre()), "width": face.bbox.width, "height": face.bbox.height,
        "eyes": [pair(marks.right_eye), pair(marks.left_eye)], "nose": pair(marks.nose), "roll": roll,
        "score": face.score,
    })
}
