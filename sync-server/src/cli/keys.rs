//! `keys`: the keys of the server itself.

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::app::{SystemClock, keys_dir, open_store};
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::identity::signing::{PUBLISHED_BEFORE, SigningKeys};
use crate::ports::{AuditStore, Clock};

#[derive(Subcommand)]
pub enum Command {
    /// Make a new key that signs tokens; a running server takes it up within a minute. Nobody has to log in again.
    RotateTokens,
}

/// Runs a keys command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    let Command::RotateTokens = command;
    let now = SystemClock.now();
    SigningKeys::add(&keys_dir(&config.server.data_dir), now).context("making a token key")?;
    let store = open_store(config).await?;
    let line = AuditEntry {
        at: now,
        actor: "cli".into(),
        action: "keys.rotate_tokens".into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail: String::new(),
    };
    store.audit(&line).await?;
    store.close().await;
    println!("the new key is published within a minute and signs in {} minutes", PUBLISHED_BEFORE.as_secs() / 60);
    Ok(())
}
