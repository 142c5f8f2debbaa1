//! A private Python environment under `target/`, with pinned versions: the reference runtimes live there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// The environment, ready to run scripts of `models/build`.
pub struct Environment {
    dir: PathBuf,
}

impl Environment {
    /// Makes the environment, or takes the one made before if its requirements are still the same.
    ///
    /// # Errors
    /// If there is no Python with venv, or a package cannot be had.
    pub fn prepare() -> Result<Self> {
        let environment = Self { dir: shell::target_dir().join("models-build") };
        let wanted = fs::read_to_string(scripts().join("requirements.txt")).context("reading requirements.txt")?;
        let marker = environment.dir.join("installed.txt");
        let installed = fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted);
        if installed && environment.dir.join("venv/bin/python").exists() {
            return Ok(environment);
        }
        fs::create_dir_all(&environment.dir).with_context(|| format!("making {}", environment.dir.display()))?;
        environment.install()?;
        fs::write(&marker, wanted).with_context(|| format!("writing {}", marker.display()))?;
        Ok(environment)
    }

    /// Where packages are downloaded to and unpacked.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A Python of the environment that runs a script of `models/build`.
    #[must_use]
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.dir.join("venv/bin/python"));
        // No compiled files beside the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(scripts().join(name));
        command
    }

    fn install(&self) -> Result<()> {
        let mut make = shell::command("python3", &["-m", "venv"]);
        shell::run(make.arg(self.dir.join("venv"))).context("Debian has venv in its package python3-venv")?;
        let mut pip = Command::new(self.dir.join("venv/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        shell::run(pip.arg(scripts().join("requirements.txt")))
    }
}

fn scripts() -> PathBuf {
    shell::root().join("models/build")
}
