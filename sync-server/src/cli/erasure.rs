//! `erasure`: receipts of removals, checked and, after a backup was restored, carried out again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use crate::app::{SystemClock, open_store};
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::identity::receipt::{Receipt, ReceiptDevice};
use crate::identity::signing::SigningKeys;
use crate::ports::{AuditStore, Clock, PersonStore};

#[derive(Subcommand)]
pub enum Command {
    /// Check a receipt: the server's signature on it, and the devices' signatures in it.
    Verify(Verify),
    /// Remove again whom receipts name, after a backup from before was restored. Stop the server first.
    Reapply(Reapply),
}

#[derive(Args)]
pub struct Verify {
    /// The receipt, as `GET /api/v1/erasures/{id}/receipt` gave it.
    file: PathBuf,
    /// The server's public keys, as `/.well-known/jwks.json` gave them [default: the keys in server.data_dir].
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
}

#[derive(Args)]
pub struct Reapply {
    /// Receipts.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Runs an erasure command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    match command {
        Command::Verify(verify) => {
            let receipt = checked(config, &verify.file, verify.jwks.as_deref())?;
            print(&receipt)
        }
        Command::Reapply(reapply) => again(config, &reapply.files).await,
    }
}

/// Keys as RFC 7517 has them; what else stands there is not asked for.
#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    x: String,
}

fn checked(config: &Config, file: &Path, jwks: Option<&Path>) -> Result<Receipt> {
    let reading = || format!("reading {}", file.display());
    let text = fs::read_to_string(file).with_context(reading)?;
    let receipt = match jwks {
        Some(path) => {
            let json = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let known: Jwks =
                serde_json::from_slice(&json).with_context(|| format!("{} is no JWKS", path.display()))?;
            let find = |kid: &str| known.keys.iter().find(|key| key.kid == kid);
            Receipt::check(text.trim(), |kid| DecodingKey::from_ed_components(&find(kid)?.x).ok())
        }
        None => {
            let keys = SigningKeys::open(&config.server.data_dir.join("keys"), SystemClock.now())?;
            Receipt::check(text.trim(), |kid| keys.find_ever(kid).map(|key| key.key.clone()))
        }
    };
    receipt.with_context(|| format!("{} is no receipt of this server", file.display()))
}

fn print(receipt: &Receipt) -> Result<()> {
    println!("erasure {} of person {}", receipt.erasure, receipt.person);
    println!("  key destroyed at {}", receipt.key_destroyed_at);
    let or = |at: &Option<String>, else_: &str| at.clone().unwrap_or_else(|| else_.to_owned());
    println!("  events and log cleared: {}", or(&receipt.cleared_at, "not yet"));
    println!("  complete: {}", or(&receipt.completed_at, "not yet"));
    let mut forged = 0;
    for device in &receipt.devices {
        let proof = match device.check(receipt) {
            Some(true) => "signature good",
            Some(false) => "SIGNATURE NOT GOOD",
            None => "no signature",
        };
        forged += usize::from(device.check(receipt) == Some(false));
        let ReceiptDevice { device, name, state, confirmed_at, .. } = device;
        println!("  {state:9}  {proof:14}  {}  {device}  {name}", or(confirmed_at, "-"));
    }
    if forged > 0 {
        bail!("{forged} devices' signatures are not good");
    }
    Ok(())
}

async fn again(config: &Config, files: &[PathBuf]) -> Result<()> {
    let receipts = files.iter().map(|file| checked(config, file, None)).collect::<Result<Vec<_>>>()?;
    let store = open_store(config).await?;
    for receipt in receipts {
        let (now, person) = (SystemClock.now(), receipt.person);
        let Some(rev) = store.remove_person(person, now).await? else {
            println!("{person} is not there");
            continue;
        };
        let line = AuditEntry {
            at: now,
            actor: "cli".into(),
            action: "person.delete".into(),
            target: format!("person:{person}"),
            source: String::new(),
            result: AuditResult::Ok,
            detail: format!("again, as in erasure {}", receipt.erasure),
        };
        store.audit(&line).await?;
        println!("{person} is removed again at revision {}", rev.0);
    }
    store.close().await;
    Ok(())
}
