//! Liveness on clips we make ourselves: `pad PACK FACES develop|report PHOTOS_A_PERSON` prints one JSON object a sample, of the
//! people of one half. Thresholds are drawn on one half, and what they come to is reported on the other.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use ostiary_models::detect::DetectedFace;
use ostiary_models::engine::{EngineOptions, FaceEngine};
use ostiary_models::frame::RgbImage;
use ostiary_models::liveness::{Liveness, LivenessTrack};
use ostiary_models::pack::Pack;
use serde_json::json;

use super::Answer;
use super::attacks::{self, Kind, Subject};

/// Which people.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Those thresholds may be drawn on.
    Develop,
    /// Those figures are reported for.
    Report,
}

impl FromStr for Half {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "develop" => Ok(Self::Develop),
            "report" => Ok(Self::Report),
            other => Err(format!("`{other}` is neither develop nor report")),
        }
    }
}

/// An engine of the pack.
pub fn engine(pack: &str) -> Answer<FaceEngine> {
    Ok(FaceEngine::load(&Pack::load(pack)?, &EngineOptions::default())?)
}

/// Judges clips of every kind, made of so many photos of each person, and single photos as visits of one look.
pub fn run(pack: &str, faces: &Path, half: Half, photos: usize) -> Answer<()> {
    let mut engine = engine(pack)?;
    for (index, person) in people(faces, half)?.iter().enumerate() {
        let mut made = 0;
        for photo in sorted(person)? {
            single(&mut engine, &photo)?;
            if made < photos
                && let Some(subject) = Subject::find(&mut engine, &photo)?
            {
                let seed = (index * 100 + made) as u64 + 100_000 * u64::from(half == Half::Develop);
                clips(&mut engine, &photo, &subject, seed)?;
                made += 1;
            }
        }
    }
    Ok(())
}

/// Every second person of the folder belongs to the other half.
fn people(faces: &Path, half: Half) -> Answer<Vec<PathBuf>> {
    let first = usize::from(half == Half::Report);
    Ok(sorted(&faces.join("people"))?.into_iter().skip(first).step_by(2).collect())
}

/// The entries of a folder.
pub fn sorted(dir: &Path) -> Answer<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Answer<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn clips(engine: &mut FaceEngine, photo: &Path, subject: &Subject, seed: u64) -> Answer<()> {
    for kind in Kind::ALL {
        let found = judge(engine, &attacks::clip(kind, subject, seed))?;
        print(kind.name(), photo, found);
    }
    Ok(())
}

/// A photo as it is: the cues of single looks must not take it for an attack, and one look is never enough.
fn single(engine: &mut FaceEngine, photo: &Path) -> Answer<()> {
    let picture: RgbImage = image::open(photo)?.to_rgb8().try_into()?;
    let Some(face) = engine.find_faces_in_photo(picture.view())?.first().copied() else { return Ok(()) };
    let mut track = LivenessTrack::new(&engine.liveness_rules());
    let times = vec![look(engine, &mut track, Duration::ZERO, &picture, &face)?];
    print("photo", photo, Judged { track, times });
    Ok(())
}

/// What a clip came to.
struct Judged {
    track: LivenessTrack,
    /// What the cues of each look took.
    times: Vec<Duration>,
}

/// Follows the face from its place in the frame before, as the pipeline does.
fn judge(engine: &mut FaceEngine, frames: &[RgbImage]) -> Answer<Judged> {
    let mut track = LivenessTrack::new(&engine.liveness_rules());
    let (mut last, mut times) = (None, Vec::new());
    for (index, frame) in frames.iter().enumerate() {
        let coarse = match last {
            Some(face) => Some(face),
            None => engine.find_faces(frame.view())?.first().copied(),
        };
        let Some(coarse) = coarse else { continue };
        let face = engine.refine(frame.view(), &coarse)?;
        let at = Duration::from_millis(index as u64 * attacks::INTERVAL_MS);
        times.push(look(engine, &mut track, at, frame, &face)?);
        last = Some(face);
    }
    Ok(Judged { track, times })
}

fn look(
    engine: &mut FaceEngine,
    track: &mut LivenessTrack,
    at: Duration,
    frame: &RgbImage,
    face: &DetectedFace,
) -> Answer<Duration> {
    let chip = engine.chip(frame.view(), face);
    let begun = Instant::now();
    let cues = engine.liveness_cues(frame.view(), face, &chip)?;
    track.observe(at, face, cues);
    Ok(begun.elapsed())
}

fn print(kind: &str, photo: &Path, mut judged: Judged) {
    let found = judged.track.verdict();
    let Liveness { score, cue, enough, .. } = found;
    judged.times.sort();
    let cues_ms = judged.times.get(judged.times.len() / 2).map(|time| time.as_secs_f64() * 1e3);
    let strengths: serde_json::Map<_, _> =
        judged.track.strengths().into_iter().map(|(cue, strength)| (format!("{cue:?}"), json!(strength))).collect();
    let line = json!({
        "kind": kind, "photo": photo.display().to_string(), "looks": judged.times.len(), "score": score,
        "cue": cue.map(|cue| format!("{cue:?}")), "enough": enough,
        "suspected": found.is_suspected(), "cues_ms": cues_ms, "strengths": strengths,
    });
    println!("{line}");
}
