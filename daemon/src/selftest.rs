//! A running daemon looks at itself: does what it needs still work? (`doctor` asks the same of one that does not run.)

use std::fmt;
use std::io::Write;
use std::time::Duration;

use ostiary_models::pack::Pack;

use crate::config::{Config, SourceKind};
use crate::shared::Shared;

/// Longest wait for a frame.
const FRAME_WITHIN: Duration = Duration::from_secs(3);

/// What came of each question: the part, and what is wrong with it, if something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings(Vec<(&'static str, Result<String, String>)>);

impl Findings {
    /// Whether everything works.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.0.iter().all(|(_, finding)| finding.is_ok())
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_well() { "well" } else { "not well" })?;
        for (part, finding) in &self.0 {
            match finding {
                Ok(words) => write!(f, "; {part}: {words}")?,
                Err(words) => write!(f, "; {part} FAILED: {words}")?,
            }
        }
        Ok(())
    }
}

/// Looks at every part; takes seconds if the camera gives nothing.
#[must_use]
pub fn run(shared: &Shared, config: &Config) -> Findings {
    Findings(vec![
        ("camera", camera(shared, config)),
        ("pack", pack(config)),
        ("disk", disk(config)),
        ("gallery", gallery(shared)),
        ("clock", clock(shared)),
        ("alarms", alarms(shared)),
    ])
}

fn camera(shared: &Shared, config: &Config) -> Result<String, String> {
    if shared.telemetry.safe_mode.get() > 0 {
        return Err("left out: the program runs in safe mode".into());
    }
    let frame = shared.board.glimpse.ask(FRAME_WITHIN);
    match (frame, config.camera.source) {
        (Some(frame), _) => {
            let picture = frame.to_rgb().map_err(|error| error.to_string())?;
            Ok(format!("{}x{}", picture.width(), picture.height()))
        }
        (None, SourceKind::Replay) => Ok("a recording at its end".into()),
        (None, SourceKind::V4l2) => Err(format!("no frame within {} s", FRAME_WITHIN.as_secs())),
    }
}

/// Reads every file of the pack and compares its sum.
fn pack(config: &Config) -> Result<String, String> {
    Pack::load(&config.models.pack_dir).map(|pack| pack.id().to_string()).map_err(|error| error.to_string())
}

fn disk(config: &Config) -> Result<String, String> {
    let dir = &config.device.state_dir;
    let written = tempfile::NamedTempFile::new_in(dir).and_then(|mut file| {
        file.write_all(b"written")?;
        file.as_file().sync_all()
    });
    written.map(|()| "takes writes".into()).map_err(|error| format!("{}: {error}", dir.display()))
}

fn gallery(shared: &Shared) -> Result<String, String> {
    let gallery = shared.gallery.load();
    let words = format!("{} persons at revision {}", gallery.index.persons(), gallery.rev.0);
    if shared.may_match() { Ok(words) } else { Err(format!("{words}, but too old to match anybody")) }
}

fn clock(shared: &Shared) -> Result<String, String> {
    if shared.clock.is_synced() { Ok("set".into()) } else { Err("not known to be set".into()) }
}

fn alarms(shared: &Shared) -> Result<String, String> {
    let vitals = shared.board.vitals.load();
    let names: Vec<_> = vitals.alarms.iter().map(|alarm| alarm.name()).collect();
    if names.is_empty() { Ok("none".into()) } else { Err(names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_that_fails_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.camera.source = SourceKind::Replay;
        config.device.state_dir = dir.path().join("gone");
        config.models.pack_dir = dir.path().join("no-pack");
        let (shared, _) = crate::testing::shared(dir.path(), &config);
        shared.telemetry.safe_mode.set(1);
        let words = run(&shared, &config).to_string();
        for expected in ["not well", "camera FAILED: left out", "pack FAILED", "disk FAILED", "gallery: 0 persons"] {
            assert!(words.contains(expected), "{expected}: {words}");
        }
    }
}
