//! The programs of others that a cluster stands on, each with a folder and a port of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::mosquitto::free_port;
use crate::process;
use crate::stage::{Stage, workspace};
use crate::wait;

/// How long a program may take to listen on a busy machine.
const COMES_UP: Duration = Duration::from_secs(30);

/// A running program; ended when dropped.
#[derive(Debug)]
pub struct Part {
    name: &'static str,
    child: Child,
    /// Where it listens.
    pub at: String,
}

impl Part {
    async fn start(stage: &Stage, name: &'static str, at: String, command: &mut Command) -> Result<Self> {
        let log = File::options().create(true).append(true).open(stage.log(name))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let mut part = Self { name, child, at };
        part.listening().await?;
        Ok(part)
    }

    async fn listening(&mut self) -> Result<()> {
        let what = format!("{} to listen", self.name);
        wait::until_true(&what, COMES_UP, async || {
            ensure!(self.child.try_wait()?.is_none(), "{} has ended", self.name);
            Ok(tokio::net::TcpStream::connect(&self.at).await.is_ok())
        })
        .await
    }

    /// Sends it a signal by name, such as `STOP` and `CONT`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, name: &str) -> Result<()> {
        process::signal(self.child.id(), name)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// PostgreSQL; the script ends it and removes its folder when its standard input is closed.
#[derive(Debug)]
pub struct Database {
    child: Child,
    /// As the server is told.
    pub url: String,
    /// Where everything of it lies: its files, its write-ahead log, the log of what it was asked.
    pub folder: PathBuf,
}

impl Database {
    /// Starts it.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn start(stage: &Stage) -> Result<Self> {
        // A folder of its own at the top, which the database's user can reach.
        let folder = tempfile::Builder::new().prefix("ostiary-postgres-").tempdir()?.keep();
        let log = File::options().create(true).append(true).open(stage.log("postgres"))?;
        let mut command = Command::new(workspace().join("sync-server/tests/postgres.sh"));
        let mut child = command.arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("what the script says")?).read_line(&mut said)?;
        ensure!(said == "ready\n", "PostgreSQL did not start: {said}");
        let url = format!("postgres:///postgres?host={}&user=ostiary", folder.display());
        Ok(Self { child, url, folder })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

pub(super) async fn redis(stage: &Stage) -> Result<Part> {
    let port = free_port()?;
    let folder = stage.file("redis");
    fs::create_dir_all(&folder)?;
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
    Part::start(stage, "redis", format!("127.0.0.1:{port}"), command.arg(folder)).await
}

/// With the files the server wrote for it.
pub(super) async fn mosquitto(stage: &Stage, dir: &Path, at: &str) -> Result<Part> {
    let config = dir.join("mosquitto.conf");
    let mut text = fs::read_to_string(&config)?;
    // Started by root it would become another user, who may not read the keys.
    text.push_str("\nuser root\nlog_type error\nlog_type warning\nlog_dest stderr\n");
    fs::write(&config, text)?;
    Part::start(stage, "mosquitto", at.to_owned(), Command::new("mosquitto").arg("-c").arg(config)).await
}

/// Spreads connections over the servers that say they are ready, and takes them from those that do not any more.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) at: String,
    _part: Part,
}

impl Front {
    pub(super) async fn start(stage: &Stage, servers: &[String]) -> Result<Self> {
        let at = format!("127.0.0.1:{}", free_port()?);
        let mut text = format!(
            "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 5m\n  timeout server 5m\n  option redispatch\n  \
             retries 3\nfrontend api\n  bind {at}\n  default_backend servers\nbackend servers\n  \
             option httpchk GET /readyz\n  balance roundrobin\n  default-server check check-ssl verify none inter 500ms \
             fall 2 rise 1 on-marked-down shutdown-sessions\n"
        );
        for (number, server) in (1..).zip(servers) {
            text.push_str(&format!("  server server-{number} {server}\n"));
        }
        let config = stage.file("haproxy.cfg");
        fs::write(&config, text)?;
        let mut command = Command::new("haproxy");
        let part = Part::start(stage, "haproxy", at.clone(), command.args(["-db", "-f"]).arg(config)).await?;
        Ok(Self { at, _part: part })
    }
}
