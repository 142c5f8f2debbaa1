//! The server under test: its folder, its process, an admin, and devices made for it.

mod start;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::api::{Api, text};
use crate::process::{Launch, Process};
use crate::stage::Stage;

use start::{create_admin, endpoints_file, fetch_ca, launch, wait_ready, write_config};

/// The admin's login.
pub const LOGIN: &str = "admin";
/// The admin's password: for throw-away servers only.
pub const PASSWORD: &str = "correct horse battery staple";
/// Where a server listens unless it is told otherwise.
pub const LOOPBACK: &str = "127.0.0.1";
/// How long it may take to end in order.
const ENDS: Duration = Duration::from_secs(20);

/// Where a running server listens, as it writes it itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoints {
    /// `host:port` of the API.
    pub https: String,
    /// `host:port` of the embedded broker; empty if the broker is another's.
    #[serde(default)]
    pub mqtts: String,
}

/// A device as the admin made it: what the installer is handed.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The device's id.
    pub device: String,
    /// The one-time code.
    pub code: String,
    /// SHA-256 of the server's CA.
    pub ca_sha256: String,
}

/// A server, running or not.
#[derive(Debug)]
pub struct Server {
    data_dir: PathBuf,
    config: PathBuf,
    log: PathBuf,
    extra: String,
    env: Vec<(String, String)>,
    process: Option<Process>,
    /// Where it listens; the same after a restart.
    pub endpoints: Endpoints,
    /// Its CA.
    pub ca_pem: String,
    /// The API, logged in as admin.
    pub api: Api,
}

impl Server {
    /// Starts a server with a new folder, on ports of its own choice, and makes an admin.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start(stage: &Stage) -> Result<Self> {
        Self::start_with(stage, "").await
    }

    /// As [`Server::start`], with more TOML in the configuration.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_with(stage: &Stage, extra: &str) -> Result<Self> {
        Self::start_at(stage, LOOPBACK, extra).await
    }

    /// As [`Server::start_with`], listening on another address of this machine.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_at(stage: &Stage, host: &str, extra: &str) -> Result<Self> {
        Self::start_as(stage, ("server", host), extra, true).await
    }

    /// Starts one of several servers, with a folder of its own name; the first of them makes the admin.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_named(stage: &Stage, name: &str, extra: &str, is_first: bool) -> Result<Self> {
        Self::start_as(stage, (name, LOOPBACK), extra, is_first).await
    }

    /// Writes the configuration that a server of this name is started with, for commands before its start.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn configure(stage: &Stage, name: &str, extra: &str) -> Result<PathBuf> {
        Self::configure_at(stage, (name, LOOPBACK), extra)
    }

    fn configure_at(stage: &Stage, (name, host): (&str, &str), extra: &str) -> Result<PathBuf> {
        let data_dir = stage.file(name);
        fs::create_dir_all(&data_dir)?;
        let config = stage.file(&format!("{name}.toml"));
        let anywhere = Endpoints { https: format!("{host}:0"), mqtts: format!("{host}:0") };
        write_config(&config, &data_dir, &anywhere, extra)?;
        Ok(config)
    }

    async fn start_as(stage: &Stage, (name, host): (&str, &str), extra: &str, is_first: bool) -> Result<Self> {
        let (data_dir, log) = (stage.file(name), stage.log(name));
        let config = Self::configure_at(stage, (name, host), extra)?;
        if is_first {
            create_admin(stage, &config)?;
        }
        let launch = launch(&config, &log);
        let mut process = launch.start()?;
        let endpoints = wait_ready(&data_dir, &mut process).await?;
        write_config(&config, &data_dir, &endpoints, extra)?;
        let ca_pem = fetch_ca(&endpoints).await?;
        let api = Api::new(&endpoints.https, &ca_pem)?.login(LOGIN, PASSWORD).await?;
        let (extra, env, process) = (extra.to_owned(), Vec::new(), Some(process));
        Ok(Self { data_dir, config, log, extra, env, process, endpoints, ca_pem, api })
    }

    /// Starts a server that uses the broker at `url` instead of its own.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn start_external(stage: &Stage, url: &str) -> Result<Self> {
        Self::start_with(stage, &format!("[broker]\nmode = \"external\"\nexternal_url = \"{url}\"\n")).await
    }

    /// The key its store is sealed with, where it made that itself.
    #[must_use]
    pub fn master_key_file(&self) -> PathBuf {
        self.data_dir.join("master.key")
    }

    /// Its certificate chain and the key to it, for a broker of the test's own.
    #[must_use]
    pub fn certificate_files(&self) -> [PathBuf; 2] {
        ["server.pem", "server.key"].map(|name| self.data_dir.join("tls").join(name))
    }

    /// The key it signs tokens with, PEM: for tokens that are right in everything but one thing.
    ///
    /// # Errors
    /// If there is not exactly one.
    pub fn token_key_pem(&self) -> Result<String> {
        let entries = fs::read_dir(self.data_dir.join("keys")).context("the server's token keys")?;
        let files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        let [file] = files.as_slice() else { bail!("one token key expected, found {}", files.len()) };
        Ok(fs::read_to_string(file)?)
    }

    /// Starts it again, at the same addresses.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        self.restart_with_fault(None).await
    }

    /// Starts it again with a fault built in for the test, see `OSTIARY_FAULT` in the server's sources.
    ///
    /// # Errors
    /// If it does not come up.
    pub async fn restart_with_fault(&mut self, fault: Option<&str>) -> Result<()> {
        self.process = None;
        // A file left by a killed server must not be taken for the new one's word.
        let _ = fs::remove_file(endpoints_file(&self.data_dir));
        write_config(&self.config, &self.data_dir, &self.endpoints, &self.extra)?;
        let mut launch = launch(&self.config, &self.log);
        launch.env.clone_from(&self.env);
        if let Some(fault) = fault {
            launch = launch.env("OSTIARY_FAULT", fault);
        }
        let mut process = launch.start()?;
        let ready = wait_ready(&self.data_dir, &mut process).await;
        self.process = Some(process);
        let up = async {
            self.endpoints = ready?;
            // Tokens outlive a restart, but not every test does: log in anew.
            self.api = self.api.with_token(None).login(LOGIN, PASSWORD).await?;
            Ok(())
        };
        match up.await {
            // It may have met its fault by now, which whoever asked for it waits for.
            Err(_) if fault.is_some() => Ok(()),
            up => up,
        }
    }

    /// The address it listens on, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.endpoints.https.rsplit_once(':').map_or(LOOPBACK, |(host, _)| host)
    }

    /// What is in its environment from its next start on.
    pub fn set_env(&mut self, env: Vec<(String, String)>) {
        self.env = env;
    }

    /// Sends it a signal by name; nothing if it is not running.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(name))
    }

    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("ostiary.sqlite")
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let status = process.terminate(ENDS).await?;
        anyhow::ensure!(status.success(), "the server ended with {status} on SIGTERM");
        Ok(())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Waits until it has ended by itself, as one with a fault does.
    ///
    /// # Errors
    /// If it does not.
    pub async fn wait_ended(&mut self, deadline: Duration) -> Result<()> {
        if let Some(process) = &mut self.process {
            process.wait(deadline).await?;
        }
        self.process = None;
        Ok(())
    }

    /// Runs a command of the server's command line, and returns what it printed.
    ///
    /// # Errors
    /// If the command fails.
    pub fn command(&self, args: &[&str]) -> Result<String> {
        let args = args.iter().map(AsRef::as_ref);
        let args = ["--config".as_ref(), self.config.as_os_str()].into_iter().chain(args);
        Launch::new("ostiary-server", self.log.clone(), args).output()
    }

    /// Makes a device by the command line, as the README says.
    ///
    /// # Errors
    /// If the command fails.
    pub fn add_device(&self, site: &str, door: &str, name: &str) -> Result<Invitation> {
        let printed = self.command(&["device", "add", "--site", site, "--door", door, "--name", name, "--json"])?;
        let json: Value = serde_json::from_str(&printed).with_context(|| format!("JSON in {printed}"))?;
        let device = text(&json["device"], "id")?;
        Ok(Invitation { device, code: text(&json, "claim_code")?, ca_sha256: text(&json, "ca_sha256")? })
    }

    /// Its process, if it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where the password of the read-only MQTT account lies.
    #[must_use]
    pub fn monitor_password_file(&self) -> PathBuf {
        self.data_dir.join("monitor.password")
    }

    /// Fails if it has ended.
    ///
    /// # Errors
    /// If it has ended; the error holds the end of its log.
    pub fn ensure_running(&mut self) -> Result<()> {
        self.process.as_mut().context("the server is stopped")?.ensure_running()
    }
}
