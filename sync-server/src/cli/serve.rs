//! `serve`: run until told to stop.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::models::Models;
use crate::app::{self, Lifecycle};
use crate::config::Config;
use crate::telemetry;

/// Runs the server until SIGTERM or SIGINT, or until it is to begin anew with another model pack.
pub async fn run(config: Config) -> Result<()> {
    if let Some(traces) = telemetry::traces() {
        traces.carry_over(Handle::current());
    }
    let lifecycle = Arc::new(Lifecycle::default());
    stop_on_signals(Arc::clone(&lifecycle))?;
    let models = Models::load(&config.models)?;
    let running = app::start(config, models, Arc::clone(&lifecycle)).await?;
    let endpoints = &running.endpoints;
    tracing::info!(https = %endpoints.https, mqtts = %endpoints.mqtts,
        "ready: API on https://{}, MQTT on {}", endpoints.https, endpoints.mqtts);
    notify(NotifyState::Ready);
    let ended = running.wait().await;
    if !lifecycle.is_to_begin_anew() {
        notify(NotifyState::Stopping);
    }
    if let Some(traces) = telemetry::traces() {
        // It blocks, bounded, while this runtime carries what it hands over.
        let _ = tokio::task::spawn_blocking(|| traces.finish()).await;
    }
    ended?;
    if lifecycle.is_to_begin_anew() { Err(anew()) } else { Ok(()) }
}

/// Becomes the program anew, under the same number and with the same arguments: whoever watches over it sees one that goes
/// on. Returns only if that fails.
fn anew() -> anyhow::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return anyhow::Error::new(error).context("finding the program to start it anew"),
    };
    let error = Command::new(program).args(std::env::args_os().skip(1)).exec();
    anyhow::Error::new(error).context("starting anew with another model pack")
}

fn stop_on_signals(lifecycle: Arc<Lifecycle>) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        lifecycle.stop();
    });
    Ok(())
}

/// Tells systemd, if it started us.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
