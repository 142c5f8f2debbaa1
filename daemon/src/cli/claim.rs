//! `ostiaryd claim`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::app;
use crate::app::reset::{self, Keep};
use crate::config::Config;
use crate::identity::{self, ClaimOrder, IdentityFiles, Trust};

/// Get this device's identity from the server.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("trust").required(true).args(["ca_sha256", "ca"])))]
pub struct Args {
    /// The server, for example https://ostiary.example.org:8443.
    #[arg(long, value_name = "URL")]
    server: String,
    /// The one-time code.
    #[arg(long)]
    code: String,
    /// SHA-256 of the server's CA certificate, 64 hexadecimal digits, as the server shows it.
    #[arg(long, value_name = "HEX")]
    ca_sha256: Option<String>,
    /// The server's CA certificate, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Replace the identity this device has.
    #[arg(long)]
    force: bool,
}

/// Claims an identity and says which.
pub fn claim(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    super::log::start(&config.log);
    app::make_state_dir(&config.device.state_dir)?;
    let order = ClaimOrder {
        server: server(&args.server)?,
        code: args.code.clone(),
        trust: trust(args)?,
        force: args.force,
        hardware: app::hardware(),
    };
    let files = IdentityFiles::new(&config.device.state_dir);
    // A running daemon would go on as who it was, and write down its tokens in the new identity's place.
    let _lock = app::lock_state(&config.device.state_dir).context("claiming (stop ostiaryd first)")?;
    let before = files.load().ok().map(|(identity, _)| identity.device);
    let identity = super::runtime(1)?.block_on(identity::claim(&order, &files))?;
    if before.is_some_and(|before| before != identity.device) {
        reset::forget(config, Keep::OutboxAndIdentity).context("forgetting what was held as another device")?;
    }
    println!("claimed: this is {} ({}), its broker is {}", identity.name, identity.device, identity.broker_url);
    Ok(ExitCode::SUCCESS)
}

fn server(text: &str) -> anyhow::Result<String> {
    anyhow::ensure!(text.starts_with("https://"), "--server {text}: allowed is https://host:port");
    Ok(text.to_owned())
}

fn trust(args: &Args) -> anyhow::Result<Trust> {
    if let Some(path) = &args.ca {
        let pem = std::fs::read_to_string(path).with_context(|| format!("--ca {}", path.display()))?;
        return Ok(Trust::CaPem(pem));
    }
    let digits: String = args.ca_sha256.iter().flat_map(|hex| hex.chars()).filter(|c| !":- ".contains(*c)).collect();
    let mut pin = [0; 32];
    hex::decode_to_slice(&digits, &mut pin).ok().context("--ca-sha256: allowed are 64 hexadecimal digits")?;
    Ok(Trust::Sha256(pin))
}
