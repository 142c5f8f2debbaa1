//! Bringing a server up: its configuration, its admin, and the wait until it says where it listens.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Endpoints, LOGIN, PASSWORD};
use crate::process::{Launch, Process};
use crate::stage::{Stage, pack_dir};
use crate::wait;

/// How long a server may take to come up on a busy machine.
const COMES_UP: Duration = Duration::from_secs(60);

pub(super) fn launch(config: &Path, log: &Path) -> Launch {
    Launch::new("ostiary-server", log.to_owned(), ["--config".as_ref(), config.as_os_str(), "serve".as_ref()])
}

pub(super) fn write_config(path: &Path, data_dir: &Path, at: &Endpoints, extra: &str) -> Result<()> {
    let Endpoints { https, mqtts } = at;
    let (data_dir, pack_dir) = (data_dir.display(), pack_dir());
    // What is asked of the embedded broker beside its address goes into the same section.
    let listen = format!("[broker]\nlisten = \"{mqtts}\"\n");
    let (broker, extra) = match extra.contains("[broker]") {
        false => (listen, extra.to_owned()),
        true if extra.contains("external_url") => (String::new(), extra.to_owned()),
        true => (String::new(), extra.replacen("[broker]\n", &listen, 1)),
    };
    let text = format!(
        "[server]\ndata_dir = \"{data_dir}\"\nlisten = \"{https}\"\n\n{broker}\n[models]\npack_dir = \"{}\"\n\n{extra}\n",
        pack_dir.display()
    );
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

pub(super) fn create_admin(stage: &Stage, config: &Path) -> Result<()> {
    let password = stage.file("admin.password");
    fs::write(&password, PASSWORD)?;
    let create = ["admin", "create", "--login", LOGIN, "--password-file"].map(str::as_ref);
    let args = ["--config".as_ref(), config.as_os_str()].into_iter().chain(create).chain([password.as_os_str()]);
    Launch::new("ostiary-server", stage.log("server"), args).output().context("making the admin")?;
    Ok(())
}

pub(super) fn endpoints_file(data_dir: &Path) -> PathBuf {
    data_dir.join("run/endpoints.json")
}

pub(super) async fn wait_ready(data_dir: &Path, process: &mut Process) -> Result<Endpoints> {
    let file = endpoints_file(data_dir);
    let ask = async || {
        process.ensure_running()?;
        Ok(fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    };
    wait::until("the server to be ready", COMES_UP, ask).await
}

/// Asks a server that nobody can vouch for yet for its CA. Devices do better: they are told its fingerprint.
pub(super) async fn fetch_ca(endpoints: &Endpoints) -> Result<String> {
    let blind = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build()?;
    let url = format!("https://{}/api/v1/ca.pem", endpoints.https);
    Ok(blind.get(url).send().await?.error_for_status()?.text().await?)
}
