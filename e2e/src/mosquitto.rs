//! Debian's MQTT broker, for plays of the external mode.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::server::Server;
use crate::stage::Stage;
use crate::wait;

/// How long it may take to listen.
const COMES_UP: Duration = Duration::from_secs(20);

/// Whether it is installed; if not, says aloud what is not tested.
#[must_use]
pub fn is_there() -> bool {
    let there = Command::new("mosquitto").arg("-h").output().is_ok();
    if !there {
        eprintln!("SKIPPED: mosquitto is not installed (`cargo xtask setup`), the external broker is not tested");
    }
    there
}

/// A port nobody listens on.
///
/// # Errors
/// If the system has none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where a broker on a port is reached.
#[must_use]
pub fn url(host: &str, port: u16) -> String {
    format!("mqtts://{host}:{port}")
}

/// Debian's broker with the server's own certificate, open to everybody who can reach it: who may do what is not
/// the subject here.
#[derive(Debug)]
pub struct Mosquitto {
    child: Child,
    config: PathBuf,
    log: PathBuf,
    at: String,
}

impl Mosquitto {
    /// Starts it on a port.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(stage: &Stage, server: &Server, port: u16) -> Result<Self> {
        let config = stage.file("mosquitto.conf");
        let host = server.host();
        let [chain, key] = server.certificate_files().map(|path| path.display().to_string());
        // Started by root it would become another user, who may not read the key.
        let text = format!(
            "user root\nlistener {port} {host}\ncertfile {chain}\nkeyfile {key}\n\
             allow_anonymous true\npersistence false\nmax_queued_messages 0\n"
        );
        fs::write(&config, text)?;
        let (log, at) = (stage.log("mosquitto"), format!("{host}:{port}"));
        Ok(Self { child: spawn(&config, &log)?, config, log, at })
    }

    /// Starts it again after a kill, and waits until it listens.
    ///
    /// # Errors
    /// If it does not.
    pub async fn restart(&mut self) -> Result<()> {
        self.child = spawn(&self.config, &self.log)?;
        self.listening().await
    }

    /// Waits until it listens.
    ///
    /// # Errors
    /// If it does not.
    pub async fn listening(&mut self) -> Result<()> {
        wait::until_true("mosquitto to listen", COMES_UP, async || {
            ensure!(self.child.try_wait()?.is_none(), "mosquitto has ended");
            Ok(tokio::net::TcpStream::connect(&self.at).await.is_ok())
        })
        .await
    }

    /// Sends it a signal by name.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, name: &str) -> Result<()> {
        process::signal(self.child.id(), name)
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("killing mosquitto")?;
        self.child.wait().context("waiting for mosquitto")?;
        Ok(())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn spawn(config: &Path, log: &Path) -> Result<Child> {
    let log = fs::File::options().create(true).append(true).open(log)?;
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().context("starting mosquitto")
}
