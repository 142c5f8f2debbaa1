//! What lies where once it is installed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::build::Target;
use crate::shell;

/// A part that is packed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// `ostiaryd`, for the camera.
    Daemon,
    /// `ostiary-server`.
    Server,
    /// The default model pack, for both.
    Pack,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Daemon, Self::Server, Self::Pack];

    /// The package's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemon => "ostiaryd",
            Self::Server => "ostiary-server",
            Self::Pack => "ostiary-pack-default",
        }
    }

    /// Its program.
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::Daemon => Some("ostiaryd"),
            Self::Server => Some("ostiary-server"),
            Self::Pack => None,
        }
    }

    /// What cargo calls what it is built from.
    pub const fn package(self) -> Option<&'static str> {
        match self {
            Self::Daemon => Some("ostiary-daemon"),
            Self::Server => Some("ostiary-server"),
            Self::Pack => None,
        }
    }

    /// Debian's name of the processor it is for.
    pub const fn architecture(self, target: Target) -> &'static str {
        match self {
            Self::Pack => "all",
            Self::Daemon | Self::Server => target.debian(),
        }
    }

    /// Files of the repository and where they go.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Daemon => &[
                ("systemd/ostiaryd.service", "usr/lib/systemd/system/ostiaryd.service"),
                ("systemd/ostiaryd@.service", "usr/lib/systemd/system/ostiaryd@.service"),
                ("systemd/ostiaryd-claim.service", "usr/lib/systemd/system/ostiaryd-claim.service"),
                ("systemd/ostiaryd.sysusers", "usr/lib/sysusers.d/ostiaryd.conf"),
                ("systemd/ostiary.tmpfiles", "usr/lib/tmpfiles.d/ostiaryd.conf"),
                ("systemd/ostiaryd-health-gate", "usr/lib/ostiary/health-gate"),
                ("LICENSE", "usr/share/doc/ostiaryd/copyright"),
            ],
            Self::Server => &[
                ("systemd/ostiary-server.service", "usr/lib/systemd/system/ostiary-server.service"),
                ("systemd/ostiary-server.sysusers", "usr/lib/sysusers.d/ostiary-server.conf"),
                ("LICENSE", "usr/share/doc/ostiary-server/copyright"),
            ],
            Self::Pack => &[("LICENSE", "usr/share/doc/ostiary-pack-default/copyright")],
        }
    }
}

/// Lays a part out below `staging` as it will lie below `/`, and says where.
///
/// # Errors
/// If a file is missing or cannot be written.
pub fn stage(part: Part, programs: &Path, staging: &Path) -> Result<PathBuf> {
    let root = staging.join(part.name());
    let _ = fs::remove_dir_all(&root);
    for (from, to) in part.files() {
        copy(&shell::root().join(from), &root.join(to))?;
    }
    if let Some(program) = part.program() {
        let target = root.join("usr/bin").join(program);
        copy(&programs.join(program), &target)?;
        shell::run(shell::command(strip(&target)?, &[]).arg(&target))?;
        fs::create_dir_all(root.join("etc/ostiary"))?;
        let config = shell::output(&mut shell::command(shell::dev_binary(program), &["generate-config"]))?;
        fs::write(root.join("etc/ostiary").join(format!("{program}.toml")), config)?;
    }
    match part {
        Part::Daemon | Part::Server => manuals(part, &root)?,
        Part::Pack => pack(&root)?,
    }
    Ok(root)
}

/// Manual pages and what shells complete, written by the program as built for this machine.
fn manuals(part: Part, root: &Path) -> Result<()> {
    let Some(program) = part.program() else { return Ok(()) };
    let (man, bash) = (root.join("usr/share/man/man1"), root.join("usr/share/bash-completion/completions"));
    let (zsh, fish) = (root.join("usr/share/zsh/vendor-completions"), root.join("usr/share/fish/vendor_completions.d"));
    for folder in [&man, &bash, &zsh, &fish] {
        fs::create_dir_all(folder)?;
    }
    let mut write = shell::command(shell::dev_binary(program), &["generate-docs", "--man"]);
    write.arg(&man).arg("--bash").arg(&bash).arg("--zsh").arg(&zsh).arg("--fish").arg(&fish);
    shell::run(&mut write)?;
    let pages = fs::read_dir(&man)?.filter_map(Result::ok).map(|entry| entry.path());
    shell::run(shell::command("gzip", &["--no-name", "--best"]).args(pages))
}

fn pack(root: &Path) -> Result<()> {
    let to = root.join("usr/share/ostiary/packs/ostiary-default");
    let from = shell::root().join("models/packs/ostiary-default");
    for entry in fs::read_dir(&from).with_context(|| format!("reading {}", from.display()))?.filter_map(Result::ok) {
        if entry.path().is_file() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("a file has a folder")?)?;
    fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// The program that strips what was built for another processor.
fn strip(program: &Path) -> Result<&'static str> {
    // Byte 18 of an ELF file is its processor: 183 is aarch64.
    let bytes = fs::read(program)?;
    let is_arm = bytes.get(18) == Some(&183);
    Ok(if is_arm && cfg!(not(target_arch = "aarch64")) { "aarch64-linux-gnu-strip" } else { "strip" })
}
