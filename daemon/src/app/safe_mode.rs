//! Safe mode: a device whose model pack cannot be loaded, or that ended badly again and again, runs without camera and
//! model, so that it can be reached: it reports, sends what waits, keeps its gallery, takes commands and settings. After a
//! while it starts again and tries everything anew.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ostiary_common::ids::PackId;

use super::models::{self, Models};
use super::runs::Runs;
use crate::config::Config;

/// A safe run ends after this time, to try everything anew.
pub const SAFE_FOR: Duration = Duration::from_secs(600);
/// After this time of running well, earlier bad ends are forgiven.
pub const WELL_AFTER: Duration = Duration::from_secs(300);
/// What pack the gallery was for, when it could last be loaded.
const PACK_FILE: &str = "pack";

/// What there is to work with.
pub struct Loaded {
    /// The pack, with nets if all is well.
    pub models: Models,
    /// Why camera and model are left out, if they are.
    pub safe: Option<String>,
}

/// Loads the pack, or goes without it.
#[must_use]
pub fn load(config: &Config, runs: &Runs) -> Loaded {
    let dir = &config.device.state_dir;
    if runs.wants_safe_mode() {
        let why = format!("the program ended badly again and again; the last time: {}", runs.before());
        let models = models::without_nets(config).unwrap_or_else(|_| stand_in(dir));
        return Loaded { models, safe: Some(why) };
    }
    match models::load(config) {
        Ok(models) => {
            remember(dir, &models);
            Loaded { models, safe: None }
        }
        Err(error) => {
            Loaded { models: stand_in(dir), safe: Some(format!("the model pack cannot be loaded: {error:#}")) }
        }
    }
}

/// The gallery on disk belongs to a pack and would be dropped for another: which it was must be known even when the pack
/// cannot be read. Written when it changes only.
fn remember(dir: &Path, models: &Models) {
    let path = dir.join(PACK_FILE);
    let line = format!("{} {}\n", models.pack, models.dimension);
    if fs::read_to_string(&path).is_ok_and(|known| known == line) {
        return;
    }
    if let Err(error) = fs::write(&path, line) {
        tracing::debug!(%error, "cannot note the model pack: {error}");
    }
}

fn stand_in(dir: &Path) -> Models {
    let known = fs::read_to_string(dir.join(PACK_FILE)).ok().and_then(|line| parse(&line));
    let (pack, dimension) = known.unwrap_or_else(|| (PackId::parse("none@0").expect("it is an id"), 1));
    models::stand_in(pack, dimension)
}

fn parse(line: &str) -> Option<(PackId, usize)> {
    let (pack, dimension) = line.trim().split_once(' ')?;
    Some((PackId::parse(pack).ok()?, dimension.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_pack_is_no_end_and_the_gallery_stays_that_packs() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.device.state_dir = dir.path().to_owned();
        config.models.pack_dir = dir.path().join("no-pack");
        let runs = Runs::begin(dir.path());
        let Loaded { models, safe } = load(&config, &runs);
        assert!(safe.unwrap().contains("cannot be loaded") && models.finders.is_empty());
        assert_eq!(models.pack.to_string(), "none@0");
        fs::write(dir.path().join(PACK_FILE), "doors@3 128\n").unwrap();
        let models = load(&config, &runs).models;
        assert_eq!((models.pack.to_string().as_str(), models.dimension), ("doors@3", 128));
        (0..4).for_each(|_| Runs::begin(dir.path()).end("a thread ended", true));
        let safe = load(&config, &Runs::begin(dir.path())).safe.unwrap();
        assert!(safe.contains("again and again") && safe.contains("a thread ended"), "{safe}");
    }
}
