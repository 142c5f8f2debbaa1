//! A broker of the user's own, killed and started again while a camera works.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, wait};

use crate::{LATER, SOON, media};

#[tokio::test(flavor = "multi_thread")]
async fn broker_killed_and_restarted() {
    if Command::new("mosquitto").arg("-h").output().is_err() {
        eprintln!("SKIPPED: mosquitto is not installed (`cargo xtask setup`), the external broker is not tested");
        return;
    }
    scenario("broker killed and restarted", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let url = format!("mqtts://127.0.0.1:{port}");
    let server = Server::start_external(stage, &url).await?;
    let mut broker = Mosquitto::start(stage, &server, port)?;
    let mut daemon = Daemon::claim(stage, &server, "entrance")?;
    daemon.run(&View::Loop { path: media::short_visits()?, true_speed: false })?;
    for round in 1..=2 {
        let stored = ledger::counts(&server.api, &daemon.device).await?.len();
        wait::until_true("events to be stored", LATER, async || {
            daemon.ensure_running()?;
            Ok(ledger::counts(&server.api, &daemon.device).await?.len() >= stored + 2)
        })
        .await?;
        broker.kill()?;
        let person = server.api.add_person(&format!("Person {round}")).await?;
        let sitter = if round == 1 { Sitter::Obama2012 } else { Sitter::Astronaut };
        server.api.enroll(&person, portrait(sitter)?).await?;
        let durable = daemon.durable_events().len();
        wait::until_true("events to pile up", LATER, async || Ok(daemon.durable_events().len() >= durable + 2)).await?;
        broker = Mosquitto::start(stage, &server, port)?;
    }
    ledger::same_gallery(&server.api, &daemon.device, LATER).await?;
    daemon.stop().await?;
    daemon.run(&View::Once(media::two_visits()?))?;
    ledger::same_gallery(&server.api, &daemon.device, SOON).await?;
    let expected = daemon.durable_events();
    ensure!(expected.len() > 6, "only {} events were made", expected.len());
    ledger::exactly_once(&server.api, &daemon.device, &expected, LATER).await?;
    ledger::no_holes(&server.api, &daemon.device).await
}

/// Debian's broker with the server's own certificate, open to everybody on loopback: who may do what is not
/// the subject here.
struct Mosquitto(Child);

impl Mosquitto {
    fn start(stage: &Stage, server: &Server, port: u16) -> Result<Self> {
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

    fn kill(&mut self) -> Result<()> {
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
