//! Moving clips of a portrait, as a camera at a door would see them: someone comes near, looks about,
//! stands, and leaves, before a plain wall; with changing light, motion blur, sensor noise and JPEG.
//!
//! Everything follows from the script and a seed, so that a clip is the same on every machine. Start reading
//! at [`Clip::render`]; the way from [`Pose`] to pixel is `figure.rs`, then `camera.rs`.

mod camera;
mod figure;
mod motion;
mod portrait;
mod room;
mod turning;

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

pub use camera::{Camera, Canvas};
pub use figure::draw;
pub use motion::{Pose, ease, walk};
pub use portrait::{Portrait, PortraitError, Sitter};
pub use turning::turning;

pub use room::Room;

/// Someone walking through a scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walker {
    /// Who.
    pub sitter: Sitter,
    /// Where they stand, as a share of the frame's width from its centre: −0.5 to 0.5.
    pub lane: f32,
}

/// A part of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// How long it takes.
    pub seconds: f32,
    /// Who is there, all at once; nobody in an empty scene.
    pub walkers: Vec<Walker>,
}

impl Scene {
    /// Nobody is there.
    #[must_use]
    pub const fn empty(seconds: f32) -> Self {
        Self { seconds, walkers: Vec::new() }
    }

    /// One person comes and goes.
    #[must_use]
    pub fn visit(sitter: Sitter, seconds: f32) -> Self {
        Self { seconds, walkers: vec![Walker { sitter, lane: 0.0 }] }
    }

    /// Two persons come and go side by side.
    #[must_use]
    pub fn visit_of_two(left: Sitter, right: Sitter, seconds: f32) -> Self {
        let walkers = vec![Walker { sitter: left, lane: -0.25 }, Walker { sitter: right, lane: 0.25 }];
        Self { seconds, walkers }
    }
}

/// A rendered clip: JPEG frames at a steady rate.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Frames in order, each a JPEG.
    pub frames: Vec<Vec<u8>>,
    /// Frames per second.
    pub fps: u32,
}

impl Clip {
    /// Renders a script, on every core.
    ///
    /// # Errors
    /// [`PortraitError`] if a sitter's picture is missing or no picture.
    pub fn render(script: &[Scene], camera: &Camera) -> Result<Self, PortraitError> {
        Ok(Self::of(&shots(script, camera)?, camera))
    }

    /// Renders somebody who moves as `pose` says at each share (0..1) of the time; nobody is there where it says nothing.
    ///
    /// # Errors
    /// [`PortraitError`] if the sitter's picture is missing or no picture.
    pub fn posed(
        sitter: Sitter,
        seconds: f32,
        camera: &Camera,
        pose: impl Fn(f32, &Portrait) -> Option<Pose>,
    ) -> Result<Self, PortraitError> {
        let portrait = sitter.portrait()?;
        let frames = (seconds * camera.fps as f32).round() as usize;
        let shot = |frame: usize| {
            let at = |frame: f32| pose((frame / frames as f32).min(1.0), portrait);
            let opens = at(frame as f32);
            let closes = at(frame as f32 + camera.shutter);
            let figure = opens.zip(closes).map(|(opens, closes)| Appearance { portrait, opens, closes });
            figure.into_iter().collect::<Shot>()
        };
        Ok(Self::of(&(0..frames).map(shot).collect::<Vec<_>>(), camera))
    }

    fn of(shots: &[Shot], camera: &Camera) -> Self {
        let room = Room::new(camera);
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let share = shots.len().div_ceil(cores).max(1);
        let frames = thread::scope(|scope| {
            let room = &room;
            let parts: Vec<_> = shots
                .chunks(share)
                .enumerate()
                .map(|(part, shots)| scope.spawn(move || take(shots, part * share, room, camera)))
                .collect();
            parts.into_iter().flat_map(|part| part.join().expect("rendering does not panic")).collect()
        });
        Self { frames, fps: camera.fps }
    }

    /// How long it takes.
    #[must_use]
    pub fn seconds(&self) -> f32 {
        self.frames.len() as f32 / self.fps as f32
    }

    /// Writes one file of JPEGs one after the other (MJPEG).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_mjpeg(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.frames.concat())
    }

    /// Writes a folder of `frame-00001.jpg` and so on.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for (number, frame) in (1..).zip(&self.frames) {
            fs::write(folder.join(format!("frame-{number:05}.jpg")), frame)?;
        }
        Ok(())
    }
}

/// One figure in one frame: where it is when the shutter opens, and when it closes.
struct Appearance {
    portrait: &'static Portrait,
    opens: Pose,
    closes: Pose,
}

/// Everything the camera sees in one frame.
type Shot = Vec<Appearance>;

fn shots(script: &[Scene], camera: &Camera) -> Result<Vec<Shot>, PortraitError> {
    let mut shots = Vec::new();
    for (number, scene) in script.iter().enumerate() {
        let frames = (scene.seconds * camera.fps as f32).round() as usize;
        for frame in 0..frames {
            let at = |frame: f32| frame / frames as f32;
            let appear = |walker: &Walker| -> Result<Appearance, PortraitError> {
                let portrait = walker.sitter.portrait()?;
                let pose = |progress| walk(progress, scene.seconds, walker.lane, portrait, camera, number as u64);
                let opens = pose(at(frame as f32));
                Ok(Appearance { portrait, opens, closes: pose(at(frame as f32 + camera.shutter)) })
            };
            shots.push(scene.walkers.iter().map(appear).collect::<Result<_, _>>()?);
        }
    }
    Ok(shots)
}

fn take(shots: &[Shot], first: usize, room: &Room, camera: &Camera) -> Vec<Vec<u8>> {
    let expose = |(number, shot): (usize, &Shot)| {
        let mut canvas = room.canvas();
        for figure in shot {
            figure::draw(&mut canvas, figure.portrait, &figure.opens, &figure.closes);
        }
        camera.develop(&canvas, number as u64)
    };
    shots.iter().enumerate().map(|(offset, shot)| expose((first + offset, shot))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_clip(seed: u64) -> Clip {
        let camera = Camera { width: 160, height: 120, seed, ..Camera::default() };
        Clip::render(&[Scene::empty(0.2), Scene::visit(Sitter::Astronaut, 0.4)], &camera).unwrap()
    }

    #[test]
    fn a_clip_follows_from_script_and_seed() {
        let first = small_clip(1);
        assert_eq!(first.frames, small_clip(1).frames);
        assert_ne!(first.frames, small_clip(2).frames);
        assert_eq!(first.frames.len(), 9);
        assert!((first.seconds() - 0.6).abs() < 1e-6);
    }

    #[test]
    fn an_mjpeg_file_is_its_frames_in_order() {
        let clip = small_clip(1);
        let folder = tempfile::tempdir().unwrap();
        clip.write_mjpeg(&folder.path().join("clip.mjpeg")).unwrap();
        clip.write_folder(&folder.path().join("frames")).unwrap();
        let bytes = fs::read(folder.path().join("clip.mjpeg")).unwrap();
        assert_eq!(bytes.len(), clip.frames.iter().map(Vec::len).sum::<usize>());
        assert_eq!(fs::read_dir(folder.path().join("frames")).unwrap().count(), clip.frames.len());
    }
}
