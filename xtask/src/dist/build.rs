//! Compiling the programs for a processor, with Debian's own cross compilers where it is another one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::stage::Part;
use crate::bench::Profile;
use crate::{setup, shell};

/// A processor that is packed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// 64-bit PCs.
    #[value(name = "x86_64-unknown-linux-gnu")]
    Amd64,
    /// 64-bit ARM boards: Raspberry Pi 3 and later.
    #[value(name = "aarch64-unknown-linux-gnu")]
    Arm64,
}

impl Target {
    /// This machine's.
    pub const fn host() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Arm64 } else { Self::Amd64 }
    }

    /// What Rust calls it.
    pub const fn triple(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// What Debian calls it.
    pub const fn debian(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The program that takes out of others what only debuggers read.
    pub fn strip(self) -> &'static str {
        match self {
            _ if self == Self::host() => "strip",
            Self::Amd64 => "x86_64-linux-gnu-strip",
            Self::Arm64 => "aarch64-linux-gnu-strip",
        }
    }

    /// Makes sure that the standard library for it is there.
    ///
    /// # Errors
    /// If it cannot be had.
    pub fn add(self) -> Result<()> {
        shell::run(&mut shell::command("rustup", &["target", "add", self.triple()]))
            .with_context(|| format!("getting the standard library for {}", self.triple()))
    }

    /// Tells cargo with what to compile for this processor on another one.
    pub fn tools(self, cargo: &mut Command) {
        let gnu = match self {
            Self::Amd64 => "x86_64-linux-gnu",
            Self::Arm64 => "aarch64-linux-gnu",
        };
        let (lower, upper) = (self.triple().replace('-', "_"), self.triple().replace('-', "_").to_uppercase());
        cargo.env(format!("CARGO_TARGET_{upper}_LINKER"), format!("{gnu}-gcc"));
        cargo.env(format!("CC_{lower}"), format!("{gnu}-gcc")).env(format!("AR_{lower}"), format!("{gnu}-ar"));
        // The headers of V4L2: this machine's libclang reads the target's.
        let headers = format!("--target={gnu} -I/usr/{gnu}/include");
        cargo.env(format!("BINDGEN_EXTRA_CLANG_ARGS_{lower}"), headers);
    }
}

/// Builds the programs of `parts`, each by itself, so that none holds what only the other asks of a library, and says in
/// which folder they are.
///
/// # Errors
/// If tools cannot be had or something does not compile.
pub fn programs(target: Target, profile: Profile, parts: &[Part]) -> Result<PathBuf> {
    let is_foreign = target != Target::host();
    if is_foreign {
        setup::ensure_emulation()?;
        target.add()?;
    }
    let linker = linker()?;
    for (package, program) in parts.iter().filter_map(|part| part.package().zip(part.program())) {
        let mut cargo = shell::cargo(&["rustc", "--profile", profile.as_str(), "--package", package, "--bin", program]);
        if is_foreign {
            cargo.args(["--target", target.triple()]);
            target.tools(&mut cargo);
        }
        cargo.arg("--").args(linker.iter().flat_map(|arg| ["-C".to_owned(), format!("link-arg={arg}")]));
        shell::run(&mut cargo)?;
    }
    let folder = shell::target_dir();
    Ok(if is_foreign { folder.join(target.triple()) } else { folder }.join(profile.folder()))
}

/// What the linker is told: the compiler's own one puts functions of the same code together where nobody compares their
/// addresses, and packs the addresses that are to be moved at start (glibc 2.36 reads that). Some 2 MB of a program.
fn linker() -> Result<[String; 4]> {
    let libraries = shell::output(&mut shell::command("rustc", &["--print", "target-libdir"]))?;
    let tools = Path::new(libraries.trim()).with_file_name("bin/gcc-ld");
    ensure!(tools.join("ld.lld").exists(), "the compiler's own linker is not in {}", tools.display());
    let folder = format!("-B{}", tools.display());
    Ok(["-fuse-ld=lld".to_owned(), folder, "-Wl,--icf=safe".to_owned(), "-Wl,-z,pack-relative-relocs".to_owned()])
}
