//! `cargo xtask dist`: what is handed out. For each target tarballs and Debian packages, a list of what is in them
//! (CycloneDX), sums over everything, and a signature over the sums.
//!
//! Start reading at [`run`]; what lies where in a package is `stage`, Debian's part `deb`, the list `sbom`.

mod build;
mod deb;
mod figures;
mod sbom;
mod sign;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::bench::Profile;
use crate::{setup, shell};
use figures::Figures;
use stage::Part;

pub use build::Target;

/// What to pack.
#[derive(Args)]
pub struct DistArgs {
    /// For which processors: x86_64-unknown-linux-gnu, aarch64-unknown-linux-gnu; this machine's if it is not given.
    #[arg(long)]
    target: Vec<Target>,
    /// Only these parts.
    #[arg(long, value_enum)]
    part: Vec<Part>,
    /// How to compile; what is handed out is `release`.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// Take the programs from this folder, built elsewhere for the one target, instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Where it goes; `target/dist` if it is not given.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The Ed25519 key (PEM) that signs; without it one is made that nobody knows.
    #[arg(long, env = "OSTIARY_SIGNING_KEY")]
    key: Option<PathBuf>,
}

/// Builds and packs.
///
/// # Errors
/// If something cannot be built, packed or signed.
pub fn run(args: &DistArgs) -> Result<()> {
    setup::ensure_packing()?;
    let out = args.out.clone().unwrap_or_else(|| shell::target_dir().join("dist"));
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    ensure!(args.programs.is_none() || args.target.len() < 2, "--programs are those of one target");
    let targets = if args.target.is_empty() { vec![Target::host()] } else { args.target.clone() };
    let parts = if args.part.is_empty() { Part::ALL.to_vec() } else { args.part.clone() };
    // These write the manuals; programs for another processor cannot.
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"])).context("building what writes manuals")?;
    let mut found = Vec::new();
    for target in targets {
        let build = || build::programs(target, args.profile, &parts);
        let programs = args.programs.clone().map_or_else(build, Ok)?;
        for part in &parts {
            found.extend(pack(*part, target, &programs, &version(), &out)?);
        }
    }
    fs::write(out.join("figures.json"), serde_json::to_string_pretty(&found)? + "\n")?;
    sign::sums(&out, args.key.as_deref())?;
    println!("{}\n\n{}", report(&out)?, figures::table(&found));
    Ok(())
}

/// Packages of the programs as tests are built, twice with rising versions: to install, upgrade and remove them.
///
/// # Errors
/// If they cannot be packed.
pub fn debug_packages(out: &Path) -> Result<Vec<PathBuf>> {
    let programs = shell::target_dir().join("debug");
    let mut made = Vec::new();
    for (part, version) in [(Part::Pack, "1"), (Part::Daemon, "1"), (Part::Daemon, "2"), (Part::Server, "1")] {
        let staged = stage::stage(part, &programs, &out.join("staging"))?;
        made.push(deb::build(part, Target::host(), &staged, &format!("{}+lab{version}", self::version()), out)?);
    }
    fs::remove_dir_all(out.join("staging"))?;
    Ok(made)
}

fn pack(part: Part, target: Target, programs: &Path, version: &str, out: &Path) -> Result<Option<Figures>> {
    let staging = out.join("staging");
    let staged = stage::stage(part, programs, &staging)?;
    deb::build(part, target, &staged, version, out)?;
    tarball(part, target, &staged, version, out)?;
    if let Some(package) = part.package() {
        let list = out.join(format!("{}-{version}-{}.cdx.json", part.name(), target.triple()));
        fs::write(&list, sbom::list(package, target)?)?;
    }
    let figures = figures::measure(part, target, &staged, &out.join("scratch"))?;
    fs::remove_dir_all(&staging)?;
    Ok(figures)
}

/// The same files as in the package, for systems without dpkg. Nothing in it depends on when or where it was packed.
fn tarball(part: Part, target: Target, staged: &Path, version: &str, out: &Path) -> Result<()> {
    let name = format!("{}-{version}-{}.tar.gz", part.name(), part.architecture(target));
    let mut tar = shell::command("tar", &["--create", "--gzip", "--sort=name", "--mtime=@0", "--numeric-owner"]);
    tar.args(["--owner=0", "--group=0", "--exclude=./DEBIAN", "--file"]).arg(out.join(name));
    shell::run(tar.arg("--directory").arg(staged).arg("."))
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn report(out: &Path) -> Result<String> {
    let mut lines: Vec<String> = fs::read_dir(out)?
        .filter_map(Result::ok)
        .map(|entry| {
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            format!("{:>10.2} MB  {}", size as f64 / 1e6, entry.file_name().to_string_lossy())
        })
        .collect();
    lines.sort_by(|a, b| a[14..].cmp(&b[14..]));
    Ok(lines.join("\n"))
}
