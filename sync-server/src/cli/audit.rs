//! `audit`: the log proved, and taken out.

use std::io::{BufWriter, Write};

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::app::{SystemClock, open_store};
use crate::config::Config;
use crate::http::v1::audit::line::AuditLine;
use crate::identity::audit_seal::{AuditSeal, SealKind};
use crate::identity::signing::SigningKeys;
use crate::ledger::{head_file, verify};
use crate::ports::{Clock, LedgerStore};

/// Lines read at once.
const PAGE: u32 = 1000;

#[derive(Subcommand)]
pub enum Command {
    /// Prove that no line was changed, removed, put in or moved.
    Verify,
    /// Write every line as JSON, one a line, and the signed head last.
    Export,
}

/// Runs an audit command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    let keys = SigningKeys::open(&config.server.data_dir.join("keys"), SystemClock.now())?;
    let store = open_store(config).await?;
    let done = match command {
        Command::Verify => prove(config, &store, &keys).await,
        Command::Export => export(&store, &keys).await,
    };
    store.close().await;
    done
}

async fn prove(config: &Config, store: &dyn LedgerStore, keys: &SigningKeys) -> Result<()> {
    let proof = verify(store, keys, &head_file(&config.server.data_dir)).await.context("the audit log is NOT good")?;
    let (first, head) = (proof.first, proof.head);
    println!("the audit log is good: lines {first} to {}", head.seq);
    println!("  head    {}", head.hash.to_hex());
    println!("  signed  {} heads agree, the last at line {}", proof.checkpoints, proof.signed_upto);
    Ok(())
}

async fn export(store: &dyn LedgerStore, keys: &SigningKeys) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut last = None;
    loop {
        let after = last.as_ref().map_or(0, |line: &AuditLine| line.seq());
        let page = store.audit_walk(after, PAGE).await?;
        let Some(end) = page.last() else { break };
        let point = end.point;
        for line in page {
            let line = AuditLine::from(line);
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
            last = Some(line);
        }
        debug_assert_eq!(last.as_ref().map(AuditLine::seq), Some(point.seq));
    }
    let head = store.audit_head().await?;
    let seal = AuditSeal::new(SealKind::Head, head, SystemClock.now()).sign(keys);
    writeln!(out, "{}", serde_json::json!({ "signed_head": seal }))?;
    out.flush().context("writing to standard output")
}
