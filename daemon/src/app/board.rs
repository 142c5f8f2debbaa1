//! The board in words, for people.

use crate::config::{Config, SourceKind};

fn read(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim_matches(['\0', '\n', ' ']).to_owned();
    (!text.is_empty()).then_some(text)
}

/// The board's model, its architecture and its number of cores.
#[must_use]
pub fn hardware() -> String {
    let model = read("/proc/device-tree/model").or_else(|| read("/sys/class/dmi/id/product_name"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {}, {cores} cores", model.unwrap_or_else(|| "unknown board".into()), std::env::consts::ARCH)
}

/// The operating system and its kernel.
#[must_use]
pub fn system() -> String {
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "unknown kernel".into());
    format!("{} {kernel}", std::env::consts::OS)
}

/// The camera as configured.
#[must_use]
pub fn camera(config: &Config) -> String {
    match config.camera.source {
        SourceKind::V4l2 => {
            let camera = &config.camera;
            format!("{} {}x{} at {} frames/s", camera.device.display(), camera.width, camera.height, camera.fps)
        }
        SourceKind::Replay => format!("replay of {}", config.replay.path.display()),
    }
}
