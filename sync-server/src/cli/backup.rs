//! `backup`, `backup-key`, `restore`: the whole installation in one file, and back.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::app::{SystemClock, backup, open_store};
use crate::backup::{Openers, Recipients, keys};
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::ports::{AuditStore, Clock};
use crate::store::sql::SqlStore;

/// Where to, and who can open it.
#[derive(Args)]
pub struct BackupArgs {
    /// The file to make; it must not be there.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// A public key of age (age1…) that can open it; may be given several times. Without one, those of [backup].
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// A file whose first line is a passphrase that opens it instead, at least 15 characters.
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    passphrase_file: Option<PathBuf>,
}

/// Where to.
#[derive(Args)]
pub struct BackupKeyArgs {
    /// The file for the secret key; it must not be there. Keep it away from this machine.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// What from, and what opens it.
#[derive(Args)]
pub struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// A file with the secret key of age that opens it.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// A file whose first line is the passphrase that opens it.
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    passphrase_file: Option<PathBuf>,
    /// The fingerprint of the server it is from, as `backup` printed it; not needed where that server's keys are.
    #[arg(long, value_name = "FINGERPRINT")]
    signer: Vec<String>,
    /// Read and check everything, write nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Makes a backup while the server may be running.
pub async fn create(config: &Config, args: &BackupArgs) -> Result<()> {
    let recipients = match &args.passphrase_file {
        Some(file) => Recipients::passphrase(file)?,
        None if args.recipient.is_empty() => Recipients::keys(&config.backup.recipients)?,
        None => Recipients::keys(&args.recipient)?,
    };
    let store = open_store(config).await?;
    let made = backup::create(config, &store, &SystemClock, &args.to, recipients).await;
    let made = made.with_context(|| format!("making the backup {}", args.to.display()))?;
    note(&store, "backup.create", &made.manifest.sha256).await?;
    store.close().await;
    let rows: u64 = made.manifest.tables.iter().map(|table| table.rows).sum();
    println!("{}: {} bytes, {rows} rows, schema {}", args.to.display(), made.size_bytes, made.manifest.schema);
    println!("signed by {}: note it down, a restore on another machine asks for it", made.manifest.signer());
    Ok(())
}

/// Makes a key that opens backups.
pub fn make_key(args: &BackupKeyArgs) -> Result<()> {
    let public = keys::make(&args.to)?;
    println!("{public}");
    eprintln!("the secret key is in {}: without it no backup can be opened; keep it elsewhere", args.to.display());
    Ok(())
}

/// Puts a backup back into an empty store and data directory.
pub async fn restore(config: &Config, args: &RestoreArgs) -> Result<()> {
    let openers = match (&args.identity, &args.passphrase_file) {
        (Some(file), _) => Openers::file(file)?,
        (None, Some(file)) => Openers::passphrase(file)?,
        (None, None) => bail!("say what opens it: --identity <file with the secret key>, or --passphrase-file"),
    };
    let mut signers = backup::signers(&config.server.data_dir, &SystemClock)?;
    signers.extend(args.signer.iter().map(|signer| signer.trim().to_ascii_lowercase()));
    let opened = backup::check(config, &args.from, &signers).await?;
    let manifest = opened.manifest.clone();
    println!(
        "made by version {} at {}, schema {}, packs {}",
        manifest.version,
        ostiary_common::time::UnixMillis::from_unix_seconds(manifest.iat).to_rfc3339(),
        manifest.schema,
        if manifest.packs.is_empty() { "none".to_owned() } else { manifest.packs.join(", ") }
    );
    let restored = backup::restore(config, opened, openers, args.dry_run).await?;
    for table in &manifest.tables {
        let word = if args.dry_run { "readable" } else { "verified" };
        println!("{word}  {:>10} {:<24} sha256 {}", table.rows, table.name, table.sha256);
    }
    if args.dry_run {
        println!("nothing was written; without --dry-run it would be");
        return Ok(());
    }
    println!("restored {} tables and {} files", restored.tables.len(), restored.files.len());
    let store = open_store(config).await?;
    note(&store, "backup.restore", &manifest.sha256).await?;
    store.close().await;
    println!("persons removed since the backup was made are in it again: remove them anew (docs/backup.md)");
    Ok(())
}

async fn note(store: &SqlStore, action: &str, sha256: &str) -> Result<()> {
    let line = AuditEntry {
        at: SystemClock.now(),
        actor: "cli".into(),
        action: action.into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: format!("sha256:{sha256}"),
    };
    Ok(store.audit(&line).await?)
}
