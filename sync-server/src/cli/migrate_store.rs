//! `migrate-store`: move the store from its SQLite file to a PostgreSQL database.

use std::io::Read;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::app::store_url;
use crate::config::Config;
use crate::store::sql::{MoveStep, StoreUrl, move_store};

/// The longest address.
const MAX_URL_BYTES: u64 = 4_096;

/// Where to.
#[derive(Args)]
pub struct MigrateStoreArgs {
    /// An empty PostgreSQL database, postgres://<user>@<host>/<database>, or `-` to read the address from standard
    /// input: other users of this machine see what stands on a command line, a password among it.
    #[arg(long, value_name = "URL")]
    to: String,
}

/// Moves it, saying each step.
pub async fn run(config: &Config, args: &MigrateStoreArgs) -> Result<()> {
    let from = store_url(config)?;
    let to = StoreUrl::parse(address(&args.to)?.trim()).context("--to")?;
    println!("moving {from} to {to}; the server may go on running until this is done");
    let moved = move_store(&from, &to, |step| match step {
        MoveStep::Copied(table) => println!("copied    {:>10} {}", table.rows, table.name),
        MoveStep::Locked => println!("the old store is locked; carrying over what changed meanwhile"),
        MoveStep::Verified(table) => {
            println!("verified  {:>10} {:<24} sha256 {}", table.rows, table.name, hex::encode(table.sha256));
        }
    });
    let moved = moved.await.with_context(|| format!("moving the store {from}"))?;
    let rows: u64 = moved.iter().map(|table| table.rows).sum();
    println!("moved {rows} rows of {} tables", moved.len());
    println!("now set store.url to the new address and restart the server; the old file takes no change any more");
    Ok(())
}

fn address(given: &str) -> Result<String> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_URL_BYTES + 1).read_to_string(&mut text).context("reading the address")?;
    ensure!(text.len() as u64 <= MAX_URL_BYTES, "the address is longer than {MAX_URL_BYTES} bytes");
    Ok(text)
}
