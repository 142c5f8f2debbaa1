//! The server on this machine that the guest's daemon talks to.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// How long the server may take to start.
const START_WITHIN: Duration = Duration::from_secs(60);

/// A running server; ends with it.
pub struct Server {
    child: Child,
    config: PathBuf,
    api: u16,
    host: String,
    endpoints: PathBuf,
    log: PathBuf,
}

/// What a device needs for its claim.
pub struct Claim {
    /// The server, as the guest reaches it.
    pub server: String,
    /// The code.
    pub code: String,
    /// SHA-256 of the CA.
    pub ca_sha256: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts one on free ports, with its data below `folder`; whoever talks to it finds it as `host`.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(folder: &Path, host: &str) -> Result<Self> {
        Self::start_program(&shell::dev_binary("ostiary-server"), folder, host)
    }

    /// The same with another build of it.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_program(program: &Path, folder: &Path, host: &str) -> Result<Self> {
        let (api, broker) = (free_port()?, free_port()?);
        let data = folder.join("server");
        fs::create_dir_all(&data)?;
        let config = folder.join("server.toml");
        let pack = shell::root().join("models/packs/ostiary-default");
        let text = format!(
            "[server]\ndata_dir = {data:?}\nlisten = \"127.0.0.1:{api}\"\npublic_names = [\"{host}\", \"localhost\"]\n\
             [broker]\nlisten = \"127.0.0.1:{broker}\"\npublic_url = \"mqtts://{host}:{broker}\"\n\
             [models]\npack_dir = {pack:?}\n"
        );
        fs::write(&config, text)?;
        let log = folder.join("server.log");
        let mut serve = shell::command(program, &["--config"]);
        serve.arg(&config).arg("serve").stdin(Stdio::null()).stdout(fs::File::create(&log)?);
        let child =
            serve.stderr(fs::File::create(folder.join("server.err"))?).spawn().context("starting the server")?;
        let mut server = Self {
            child,
            config,
            api,
            host: host.to_owned(),
            endpoints: data.join("run/endpoints.json"),
            log: folder.join("server.err"),
        };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<()> {
        let until = Instant::now() + START_WITHIN;
        // It writes down where it listens once it does. (Knocking at a free port of loopback may be answered by oneself.)
        while !self.endpoints.exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.said());
            }
            if Instant::now() > until {
                bail!("the server does not listen: {}", self.said());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Megabytes it has in memory.
    ///
    /// # Errors
    /// If it has ended.
    pub fn resident_mb(&self) -> Result<f64> {
        shell::resident_mb(self.child.id())
    }

    /// Makes an account that may see and send everything, and gives its password.
    ///
    /// # Errors
    /// If the server's command refuses.
    pub fn account(&self, login: &str) -> Result<String> {
        let mut bytes = [0; 16];
        fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut create = shell::command(shell::dev_binary("ostiary-server"), &["--config"]);
        create.arg(&self.config).args(["admin", "create", "--login", login, "--role", "owner", "--password-stdin"]);
        let mut child = create.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("it reads a password")?.write_all(password.as_bytes())?;
        let ended = child.wait_with_output()?;
        if !ended.status.success() {
            bail!("making an account: {}", String::from_utf8_lossy(&ended.stderr));
        }
        Ok(password)
    }

    /// Makes a device and says what it is claimed with.
    ///
    /// # Errors
    /// If the server's command does not give it.
    pub fn device(&self, name: &str) -> Result<Claim> {
        let mut add = shell::command(shell::dev_binary("ostiary-server"), &["--config"]);
        add.arg(&self.config).args(["device", "add", "--site", "Lab", "--door", "Door", "--name", name, "--json"]);
        let answer: Value = serde_json::from_str(&shell::output(&mut add)?).context("the device's JSON")?;
        let text = |key: &str| {
            let value = answer.pointer(key).and_then(Value::as_str).map(str::to_owned);
            value.with_context(|| format!("no {key} in {answer}"))
        };
        let code = text("/claim/code").or_else(|_| text("/claim_code")).or_else(|_| text("/code"))?;
        let ca_sha256 = text("/claim/ca_sha256").or_else(|_| text("/ca_sha256"))?;
        Ok(Claim { server: format!("https://{}:{}", self.host, self.api), code, ca_sha256 })
    }

    /// How many visits it lists, as the account sees them.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn visits(&self, login: &str, password: &str) -> Result<usize> {
        let body = serde_json::json!({"login": login, "password": password}).to_string();
        let token = self.ask("/api/v1/auth/login", &["--data", "@-"], &body)?;
        let token = token["access_token"].as_str().context("the server gives no token")?.to_owned();
        let events = self.ask(
            "/api/v1/events?kind=match,unknown,unusable,spoof_suspected",
            &["--header", "@-"],
            &format!("authorization: Bearer {token}"),
        )?;
        let items = events["items"].as_array().or_else(|| events.as_array());
        Ok(items.with_context(|| format!("no list of events: {events}"))?.len())
    }

    /// Asks the API; what is secret goes in by standard input, where nobody else on this machine reads it.
    fn ask(&self, path: &str, args: &[&str], secret: &str) -> Result<Value> {
        // The server's certificate is for the guest's way to it.
        let mut curl = shell::command("curl", &["--silent", "--show-error", "--fail", "--insecure"]);
        curl.args(["--max-time", "30", "--header", "content-type: application/json"]).args(args);
        curl.arg(format!("https://127.0.0.1:{}{path}", self.api));
        let mut child = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        child.stdin.take().context("it reads")?.write_all(secret.as_bytes())?;
        let ended = child.wait_with_output()?;
        if !ended.status.success() {
            bail!("asking the server for {path}: {}", String::from_utf8_lossy(&ended.stderr));
        }
        serde_json::from_slice(&ended.stdout).with_context(|| format!("the answer to {path}"))
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
