//! `keys`: the keys of the server itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::app::{SystemClock, key_source, keys_dir, open_store};
use crate::config::Config;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::identity::signing::{PUBLISHED_BEFORE, SigningKeys};
use crate::ports::{AuditStore, Clock};
use crate::rotation::{KeyChange, Step};
use crate::store::sql::SqlStore;

/// How often servers that lack the new key are asked for.
const ASK_EVERY: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub enum Command {
    /// Make a new key that signs tokens; a running server takes it up within a minute. Nobody has to log in again.
    RotateTokens,
    /// Change the master key that everything personal is sealed under, while servers run. Cut off anywhere, run it again.
    Rotate,
}

/// Runs a keys command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    match command {
        Command::RotateTokens => rotate_tokens(config).await,
        Command::Rotate => rotate(config).await,
    }
}

async fn rotate_tokens(config: &Config) -> Result<()> {
    let now = SystemClock.now();
    SigningKeys::add(&keys_dir(&config.server.data_dir), now).context("making a token key")?;
    let store = open_store(config).await?;
    audit(&store, "keys.rotate_tokens", String::new()).await?;
    store.close().await;
    println!("the new key is published within a minute and signs in {} minutes", PUBLISHED_BEFORE.as_secs() / 60);
    Ok(())
}

async fn rotate(config: &Config) -> Result<()> {
    let store = Arc::new(open_store(config).await?);
    let mut change = KeyChange::new(store.clone(), key_source(config), Arc::new(SystemClock));
    let mut progress = Progress::default();
    loop {
        let step = change.step().await.context("changing the master key; run this again to go on")?;
        progress.tell(&step);
        match step {
            Step::Waiting(_) => tokio::time::sleep(ASK_EVERY).await,
            Step::Settled { former, place } => {
                audit(&store, "keys.rotate", format!("the former key is {former}")).await?;
                println!("the former key {former} is {place}");
                println!("it is no longer needed, but for backups made before now: destroy it with the last of them");
                break;
            }
            _ => {}
        }
    }
    store.close().await;
    Ok(())
}

/// What was told already, so that nothing is told twice in a row.
#[derive(Default)]
struct Progress {
    table: &'static str,
    keys: u64,
    waited: bool,
}

impl Progress {
    fn tell(&mut self, step: &Step) {
        match step {
            Step::Prepared(next) => println!("the key that is to follow is {next}"),
            Step::Announced => println!("running servers are told"),
            Step::Waiting(servers) if !self.waited => {
                self.waited = true;
                println!("{servers} running servers do not hold it yet; waiting");
            }
            Step::Waiting(_) | Step::Settled { .. } => {}
            Step::Switched => println!("all hold it; new keys are wrapped with it, now those there are"),
            Step::Rewrapped { table, keys } => {
                self.keys = if *table == self.table { self.keys + keys } else { *keys };
                self.table = table;
                if *keys > 0 {
                    println!("  {table}: {} keys wrapped anew", self.keys);
                }
            }
            Step::Finished(keys) => println!("{keys} keys were wrapped anew, none is left under the former key"),
        }
    }
}

async fn audit(store: &SqlStore, action: &str, detail: String) -> Result<()> {
    let line = AuditEntry {
        at: SystemClock.now(),
        actor: "cli".into(),
        action: action.into(),
        target: String::new(),
        source: String::new(),
        result: AuditResult::Ok,
        detail,
    };
    Ok(store.audit(&line).await?)
}
