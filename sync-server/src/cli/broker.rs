//! `broker`: files for a broker outside.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::app::{Foundation, SystemClock};
use crate::broker::outside::{Listeners, mosquitto_acl, mosquitto_conf};
use crate::config::Config;
use crate::identity::broker_files::{MONITOR_NAME, Pair, SERVER_NAME, for_broker, for_client};
use crate::identity::files;
use crate::identity::revocations::RevocationList;
use crate::ports::Clock;

#[derive(Subcommand)]
pub enum Command {
    /// Write configuration, rules and certificates for Mosquitto, so that it lets in whom Ostiary lets in.
    Mosquitto(MosquittoArgs),
}

#[derive(Args)]
pub struct MosquittoArgs {
    /// Where to write them; Mosquitto's user must be able to read the folder.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A host name or address by which devices and servers reach the broker; may be given several times.
    #[arg(long = "name", value_name = "HOST", required = true)]
    names: Vec<String>,
    /// Where it listens for devices.
    #[arg(long, default_value = "0.0.0.0:8883")]
    listen: SocketAddr,
    /// Where it listens for servers and monitors.
    #[arg(long, default_value = "0.0.0.0:8884")]
    server_listen: SocketAddr,
}

/// Runs a broker command.
pub async fn run(config: &Config, command: Command) -> Result<()> {
    let Command::Mosquitto(args) = command;
    let foundation = Foundation::open(config, &SystemClock).await?;
    let (authority, now) = (&foundation.authority, SystemClock.now());
    files::make_private_dir(&args.dir)?;
    let dir = std::path::absolute(&args.dir).context("the folder's whole path")?;
    let revoked = config.identity.revocation_list(&config.server.data_dir);
    let revoked = std::path::absolute(revoked).context("the whole path of the list of revoked certificates")?;
    write_pair(&dir, "broker", &for_broker(authority, &args.names, now)?)?;
    write_pair(&dir, "server", &for_client(authority, SERVER_NAME, now)?)?;
    write_pair(&dir, "monitor", &for_client(authority, MONITOR_NAME, now)?)?;
    files::write_public(&dir.join("ca.pem"), authority.certificate_pem())?;
    let listeners = Listeners { devices: args.listen, servers: args.server_listen };
    files::write_public(&dir.join("mosquitto.conf"), &mosquitto_conf(&listeners, &dir, &revoked))?;
    files::write_public(&dir.join("acl"), &mosquitto_acl(SERVER_NAME, MONITOR_NAME))?;
    // Mosquitto does not start without the list.
    let list = RevocationList {
        store: foundation.store.clone(),
        authority: authority.clone(),
        clock: std::sync::Arc::new(SystemClock),
        path: revoked,
        turn: tokio::sync::Mutex::default(),
    };
    list.write().await.context("writing the list of revoked certificates")?;
    foundation.store.close().await;
    let (name, port) = (&args.names[0], args.listen.port());
    println!("written to {}; start it with `mosquitto -c {}/mosquitto.conf`", dir.display(), dir.display());
    println!(
        "then set broker.mode = \"external\", broker.external_url = \"mqtts://{name}:{}\",",
        args.server_listen.port()
    );
    println!("broker.public_url = \"mqtts://{name}:{port}\" on every server; each makes its own certificate for it");
    Ok(())
}

fn write_pair(dir: &Path, name: &str, pair: &Pair) -> Result<()> {
    files::write_secret(&dir.join(format!("{name}.key")), &pair.key_pem)?;
    files::write_public(&dir.join(format!("{name}.pem")), &pair.chain_pem)?;
    Ok(())
}
