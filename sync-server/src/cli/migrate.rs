//! `migrate`: bring the database up to date, or say what would be done.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::app::{open_store, store_url};
use crate::config::Config;
use crate::store::sql::SqlStore;

/// Whether to migrate or only to look.
#[derive(Args)]
pub struct MigrateArgs {
    /// Change nothing; say what is pending. Exit code 2 if something is.
    #[arg(long)]
    check: bool,
}

/// What `--check` ends with if something is pending: neither success nor a failure to look.
const PENDING: u8 = 2;

/// Opens the store, which migrates, and closes it; or looks.
pub async fn run(config: &Config, args: &MigrateArgs) -> Result<ExitCode> {
    if args.check {
        return check(config).await;
    }
    let store = open_store(config).await?;
    store.close().await;
    println!("{} is up to date", store.url());
    Ok(ExitCode::SUCCESS)
}

async fn check(config: &Config) -> Result<ExitCode> {
    let url = store_url(config)?;
    let pending = SqlStore::pending_migrations(&url).await.with_context(|| format!("looking at the store {url}"))?;
    for migration in &pending {
        println!("pending: {:04} {}", migration.version, migration.description);
    }
    if pending.is_empty() {
        println!("{url} is up to date");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(PENDING))
}
