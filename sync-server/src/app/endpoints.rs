//! Where the server can be reached, as told to devices, and written down for whoever started it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::broker::Embedded;
use crate::config::Config;
use crate::identity::files::{make_private_dir, write_public};

/// Addresses of a running server.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoints {
    /// `host:port` of the API, on this machine.
    pub https: String,
    /// `host:port` of the broker, on this machine or elsewhere.
    pub mqtts: String,
    /// What devices are told.
    #[serde(skip)]
    pub broker_url: String,
}

impl Endpoints {
    /// Of what was bound and configured.
    pub fn new(config: &Config, https: SocketAddr, embedded: Option<&Embedded>) -> Self {
        let broker = embedded.map(|embedded| embedded.broker.local_addr);
        let external = || config.broker.external_url.trim_start_matches("mqtts://").to_owned();
        Self {
            https: from_here(https).to_string(),
            mqtts: broker.map_or_else(external, |address| from_here(address).to_string()),
            broker_url: broker_url(config, broker),
        }
    }

    /// Writes `<data_dir>/run/endpoints.json`.
    pub fn write(&self, data_dir: &Path) -> Result<()> {
        let json = serde_json::to_string(self).context("endpoints as JSON")?;
        write_public(&path(data_dir), &json).context("writing the endpoints")
    }
}

/// Takes the data directory for this process, and removes what an earlier one wrote.
pub fn lock(data_dir: &Path) -> Result<File> {
    let run = data_dir.join("run");
    make_private_dir(&run).context("making <data_dir>/run")?;
    let lock = run.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
    let file = file.with_context(|| format!("opening {}", lock.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another ostiary-server is running on {}", data_dir.display()),
        Err(TryLockError::Error(e)) => return Err(e).with_context(|| format!("locking {}", lock.display())),
    }
    match fs::remove_file(path(data_dir)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e).context("removing old endpoints"),
        _ => Ok(file),
    }
}

/// Where the addresses of a running server are written.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("endpoints.json")
}

/// An address that can be connected to from this machine.
fn from_here(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

fn broker_url(config: &Config, broker: Option<SocketAddr>) -> String {
    if !config.broker.public_url.is_empty() {
        return config.broker.public_url.clone();
    }
    let Some(address) = broker else { return config.broker.external_url.clone() };
    let host = match (config.server.public_names.first(), address.ip()) {
        (Some(name), _) => bracketed(name),
        (None, ip) if ip.is_unspecified() => "localhost".into(),
        (None, ip) => bracketed(&ip.to_string()),
    };
    format!("mqtts://{host}:{}", address.port())
}

/// IPv6 addresses stand in brackets in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], public_url: &str, listening: &str, expected: &str) {
        let mut config = Config::default();
        config.server.public_names = names.iter().map(|name| (*name).to_owned()).collect();
        config.broker.public_url = public_url.to_owned();
        assert_eq!(broker_url(&config, Some(listening.parse().unwrap())), expected);
    }

    #[test]
    fn tells_devices_where_the_broker_is() {
        check(&[], "", "0.0.0.0:8883", "mqtts://localhost:8883");
        check(&[], "", "127.0.0.1:4000", "mqtts://127.0.0.1:4000");
        check(&["doors.example", "10.0.0.1"], "", "0.0.0.0:4000", "mqtts://doors.example:4000");
        check(&["fd00::1"], "", "[::]:4000", "mqtts://[fd00::1]:4000");
        check(&["doors.example"], "mqtts://mq.example:1", "0.0.0.0:4000", "mqtts://mq.example:1");
    }

    #[test]
    fn a_data_directory_is_for_one_server() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        assert!(lock(dir.path()).unwrap_err().to_string().contains("another ostiary-server"));
        drop(held);
        lock(dir.path()).unwrap();
    }
}
