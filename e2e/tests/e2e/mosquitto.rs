//! Debian's MQTT broker, for tests of the external mode.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::Stage;

/// Whether it is installed; if not, says aloud what is not tested.
pub fn is_there() -> bool {
    let there = Command::new("mosquitto").arg("-h").output().is_ok();
    if !there {
        eprintln!("SKIPPED: mosquitto is not installed (`cargo xtask setup`), the external broker is not tested");
    }
    there
}

/// A port nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Where a broker on a port is reached.
pub fn url(port: u16) -> String {
    format!("mqtts://127.0.0.1:{port}")
}

/// Debian's broker with the server's own certificate, open to everybody on loopback: who may do what is not
/// the subject here.
pub struct Mosquitto(Child);

impl Mosquitto {
    /// Starts it on a port.
    pub fn start(stage: &Stage, server: &Server, port: u16) -> Result<Self> {
        let config = stage.file("mosquitto.conf");
        let [chain, key] = server.certificate_files().map(|path| path.display().to_string());
        // Started by root it would become another user, who may not read the key.
        let text = format!(
            "user root\nlistener {port} 127.0.0.1\ncertfile {chain}\nkeyfile {key}\n\
             allow_anonymous true\npersistence false\nmax_queued_messages 0\n"
        );
        fs::write(&config, text)?;
        let log = fs::File::options().create(true).append(true).open(stage.log("mosquitto"))?;
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(Self(command.spawn().context("starting mosquitto")?))
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill().context("killing mosquitto")?;
        self.0.wait().context("waiting for mosquitto")?;
        Ok(())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
