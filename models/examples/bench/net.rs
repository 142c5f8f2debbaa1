//! The nets. `net PACK FRAME` prints one JSON object of each stage's milliseconds for each line it reads; `bare-nets`
//! times the nets alone on one kind of kernels; `frames FRAME DIR COUNT` writes frames of a face that drifts through
//! the picture, for a daemon to replay.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ostiary_models::embed::Embedding;
use ostiary_models::engine::{EngineOptions, FaceEngine, Kernels};
use ostiary_models::frame::RgbImage;
use ostiary_models::measure::BareNet;
use ostiary_models::pack::Pack;
use ostiary_models::quality::FaceQuality;

use super::Answer;

/// How long each stage is repeated in a round; the median of the runs counts.
const STAGE_TIME: Duration = Duration::from_millis(400);
/// The frames' size, that of most door cameras.
const FRAME: (u32, u32) = (640, 480);

/// Times every stage once a line of input.
pub fn rounds(pack: &str, frame: &str) -> Answer<()> {
    let pack = Pack::load(pack)?;
    let mut engine = FaceEngine::load(&pack, &EngineOptions::default())?;
    let frame = placed(&picture(Path::new(frame))?, 0);
    for line in std::io::stdin().lock().lines() {
        line?;
        answer(&BTreeMap::from(stages(&mut engine, &frame)?))?;
    }
    Ok(())
}

/// The bare nets, computed with one kind of kernels. Each line of input asks for something: the milliseconds of a run
/// of the `detector` or the `embedder`, or of `load`ing both; their `outputs`; the `kernels` in use.
pub fn bare(pack: &str, input: &str, chip: &str, kernels: &str) -> Answer<()> {
    let kernels = Kernels::parse(kernels).ok_or("kernels: auto, stock or an instruction set")?;
    let pack = Pack::load(pack)?;
    let (input, chip) = (picture(Path::new(input))?, picture(Path::new(chip))?);
    let start = Instant::now();
    let mut detector = BareNet::detector(&pack, &input, kernels)?;
    let detector_load = start.elapsed();
    let mut embedder = BareNet::embedder(&pack, &chip, kernels)?;
    let loads = [("detector", detector_load), ("embedder", start.elapsed() - detector_load)];
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "detector" => answer(&BTreeMap::from([("detector", median_ms(|| Ok(detector.run()?))?)]))?,
            "embedder" => answer(&BTreeMap::from([("embedder", median_ms(|| Ok(embedder.run()?))?)]))?,
            "outputs" => {
                answer(&BTreeMap::from([("detector", detector.outputs()?), ("embedder", embedder.outputs()?)]))?;
            }
            "kernels" => answer(&BTreeMap::from([
                ("detector", detector.kernels().to_string()),
                ("embedder", embedder.kernels().to_string()),
            ]))?,
            _ => answer(
                &loads.map(|(net, time)| (net, time.as_secs_f64() * 1e3)).into_iter().collect::<BTreeMap<_, _>>(),
            )?,
        }
    }
    Ok(())
}

fn answer(value: &impl serde::Serialize) -> Answer<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(std::io::stdout().flush()?)
}

/// Each stage by itself, and all of them for one face of one frame.
fn stages(engine: &mut FaceEngine, frame: &RgbImage) -> Answer<[(&'static str, f64); 6]> {
    let view = frame.view();
    let coarse = *engine.find_faces(view)?.first().ok_or("no face in the frame")?;
    let face = engine.refine(view, &coarse)?;
    let chip = engine.chip(view, &face);
    Ok([
        ("detect", median_ms(|| Ok(engine.find_faces(view)?))?),
        ("refine", median_ms(|| Ok(engine.refine(view, &coarse)?))?),
        ("align", median_ms(|| Ok(engine.chip(view, &face)))?),
        ("quality", median_ms(|| Ok(engine.quality(&face, &chip)))?),
        ("embed", median_ms(|| Ok(engine.embed(&chip)?))?),
        ("pipeline", median_ms(|| whole(engine, frame))?),
    ])
}

fn whole(engine: &mut FaceEngine, frame: &RgbImage) -> Answer<(FaceQuality, Embedding)> {
    let view = frame.view();
    let coarse = *engine.find_faces(view)?.first().ok_or("no face in the frame")?;
    let face = engine.refine(view, &coarse)?;
    let chip = engine.chip(view, &face);
    Ok((engine.quality(&face, &chip), engine.embed(&chip)?))
}

fn median_ms<T>(mut work: impl FnMut() -> Answer<T>) -> Answer<f64> {
    let begun = Instant::now();
    let mut times = Vec::new();
    while begun.elapsed() < STAGE_TIME || times.len() < 5 {
        let start = Instant::now();
        // What is measured would be left out if nothing looked at the result.
        std::hint::black_box(work()?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Writes frames of a drifting face.
pub fn frames(portrait: &Path, dir: &Path, count: u32) -> Answer<()> {
    let portrait = picture(portrait)?;
    std::fs::create_dir_all(dir)?;
    for index in 0..count {
        let frame = placed(&portrait, index as usize);
        let frame = image::RgbImage::from_raw(FRAME.0, FRAME.1, frame.into_raw()).ok_or("a whole frame")?;
        frame.save(dir.join(format!("{index:04}.jpg")))?;
    }
    Ok(())
}

/// The portrait cut to a camera's size, on grey, `shift` pixels to the right.
fn placed(portrait: &RgbImage, shift: usize) -> RgbImage {
    let (width, height) = (FRAME.0 as usize, FRAME.1 as usize);
    let mut data = vec![110; 3 * width * height];
    let left = (40 + shift).min(width);
    for (y, row) in data.chunks_exact_mut(3 * width).enumerate().take(portrait.height() as usize) {
        for (target, pixel) in row[3 * left..].iter_mut().zip(portrait.view().row(y as u32)) {
            *target = *pixel;
        }
    }
    RgbImage::from_raw(FRAME.0, FRAME.1, data).expect("one byte a colour of each pixel")
}

fn picture(path: &Path) -> Answer<RgbImage> {
    Ok(image::open(path)?.to_rgb8().try_into()?)
}
