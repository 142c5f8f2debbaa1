//! Several servers on one machine, with everything they share: PostgreSQL, Redis, Mosquitto with certificates, and a
//! front that spreads requests over them. Everything has folders and free loopback ports of its own and ends with this
//! program. Start reading at [`Cluster::start`].

pub mod member;
pub mod parts;
pub mod show;

use std::fs;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result};

use self::parts::{Database, Front, Part};
use crate::api::Api;
use crate::mosquitto::free_port;
use crate::process::Launch;
use crate::server::{LOGIN, PASSWORD, Server};
use crate::stage::Stage;

/// What every server of a cluster needs beside its own folder.
#[derive(Debug)]
pub struct Cluster {
    /// The servers; killed and started by who plays.
    pub servers: Vec<Server>,
    /// `host:port` of the front.
    pub front: String,
    /// `host:port` at which devices reach the broker.
    pub broker: String,
    /// The CA of all.
    pub ca_pem: String,
    /// Redis, for those who want to take it away.
    pub redis: Part,
    _front: Front,
    _mosquitto: Part,
    _database: Database,
}

/// Programs a cluster is made of that Debian has.
const PROGRAMS: [(&str, &str); 4] =
    [("redis-server", "redis-server"), ("haproxy", "haproxy"), ("mosquitto", "mosquitto"), ("psql", "postgresql")];

/// Whether everything is installed; if not, says aloud what is not tested.
#[must_use]
pub fn is_there() -> bool {
    let there = |program: &str| {
        std::env::var_os("PATH").is_some_and(|path| {
            let more = ["/usr/sbin", "/usr/local/sbin"].map(Into::into);
            std::env::split_paths(&path).chain(more).any(|dir| dir.join(program).is_file())
        })
    };
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        eprintln!(
            "SKIPPED: {} not installed (`cargo xtask setup`), several servers are not tested",
            missing.join(", ")
        );
    }
    missing.is_empty()
}

impl Cluster {
    /// Starts `count` servers; `extra` is more TOML for each.
    ///
    /// # Errors
    /// If a part does not come up.
    pub async fn start(stage: &Stage, count: usize, extra: &str) -> Result<Self> {
        let database = Database::start(stage)?;
        let redis = parts::redis(stage).await?;
        let [devices, servers] = [free_port()?, free_port()?];
        let shared = shared_config(stage, &database.url, &redis, [devices, servers], extra)?;
        let mosquitto = start_mosquitto(stage, &shared, [devices, servers]).await?;
        let mut members = vec![Server::start_named(stage, "server-1", &named(&shared, 1), true).await?];
        for number in 2..=count {
            let name = format!("server-{number}");
            members.push(Server::start_named(stage, &name, &named(&shared, number), false).await?);
        }
        let addresses: Vec<_> = members.iter().map(|server| server.endpoints.https.clone()).collect();
        let front = Front::start(stage, &addresses).await?;
        let ca_pem = members[0].ca_pem.clone();
        Ok(Self {
            servers: members,
            front: front.at.clone(),
            broker: format!("127.0.0.1:{devices}"),
            ca_pem,
            redis,
            _front: front,
            _mosquitto: mosquitto,
            _database: database,
        })
    }

    /// The API by way of the front, logged in as admin.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn api(&self) -> Result<Api> {
        Api::new(&self.front, &self.ca_pem)?.login(LOGIN, PASSWORD).await
    }
}

/// What is the same for all servers.
fn shared_config(stage: &Stage, url: &str, redis: &Part, ports: [u16; 2], extra: &str) -> Result<String> {
    let master = stage.file("master.key");
    write_private(&master, &"5e".repeat(32))?;
    let redis_url = stage.file("redis.url");
    write_private(&redis_url, &format!("redis://{}\n", redis.at))?;
    let [devices, servers] = ports;
    Ok(format!(
        "[broker]\nmode = \"external\"\nexternal_url = \"mqtts://127.0.0.1:{servers}\"\n\
         public_url = \"mqtts://127.0.0.1:{devices}\"\n\n\
         [store]\nurl = \"{url}\"\nmaster_key_file = \"{}\"\n\n{extra}\n\n\
         [cluster]\nenabled = true\nredis_url_file = \"{}\"\n",
        master.display(),
        redis_url.display(),
    ))
}

/// The section about the cluster is the last.
fn named(shared: &str, number: usize) -> String {
    format!("{shared}name = \"server-{number}\"\n")
}

fn write_private(path: &std::path::Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut file = fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}

/// The broker as the server says it must be.
async fn start_mosquitto(stage: &Stage, shared: &str, [devices, servers]: [u16; 2]) -> Result<Part> {
    let dir = stage.file("mosquitto");
    let config = Server::configure(stage, "server-1", &named(shared, 1))?;
    let at = |port: u16| format!("127.0.0.1:{port}");
    let (listen, server_listen) = (at(devices), at(servers));
    let args = [
        "--config".as_ref(),
        config.as_os_str(),
        "broker".as_ref(),
        "mosquitto".as_ref(),
        "--dir".as_ref(),
        dir.as_os_str(),
        "--name".as_ref(),
        "127.0.0.1".as_ref(),
        "--listen".as_ref(),
        listen.as_ref(),
        "--server-listen".as_ref(),
        server_listen.as_ref(),
    ];
    Launch::new("ostiary-server", stage.log("server-1"), args).output().context("asking for the broker's files")?;
    parts::mosquitto(stage, &dir, &server_listen).await
}
