//! `notify`: what telling people needs beside the configuration.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::config::Config;
use crate::notify::push::{PushKey, new_key};

/// Read and written by the program's own account alone.
const PRIVATE: u32 = 0o600;

#[derive(Subcommand)]
pub enum Command {
    /// Make the key that signs messages to browsers; a server uses it from its next start on.
    PushKeys(PushKeysArgs),
}

#[derive(Args)]
pub struct PushKeysArgs {
    /// Where to write it [default: notify.push_key_file, or push.key in the data directory].
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Runs a notify command.
pub fn run(config: &Config, command: Command) -> Result<()> {
    match command {
        Command::PushKeys(args) => push_keys(config, args),
    }
}

fn push_keys(config: &Config, args: PushKeysArgs) -> Result<()> {
    let file = args.to.unwrap_or_else(|| config.notify.push_key_path(&config.server.data_dir));
    let key = new_key();
    // One that is there is not written over: every browser would have to ask anew.
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&file)
        .with_context(|| format!("writing {}; remove it first if browsers are to ask anew", file.display()))?;
    made.write_all(key.as_bytes())
        .and_then(|()| made.sync_all())
        .with_context(|| format!("writing {}", file.display()))?;
    println!("the key is in {}", file.display());
    println!("its public part is {}", PushKey::parse(&key, "")?.public());
    println!("restart the server; then people can have their browsers take messages, under Notifications");
    Ok(())
}
