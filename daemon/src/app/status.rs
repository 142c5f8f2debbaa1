//! How the daemon is, for whoever asks on this machine: a Unix socket that says it once to everybody who connects.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::shared::Shared;

/// The socket's name.
const SOCKET: &str = "status.sock";
/// Where systemd makes a folder for it.
const RUN_DIR: &str = "/run/ostiaryd";
/// Whoever does not read is left.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is told of the daemon beside its figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// The program's version.
    pub version: String,
    /// The device's id.
    pub device: String,
    /// Its name.
    pub name: String,
    /// The camera, in words.
    pub camera: String,
    /// The model pack.
    pub model_pack: String,
    /// Why it runs without camera and model, if it does.
    pub safe_mode: Option<String>,
    /// How the run before this one ended.
    pub run_before: String,
}

/// What everybody is told who asks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it is.
    #[serde(flatten)]
    pub face: Face,
    /// What is wrong: name and what to do.
    pub alarms: Vec<(String, String)>,
    /// Figures by the names Prometheus metrics have.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// Where the socket of a daemon that runs by `config` is to be looked for, the likeliest first.
#[must_use]
pub fn places(config: &Config) -> Vec<PathBuf> {
    let state = config.device.state_dir.join(SOCKET);
    match &config.health.socket {
        Some(path) => vec![path.clone()],
        None => vec![Path::new(RUN_DIR).join(SOCKET), state],
    }
}

/// Where it is made: as configured, in the folder systemd made, or with the state.
fn place(config: &Config) -> PathBuf {
    let by_systemd = || std::env::var_os("RUNTIME_DIRECTORY").map(|dir| PathBuf::from(dir).join(SOCKET));
    let with_state = || config.device.state_dir.join(SOCKET);
    config.health.socket.clone().or_else(by_systemd).unwrap_or_else(with_state)
}

/// Begins to answer. A socket that cannot be made is a line in the log: the door is more important.
pub fn spawn(shared: &Arc<Shared>, config: &Config, face: Face) {
    let path = place(config);
    let weak = Arc::downgrade(shared);
    let begun = listen(&path).and_then(|listener| {
        std::thread::Builder::new().name("status".into()).spawn(move || answer(&listener, &weak, &face))
    });
    if let Err(error) = begun {
        tracing::warn!(%error, "`ostiaryd status` will not answer: {}: {error}", path.display());
    }
}

fn listen(path: &Path) -> std::io::Result<UnixListener> {
    // What a killed daemon left; another that runs is kept out by the lock of the state directory.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o660))?;
    Ok(listener)
}

fn answer(listener: &UnixListener, shared: &Weak<Shared>, face: &Face) {
    for stream in listener.incoming() {
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = stream.and_then(|stream| say(stream, &status(&shared, face))) {
            tracing::debug!(%error, "somebody asked for the status and did not wait for it");
        }
    }
}

fn status(shared: &Shared, face: &Face) -> Status {
    let vitals = shared.board.vitals.load();
    Status {
        face: face.clone(),
        alarms: vitals.alarms.iter().map(|alarm| (alarm.name().to_owned(), alarm.words().to_owned())).collect(),
        metrics: crate::health::snapshot(shared).metrics,
    }
}

fn say(mut stream: UnixStream, status: &Status) -> std::io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(status)?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn everybody_who_connects_is_told_and_a_socket_left_behind_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.health.socket = Some(dir.path().join("s"));
        let (shared, _) = crate::testing::shared(dir.path(), &config);
        let face = Face { name: "Front door".into(), ..Face::default() };
        drop(UnixListener::bind(dir.path().join("s")).unwrap());
        spawn(&shared, &config, face.clone());
        for _ in 0..3 {
            let mut text = String::new();
            UnixStream::connect(&places(&config)[0]).unwrap().read_to_string(&mut text).unwrap();
            let status: Status = serde_json::from_str(&text).unwrap();
            assert_eq!(status.face, face);
            assert!(status.metrics.contains_key("ostiary_frames_total"));
        }
    }
}
