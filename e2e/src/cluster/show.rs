//! `ostiary-lab scale`: a cluster to try things on, until Ctrl-C.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::Cluster;
use crate::server::{LOGIN, PASSWORD};
use crate::stage::Stage;

/// How many servers.
#[derive(Args, Clone, Debug)]
pub struct ScaleArgs {
    /// Servers over one database.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    servers: u8,
}

/// Starts a cluster, says where everything is, and ends it on Ctrl-C.
///
/// # Errors
/// If a part does not come up.
pub fn main(args: &ScaleArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(show(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: &ScaleArgs) -> Result<()> {
    let stage = Stage::open().await?;
    let started = Cluster::start(&stage, args.servers.into(), "").await;
    let mut cluster = started.inspect_err(|_| eprintln!("{}", stage.logs()))?;
    println!("front      https://{}   (log in as {LOGIN}, {PASSWORD:?})", cluster.front);
    for (number, server) in (1..).zip(&cluster.servers) {
        println!("server-{number}   https://{}", server.endpoints.https);
    }
    println!("broker     mqtts://{}   (devices, by certificate)", cluster.broker);
    println!("redis      {}", cluster.redis.at);
    println!("folder     {}   (CA, logs, configuration)", stage.path().display());
    println!("Ctrl-C ends all of it.");
    tokio::signal::ctrl_c().await.context("waiting for Ctrl-C")?;
    for server in &mut cluster.servers {
        server.stop().await?;
    }
    Ok(())
}
