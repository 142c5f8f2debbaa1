//! Clips we make ourselves of a photo: of a head that lives, and of attacks with its picture. All go through the
//! same [`camera`], so that nothing but what stands before it tells them apart.
//!
//! What the clips are worth is said in `docs/liveness.md`: a head made of one photo is no person.

mod camera;
mod chance;
mod head;
mod screen;
mod sheet;
mod subject;

use std::path::Path;

use ostiary_models::frame::RgbImage;

use super::Answer;
use camera::Camera;
use chance::Chance;
use head::Head;
use screen::Screen;
use sheet::Print;
pub use subject::Subject;

/// Frames of a clip, and the time between two, in milliseconds.
pub const FRAMES: u32 = 20;
pub const INTERVAL_MS: u64 = 80;

/// What stands before the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A head that turns, sways and blinks.
    BonaFide,
    /// A large print, moved in its plane.
    PrintStill,
    /// A print in someone's hands, tilted and turned.
    HandHeld,
    /// A print cut out along the head, with holes through which living eyes look.
    Cutout,
    /// A still on a screen.
    Screen,
    /// A still, compressed hard and enlarged, filling the view.
    JpegReplay,
    /// The living head, on a screen.
    VideoReplay,
}

impl Kind {
    /// All, the living head first.
    pub const ALL: [Self; 7] = [
        Self::BonaFide,
        Self::PrintStill,
        Self::HandHeld,
        Self::Cutout,
        Self::Screen,
        Self::JpegReplay,
        Self::VideoReplay,
    ];

    /// As reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BonaFide => "bona_fide",
            Self::PrintStill => "print_still",
            Self::HandHeld => "hand_held",
            Self::Cutout => "cutout",
            Self::Screen => "screen",
            Self::JpegReplay => "jpeg_replay",
            Self::VideoReplay => "video_replay",
        }
    }
}

/// The frames of a clip; the same `seed` gives the same clip.
pub fn clip(kind: Kind, subject: &Subject, seed: u64) -> Vec<RgbImage> {
    let mut chance = Chance::new(seed ^ (kind as u64) << 32);
    let camera = Camera::new(&mut chance);
    match kind {
        Kind::BonaFide => {
            let head = Head::new(&mut chance);
            film(&camera, seed, 2, |time| moment(head.at(time), move |head, x, y| head.look(subject, x, y)))
        }
        Kind::Screen | Kind::VideoReplay => {
            let screen = Screen::new(kind, &mut chance);
            film(&camera, seed, 4, |time| moment(screen.at(time), move |screen, x, y| screen.look(subject, x, y)))
        }
        Kind::PrintStill | Kind::HandHeld | Kind::Cutout | Kind::JpegReplay => {
            let copy = (kind == Kind::JpegReplay).then(|| subject.compressed(30));
            let shown = copy.as_ref().unwrap_or(subject);
            let print = Print::new(kind, &mut chance);
            film(&camera, seed, 2, |time| moment(print.at(time), move |print, x, y| print.look(shown, x, y)))
        }
    }
}

/// The frames a camera takes of what `looks` gives for a time in seconds.
fn film<'a>(camera: &Camera, seed: u64, fine: u32, looks: impl Fn(f32) -> Look<'a>) -> Vec<RgbImage> {
    let time = |index: u32| index as f32 * INTERVAL_MS as f32 / 1000.0;
    // The row of noise goes on from frame to frame.
    let mut noise = Chance::new(seed.wrapping_mul(3));
    (0..FRAMES).map(|index| camera.take(index, fine, &mut noise, &*looks(time(index)))).collect()
}

/// The colour at a point of the view at one time.
type Look<'a> = Box<dyn Fn(f32, f32) -> [f32; 3] + 'a>;

fn moment<'a, T: 'a>(now: T, look: impl Fn(&T, f32, f32) -> [f32; 3] + 'a) -> Look<'a> {
    Box::new(move |x, y| look(&now, x, y))
}

/// Writes a clip of every kind as folders of PNG files, to be looked at or judged by `ostiaryd eval pad`.
pub fn write(pack: &str, photo: &Path, dir: &Path) -> Answer<()> {
    let mut engine = super::pad::engine(pack)?;
    let subject = Subject::find(&mut engine, photo)?.ok_or("no face in the photo")?;
    for kind in Kind::ALL {
        let folder = dir.join(kind.name());
        std::fs::create_dir_all(&folder)?;
        for (index, frame) in clip(kind, &subject, 1).into_iter().enumerate() {
            let (width, height) = (frame.width(), frame.height());
            let frame = image::RgbImage::from_raw(width, height, frame.into_raw()).ok_or("a whole frame")?;
            frame.save(folder.join(format!("{index:04}.png")))?;
        }
    }
    Ok(())
}
