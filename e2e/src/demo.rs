//! The demo: what Ostiary exists for, in a minute, with nothing left behind.
//!
//! A camera sees an unknown visitor; the admin enrolls that person on the server, from another photo; the
//! camera recognises the next visit by itself; somebody else stays unknown. `cargo xtask demo` plays it.

mod hints;
mod latency;
mod print;
mod story;
mod visit;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use tokio::signal::unix::{SignalKind, signal};

use crate::clip::{Camera, Clip, Scene, Sitter};
use crate::daemon::View;
use crate::stage::Stage;

use story::Story;

/// Who is enrolled during the demo, as the camera sees them.
pub const VISITOR: Sitter = Sitter::Obama2009;
/// The photo they are enrolled with: taken three years later, in another place.
pub const PHOTO: Sitter = Sitter::Obama2012;
/// Who stays unknown.
pub const STRANGER: Sitter = Sitter::Biden2010;

/// How to play.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// End after the story, with an error if it did not happen.
    pub check: bool,
    /// A real camera instead of the clip.
    pub camera: Option<PathBuf>,
    /// The photo to enroll with, for a real camera.
    pub photo: Option<PathBuf>,
}

/// The clip's script, played again and again: one comes and goes, then the other.
#[must_use]
pub fn script() -> Vec<Scene> {
    vec![
        Scene::empty(1.0),
        Scene::visit(VISITOR, 5.0),
        Scene::empty(2.0),
        Scene::visit(STRANGER, 5.0),
        Scene::empty(1.5),
    ]
}

/// Plays the demo; without `check` it goes on until it is stopped.
///
/// # Errors
/// If the story did not happen; the error says where it ended.
pub async fn play(options: &Options) -> Result<()> {
    ensure!(
        !options.check || options.camera.is_none() || options.photo.is_some(),
        "--check with --camera needs --photo: nobody would be enrolled otherwise"
    );
    let stage = Stage::open().await?;
    let mut stopped = Stop::new()?;
    tokio::select! {
        played = act(&stage, options) => played.inspect_err(|_| eprintln!("{}", stage.logs())),
        () = stopped.wait() => Ok(()),
    }
}

async fn act(stage: &Stage, options: &Options) -> Result<()> {
    print::title();
    let mut story = Story::begin(stage, view(stage, options)?).await?;
    let told = match (&options.camera, &options.photo) {
        (Some(_), None) => story.watch_camera(),
        (Some(_), Some(photo)) => {
            let photo = std::fs::read(photo).with_context(|| format!("reading {}", photo.display()))?;
            story.tell_with_camera(photo).await
        }
        (None, _) => story.tell().await,
    };
    told?;
    if options.check {
        print::done("everything happened as it should");
        return story.end().await;
    }
    hints::print(stage, story.server());
    story.go_on().await
}

fn view(stage: &Stage, options: &Options) -> Result<View> {
    if let Some(camera) = &options.camera {
        return Ok(View::Camera(camera.clone()));
    }
    let path = stage.file("visits.mjpeg");
    let camera = Camera::default();
    let clip = Clip::render(&script(), &camera)?;
    clip.write_mjpeg(&path).context("writing the clip")?;
    let (seconds, Camera { width, height, fps, .. }) = (clip.seconds(), camera);
    print::step("clip", &format!("{seconds:.0} s of two people before a door, {width}x{height} at {fps} fps"));
    Ok(View::Loop { path, true_speed: true })
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        println!();
    }
}
