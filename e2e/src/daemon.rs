//! The daemon under test: its state, its configuration, its process.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{Launch, Process};
use crate::server::{Invitation, Server};
use crate::stage::{Stage, pack_dir};

/// How long a daemon may take to end in order.
const ENDS: Duration = Duration::from_secs(20);

/// What a daemon looks at.
#[derive(Clone, Debug)]
pub enum View {
    /// A clip, from the beginning again when it is over.
    Loop {
        /// MJPEG file or folder of images.
        path: PathBuf,
        /// At the speed it was filmed, or as fast as it can be looked at.
        true_speed: bool,
    },
    /// A clip, once, as fast as it can be looked at.
    Once(PathBuf),
    /// A camera.
    Camera(PathBuf),
    /// Nothing: visits are made up, so many in a second on average.
    Drill(f64),
}

impl View {
    fn toml(&self) -> String {
        let replay = |path: &Path, speed: &str, repeat: bool| {
            let path = path.display();
            format!(
                "[camera]\nsource = \"replay\"\n\n[replay]\npath = \"{path}\"\nspeed = \"{speed}\"\nloop = {repeat}\n"
            )
        };
        match self {
            Self::Loop { path, true_speed } => replay(path, if *true_speed { "true" } else { "max" }, true),
            Self::Once(path) => replay(path, "max", false),
            Self::Drill(_) => String::new(),
            Self::Camera(device) => format!("[camera]\nsource = \"v4l2\"\ndevice = \"{}\"\n", device.display()),
        }
    }
}

/// Where a daemon runs, if that is not simply here.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// A command that becomes the daemon, put before it: to run it in a network of its own.
    pub within: Vec<OsString>,
    /// Environment beside what it inherits.
    pub env: Vec<(String, String)>,
}

/// A daemon, running or not.
#[derive(Debug)]
pub struct Daemon {
    /// The device's id.
    pub device: String,
    state_dir: PathBuf,
    config: PathBuf,
    log: PathBuf,
    place: Place,
    process: Option<Process>,
}

impl Daemon {
    /// Makes a device on the server and claims it, as an installer would.
    ///
    /// # Errors
    /// If the claim fails.
    pub fn claim(stage: &Stage, server: &Server, name: &str) -> Result<Self> {
        let invitation = server.add_device("Head office", name, name)?;
        Self::claim_invited(stage, server, name, &invitation)
    }

    /// Claims a device that is there already.
    ///
    /// # Errors
    /// If the claim fails.
    pub fn claim_invited(stage: &Stage, server: &Server, name: &str, invited: &Invitation) -> Result<Self> {
        Self::claim_at(stage, server, name, invited, Place::default())
    }

    /// As [`Daemon::claim_invited`], at a place of its own.
    ///
    /// # Errors
    /// If the claim fails.
    pub fn claim_at(stage: &Stage, server: &Server, name: &str, invited: &Invitation, place: Place) -> Result<Self> {
        let daemon = Self {
            device: invited.device.clone(),
            state_dir: stage.file(&format!("{name}-state")),
            config: stage.file(&format!("{name}.toml")),
            log: stage.log(name),
            place,
            process: None,
        };
        daemon.configure(&View::Camera(PathBuf::from("/dev/video0")))?;
        let url = format!("https://{}", server.endpoints.https);
        let claim = ["claim", "--server", &url, "--code", &invited.code, "--ca-sha256", &invited.ca_sha256];
        daemon.launch(&claim).output().context("claiming the device")?;
        Ok(daemon)
    }

    /// Starts it, looking at `view`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&mut self, view: &View) -> Result<()> {
        self.process = None;
        self.configure(view)?;
        let launch = match view {
            View::Drill(per_second) => self.launch(&["drill", "--per-second", &per_second.to_string()]),
            _ => self.launch(&["run"]),
        };
        self.process = Some(launch.start()?);
        Ok(())
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// If it does not end in time, or not with success.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let status = process.terminate(ENDS).await?;
        ensure!(status.success(), "the daemon ended with {status} on SIGTERM");
        Ok(())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Fails if it has ended.
    ///
    /// # Errors
    /// If it has ended; the error holds the end of its log.
    pub fn ensure_running(&mut self) -> Result<()> {
        self.process.as_mut().context("the daemon is stopped")?.ensure_running()
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// If the system cannot say.
    pub fn has_ended(&mut self) -> Result<bool> {
        self.process.as_mut().map_or(Ok(true), |process| Ok(process.ended()?.is_some()))
    }

    /// Sends it a signal by name; nothing if it is not running.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(name))
    }

    /// Where it keeps identity and cache.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The events it has written down so far, over all its lives, as its log says.
    #[must_use]
    pub fn durable_events(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let durable = text.lines().filter(|line| line.contains("is durable"));
        durable.filter_map(|line| event_id(&serde_json::from_str(line).ok()?)).collect()
    }

    /// Its log, over all its lives.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn configure(&self, view: &View) -> Result<()> {
        let text = format!(
            "[device]\nstate_dir = \"{}\"\n\n{}\n[models]\npack_dir = \"{}\"\nthreads = 1\n\n\
             [mqtt]\nmax_backoff_s = 2\n\n[outbox]\nack_timeout_s = 2\n\n[health]\ninterval_s = 5\n\n\
             [log]\nformat = \"json\"\nlevel = \"debug\"\n",
            self.state_dir.display(),
            view.toml(),
            pack_dir().display(),
        );
        fs::write(&self.config, text).with_context(|| format!("writing {}", self.config.display()))
    }

    fn launch(&self, command: &[&str]) -> Launch {
        let config = ["--config".as_ref(), self.config.as_os_str()];
        let args = config.into_iter().chain(command.iter().map(AsRef::as_ref));
        let Place { within, env } = self.place.clone();
        Launch { within, env, ..Launch::new("ostiaryd", self.log.clone(), args) }
    }
}

/// The field `event.id` of a log line in JSON.
pub(crate) fn event_id(line: &Value) -> Option<String> {
    let field = line.pointer("/fields/event.id").or_else(|| line.get("event.id"))?;
    field.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_found_in_a_log_line() {
        for (line, expected) in [
            (r#"{"fields":{"message":"event 1 is durable","event.id":"1"}}"#, Some("1")),
            (r#"{"message":"event 2 is durable","event.id":"2"}"#, Some("2")),
            (r#"{"message":"something else"}"#, None),
        ] {
            let line = serde_json::from_str(line).unwrap();
            assert_eq!(event_id(&line).as_deref(), expected, "{line}");
        }
    }
}
