//! `ostiaryd claim`.

mod file;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::app;
use crate::app::reset::{self, Keep};
use crate::config::Config;
use crate::identity::{self, ClaimOrder, Identity, IdentityFiles, Trust};
use file::ClaimFile;

/// Get this device's identity from the server.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("trust").required(true).args(["ca_sha256", "ca", "wait"])))]
pub struct Args {
    /// The server, for example https://ostiary.example.org:8443.
    #[arg(long, value_name = "URL", required_unless_present = "wait")]
    server: Option<String>,
    /// The one-time code.
    #[arg(long, required_unless_present = "wait")]
    code: Option<String>,
    /// SHA-256 of the server's CA certificate, 64 hexadecimal digits, as the server shows it.
    #[arg(long, value_name = "HEX")]
    ca_sha256: Option<String>,
    /// The server's CA certificate, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Wait for a claim file on the boot partition (server, code and ca_sha256), and for the server.
    #[arg(long, conflicts_with_all = ["server", "code"])]
    wait: bool,
    /// With --wait: look for this claim file instead.
    #[arg(long, value_name = "FILE", requires = "wait")]
    file: Option<PathBuf>,
    /// Replace the identity this device has.
    #[arg(long)]
    force: bool,
}

/// Claims an identity and says which.
pub fn claim(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    super::log::start(&config.log);
    app::make_state_dir(&config.device.state_dir)?;
    let identity = match args.wait {
        true => wait::wait(args.file.as_deref(), |file| once(order_of(file, args.force)?, config)),
        false => once(order(args)?, config)?,
    };
    println!("claimed: this is {} ({}), its broker is {}", identity.name, identity.device, identity.broker_url);
    Ok(ExitCode::SUCCESS)
}

fn once(order: ClaimOrder, config: &Config) -> anyhow::Result<Identity> {
    let files = IdentityFiles::new(&config.device.state_dir);
    // A running daemon would go on as who it was, and write down its tokens in the new identity's place.
    let _lock = app::lock_state(&config.device.state_dir).context("claiming (stop ostiaryd first)")?;
    let before = files.load().ok().map(|(identity, _)| identity.device);
    let identity = super::runtime(1)?.block_on(identity::claim(&order, &files))?;
    if before.is_some_and(|before| before != identity.device) {
        reset::forget(config, Keep::OutboxAndIdentity).context("forgetting what was held as another device")?;
    }
    Ok(identity)
}

fn order(args: &Args) -> anyhow::Result<ClaimOrder> {
    Ok(ClaimOrder {
        server: server(args.server.as_deref().unwrap_or_default())?,
        code: args.code.clone().unwrap_or_default(),
        trust: trust(args)?,
        force: args.force,
        hardware: hardware(),
    })
}

fn order_of(file: &ClaimFile, force: bool) -> anyhow::Result<ClaimOrder> {
    Ok(ClaimOrder {
        server: server(&file.server)?,
        code: file.code.clone(),
        trust: Trust::Sha256(pin(&file.ca_sha256)?),
        force,
        hardware: hardware(),
    })
}

/// The board in words, with the name it shows while it waits, so that an admin can tell boards apart.
fn hardware() -> String {
    format!("{}, board {}", app::hardware(), wait::board())
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
    Ok(Trust::Sha256(pin(args.ca_sha256.as_deref().unwrap_or_default())?))
}

fn pin(hex: &str) -> anyhow::Result<[u8; 32]> {
    let digits: String = hex.chars().filter(|c| !":- ".contains(*c)).collect();
    let mut pin = [0; 32];
    hex::decode_to_slice(&digits, &mut pin).ok().context("--ca-sha256: allowed are 64 hexadecimal digits")?;
    Ok(pin)
}
