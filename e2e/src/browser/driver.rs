//! Starting Chromium's WebDriver on a port of its own, and a browser through it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::mosquitto::free_port;
use crate::wait;

/// How long the driver may take to listen.
const COMES_UP: Duration = Duration::from_secs(60);

/// Whether browser and driver are installed; if not, says aloud what is not tested.
#[must_use]
pub fn is_there() -> bool {
    let there = Command::new("chromedriver").arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: chromedriver is not installed (`cargo xtask setup`), the panel is not tested in a browser");
    }
    there
}

/// A running driver; it and its browsers end when it is dropped.
pub struct Driver {
    child: Child,
    url: String,
    /// Profile, cache and whatever a browser puts into its home.
    home: TempDir,
}

impl Driver {
    /// Starts it.
    ///
    /// # Errors
    /// If it is not installed or does not come up.
    pub async fn start() -> Result<Self> {
        let port = free_port()?;
        let home = tempfile::Builder::new().prefix("ostiary-browser-").tempdir()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", home.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("starting chromedriver (`cargo xtask setup` installs it)")?;
        let url = format!("http://127.0.0.1:{port}");
        let driver = Self { child, url, home };
        let status = format!("{}/status", driver.url);
        let ready = async || Ok(reqwest::get(&status).await.is_ok_and(|answer| answer.status().is_success()));
        wait::until_true("chromedriver", COMES_UP, ready).await?;
        Ok(driver)
    }

    /// Opens a window without a screen, before a camera that shows a file, or else a test picture.
    ///
    /// # Errors
    /// If the browser does not start.
    pub async fn client(&self, width: u32, height: u32, shows: Option<&Path>) -> Result<Client> {
        let profile = self.home.path().join("profile");
        let mut args = vec![
            "--headless=new".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.display()),
            // The only user of a container is root, whom Chromium refuses otherwise.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--lang=en-GB".to_owned(),
            "--use-fake-device-for-media-stream".to_owned(),
            "--use-fake-ui-for-media-stream".to_owned(),
        ];
        args.extend(shows.map(|file| format!("--use-file-for-fake-video-capture={}", file.display())));
        // The server's certificate is of its own CA.
        let wanted = json!({
            "browserName": "chrome", "acceptInsecureCerts": true, "goog:chromeOptions": { "args": args },
        });
        let wanted: Map<_, _> = wanted.as_object().cloned().unwrap_or_default();
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(COMES_UP));
        let client = ClientBuilder::new(connector).capabilities(wanted).connect(&self.url).await;
        client.context("opening a browser")
    }

    /// Gives a browser a command of Chromium's DevTools protocol.
    ///
    /// # Errors
    /// If the browser refuses it.
    pub async fn devtools(&self, client: &Client, command: &str, params: &Value) -> Result<Value> {
        let session = client.session_id().await?.context("the browser has a session")?;
        let url = format!("{}/session/{session}/goog/cdp/execute", self.url);
        let answer = reqwest::Client::new().post(url).json(&json!({"cmd": command, "params": params})).send().await?;
        let (status, mut said) = (answer.status(), answer.json::<Value>().await?);
        ensure!(status.is_success(), "{command}: {said}");
        Ok(said["value"].take())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked to, it ends its browsers too; killed, it would leave them.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
