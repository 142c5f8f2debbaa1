//! `pack`: model packs, signed and installed on the machine itself.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use ostiary_models::pack::{MANIFEST_FILE, Pack, archive, golden_of};
use serde_json::json;

use crate::app::{SystemClock, open_store};
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditNote, AuditResult, AuditTrace};
use crate::packs::files::FOLDER;
use crate::packs::install::Installer;
use crate::packs::keys::{PackSigner, TrustedKeys, fingerprint};
use crate::ports::Clock;
use crate::ports::model_packs::ModelPackStore;

#[derive(Subcommand)]
pub enum Command {
    /// Install a signed archive; the server may be running.
    Install(Install),
    /// The packs there are.
    List,
    /// Put a pack's folder into one signed file.
    Sign(Sign),
    /// Make a key pair to sign packs with: FILE is private, FILE with `.pub` in place of its ending is for others.
    Keygen(Keygen),
}

#[derive(Args)]
pub struct Install {
    /// The archive.
    archive: PathBuf,
}

#[derive(Args)]
pub struct Sign {
    /// The pack's folder.
    dir: PathBuf,
    /// The private key (Ed25519, PEM).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The archive to be written.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub struct Keygen {
    /// The private key's file.
    file: PathBuf,
}

/// Runs a pack command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    match command {
        Command::Install(args) => install(config, &args.archive).await,
        Command::List => list(config).await,
        Command::Sign(args) => sign(&args),
        Command::Keygen(args) => keygen(&args.file),
    }
}

async fn install(config: &Config, path: &Path) -> Result<()> {
    let installer = Installer {
        trusted: TrustedKeys::read(&config.models.pack_keys).context("reading models.pack_keys")?,
        most_bytes: config.models.pack_max_megabytes * 1024 * 1024,
        dir: config.server.data_dir.join(FOLDER),
    };
    let now = SystemClock.now();
    let inspected = installer.inspect(path, now).with_context(|| format!("looking at {}", path.display()))?;
    let store = open_store(config).await?;
    let pack = &inspected.pack;
    let entry = AuditEntry {
        at: now,
        actor: "cli".into(),
        action: "model-pack.install".into(),
        target: format!("model-pack:{}", pack.id),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    let became = json!({ "id": pack.id.as_str(), "bytes": inspected.archive.len() });
    let trace = AuditTrace { became: Some(became.to_string()), ..AuditTrace::default() };
    let added = store.add_model_pack(pack, &inspected.archive, &AuditNote { entry, trace }).await;
    added.with_context(|| format!("installing {}", pack.id))?;
    store.close().await;
    inspected.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    println!("{} is installed; make its templates with POST /api/v1/model-packs/{}/shadow", pack.id, pack.id);
    Ok(())
}

async fn list(config: &Config) -> Result<()> {
    let store = open_store(config).await?;
    for pack in store.model_packs().await? {
        let whose = match &pack.archive {
            Some(file) => format!("signed by {}", fingerprint(&file.key_pem)),
            None => "of the configuration".to_owned(),
        };
        println!("{}\t{}\t{whose}", pack.id, pack.state.as_str());
    }
    store.close().await;
    Ok(())
}

/// The manifest gets the golden embedding of this machine if it has none, so that every other one can tell whether it
/// computes the same.
fn sign(args: &Sign) -> Result<()> {
    let signer = PackSigner::read(&args.key).context("reading the key")?;
    let dir = tempfile::tempdir().context("making a place to put it together")?;
    for entry in std::fs::read_dir(&args.dir).with_context(|| format!("reading {}", args.dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), dir.path().join(entry.file_name()))?;
        }
    }
    let mut pack = Pack::load(dir.path()).context("reading the pack")?;
    if pack.manifest().golden.is_none() {
        let golden = golden_of(dir.path(), &pack.manifest().embedder).map_err(anyhow::Error::msg)?;
        let values: Vec<String> = golden.as_slice().iter().map(ToString::to_string).collect();
        let path = dir.path().join(MANIFEST_FILE);
        let manifest = std::fs::read_to_string(&path)?;
        std::fs::write(&path, format!("{}\n\n[golden]\nembedding = [{}]\n", manifest.trim_end(), values.join(", ")))?;
        pack = Pack::load(dir.path()).context("reading the pack with its golden embedding")?;
    }
    let out = File::create(&args.out).with_context(|| format!("writing {}", args.out.display()))?;
    let index = archive::write(dir.path(), pack.manifest(), BufWriter::new(out), |message| Some(signer.sign(message)));
    let index = index.context("writing the archive")?;
    println!("{}: {} with {} files", args.out.display(), index.id, index.files.len());
    Ok(())
}

fn keygen(file: &Path) -> Result<()> {
    let file = &std::path::absolute(file).context("where the key is to lie")?;
    PackSigner::generate(file).context("making a key pair")?;
    let public = file.with_extension("pub");
    let name = std::fs::read_to_string(&public).map(|pem| fingerprint(&pem)).unwrap_or_default();
    println!("{} is private; {} ({name}) goes into models.pack_keys", file.display(), public.display());
    Ok(())
}
