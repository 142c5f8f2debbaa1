//! Private Python environments under `target/`, with pinned versions: the reference runtimes and peers live there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell;

/// An environment, ready to run the scripts it was made for.
pub struct Environment {
    dir: PathBuf,
    scripts: PathBuf,
}

impl Environment {
    /// The environment of the reference runtimes, for the scripts of `models/build`.
    ///
    /// # Errors
    /// If there is no Python with venv, or a package cannot be had.
    pub fn prepare() -> Result<Self> {
        Self::ready("models-build", "models/build")
    }

    /// The environment of the systems Ostiary is compared with, for the scripts of `xtask/peers`.
    ///
    /// # Errors
    /// If there is no Python with venv, or a package cannot be had.
    pub fn peers() -> Result<Self> {
        Self::ready("bench-peers", "xtask/peers")
    }

    /// The environment of the clustering that grouping is compared with, for the scripts of `xtask/groups`.
    ///
    /// # Errors
    /// If there is no Python with venv, or a package cannot be had.
    pub fn groups() -> Result<Self> {
        Self::ready("bench-groups", "xtask/groups")
    }

    /// The environment of what asks the server's API, for the scripts of `xtask/api`.
    ///
    /// # Errors
    /// If there is no Python with venv, or a package cannot be had.
    pub fn api() -> Result<Self> {
        Self::ready("check-api", "xtask/api")
    }

    /// The environment of Home Assistant, for the scripts of `xtask/home_assistant`.
    ///
    /// # Errors
    /// If there is no Python with venv, or a package cannot be had.
    pub fn home_assistant() -> Result<Self> {
        Self::ready("home-assistant", "xtask/home_assistant")
    }

    /// Makes the environment, or takes the one made before if its requirements are still the same.
    fn ready(name: &str, scripts: &str) -> Result<Self> {
        let environment = Self { dir: shell::target_dir().join(name), scripts: shell::root().join(scripts) };
        let wanted = fs::read_to_string(environment.requirements()).context("reading requirements.txt")?;
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

    /// A Python of the environment that runs one of its scripts.
    #[must_use]
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.dir.join("venv/bin/python"));
        // No compiled files beside the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(self.scripts.join(name));
        command
    }

    fn install(&self) -> Result<()> {
        let mut make = shell::command("python3", &["-m", "venv"]);
        shell::run(make.arg(self.dir.join("venv"))).context("Debian has venv in its package python3-venv")?;
        let mut pip = Command::new(self.dir.join("venv/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        shell::run(pip.arg(self.requirements()))
    }

    fn requirements(&self) -> PathBuf {
        self.scripts.join("requirements.txt")
    }
}
