//! Debian's packages for a board's processor, fetched and unpacked beside this machine's own, which stays as it is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell;

/// An unpacked kernel, and busybox beside it.
pub struct Kernel {
    /// Its root.
    pub folder: PathBuf,
    /// Its release.
    pub release: String,
    /// What is booted.
    pub image: PathBuf,
}

impl Kernel {
    /// Fetches and unpacks both, once.
    ///
    /// # Errors
    /// If they cannot be had.
    pub fn fetch(folder: &Path, apt: &Apt) -> Result<Self> {
        let depends = apt.ask("apt-cache", &["depends", "linux-image-arm64"])?;
        let package =
            depends.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).context("no kernel's name")?;
        let release = package.strip_prefix("linux-image-").context("the kernel's package has another name")?.to_owned();
        let target = folder.join("root");
        let image = target.join("boot").join(format!("vmlinuz-{release}"));
        if !image.exists() {
            let _ = fs::remove_dir_all(&target);
            let downloads = folder.join("downloads");
            apt.download(&[package.to_owned(), "busybox-static".to_owned()], &downloads)?;
            for archive in fs::read_dir(&downloads)?.filter_map(Result::ok) {
                shell::run(shell::command("dpkg", &["-x"]).arg(archive.path()).arg(&target))?;
            }
            fs::remove_dir_all(&downloads)?;
            shell::run(shell::command("depmod", &["--basedir"]).arg(&target).arg(&release))?;
        }
        Ok(Self { folder: target, release, image })
    }
}

/// apt with lists of its own, for another processor.
pub struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    /// Lists what there is.
    ///
    /// # Errors
    /// If it cannot be had.
    pub fn new(folder: &Path) -> Result<Self> {
        let own = folder.join("apt");
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(own.join(part))?;
        }
        fs::write(own.join("status"), "")?;
        let at = |what: &str, name: &str| format!("{what}={}", own.join(name).display());
        let options = vec![
            "APT::Architecture=arm64".to_owned(),
            "APT::Architectures=arm64".to_owned(),
            at("Dir::State::Lists", "lists"),
            at("Dir::State::status", "status"),
            at("Dir::Cache", "cache"),
        ];
        let apt = Self { folder: folder.to_owned(), options };
        apt.ask("apt-get", &["update", "--quiet"])?;
        Ok(apt)
    }

    /// Downloads packages into a folder.
    ///
    /// # Errors
    /// If they cannot be had.
    pub fn download(&self, names: &[String], to: &Path) -> Result<()> {
        fs::create_dir_all(to)?;
        let mut command = self.command("apt-get");
        shell::output(command.args(["download", "--quiet"]).args(names).current_dir(to)).map(drop)
    }

    fn ask(&self, program: &str, args: &[&str]) -> Result<String> {
        shell::output(self.command(program).args(args).current_dir(&self.folder))
    }

    fn command(&self, program: &str) -> std::process::Command {
        let mut command = shell::command(program, &[]);
        self.options.iter().for_each(|option| {
            command.args(["-o", option]);
        });
        command
    }
}
