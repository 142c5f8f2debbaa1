//! The one place that wires the running daemon together: cache, pipeline, connection, watchdog, and an
//! orderly end.

mod attendant;
mod board;
mod bundle;
mod models;
mod porter;
pub mod reset;
mod runs;
mod safe_mode;
mod snapshot;
mod state;
pub mod status;
mod vitals;
mod watchdog;
mod watching;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ostiary_common::wire::ReportKind;
use ostiary_common::wire::monitor::Info;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::drill::Pace;
use crate::identity::{IdentityFiles, TokenKeeper};
use crate::mqtt::{self, Driver, DriverParts, Reach, Resting, Signals, Wish};
use crate::recorder::{self, Recorder};
use crate::shared::Shared;
use crate::sync::Introduction;
use porter::Packs;
use reset::Keep;
use runs::Runs;
use safe_mode::Loaded;
use state::State;
use watching::Watching;

pub use board::hardware;
pub use models::load as load_models;
pub use state::{lock as lock_state, make_dir as make_state_dir, open as open_state};

/// How long the outbox may take to empty at the end of a recording with `--exit-when-done`.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
/// How long the connection may take to say goodbye.
const FAREWELL_LIMIT: Duration = Duration::from_secs(6);
/// Says that Home Assistant was told of the device.
const INTRODUCED: &str = "home-assistant";
/// Why the program starts again, in words.
const ASKED: &str = "restart was asked for by command";
/// See [`ASKED`].
const WORN_OUT: &str = "memory has grown beyond health.max_memory_bytes";
/// See [`ASKED`].
const TRY_ANEW: &str = "safe mode is over, everything is tried anew";

/// What the command line adds to the configuration.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// End once a recording was played and the server has stored everything.
    pub exit_when_done: bool,
    /// Report made-up visits instead of watching.
    pub drill: Option<Pace>,
}

/// How the program ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// For good.
    Over,
    /// To be started anew at once: with another model pack.
    Anew,
}

/// Runs the daemon until it is told to end.
///
/// # Errors
/// If something it cannot do without is missing, or a part ends unexpectedly.
pub async fn run(config: Config, options: RunOptions) -> anyhow::Result<Ending> {
    let _lock = state::lock(&config.device.state_dir)?;
    let mut runs = Runs::begin(&config.device.state_dir);
    let packs = Packs::choose(config);
    let outcome = watch(&packs, options, &mut runs).await;
    match &outcome {
        Ok(ending) => {
            runs.end("it ended in order", false);
            if *ending == Ending::Over {
                packs.ended_well();
            }
        }
        Err(error) => runs.end(&format!("{error:#}"), true),
    }
    outcome
}

async fn watch(packs: &Packs, options: RunOptions, runs: &mut Runs) -> anyhow::Result<Ending> {
    let shutdown = on_signal()?;
    let config = Arc::clone(&packs.in_use);
    let files = IdentityFiles::new(&config.device.state_dir);
    reset::finish(&config)?;
    let Loaded { models, safe } = load(&config, options, runs)?;
    if let Some(why) = safe.as_deref().filter(|_| packs.choice.trial.is_some()) {
        packs.give_up(why);
        return Ok(Ending::Anew);
    }
    let State { shared, holdings, quarantine } = state::open(&config, &models)?;
    let tokens = TokenKeeper::load(files, quarantine.is_some())?;
    let identity = tokens.identity().clone();
    tracing::info!(device.id = %identity.device, site.id = %identity.site, "this is {} ({})", identity.name, identity.device);

    let (recorder, records) = Recorder::new();
    let recording = recorder::spawn(Arc::clone(&shared), records).context("starting the recorder")?;
    announce(&shared, &recorder, quarantine.as_ref());
    let draining = CancellationToken::new();
    let signals = Signals { shutdown: shutdown.clone(), draining, resting: Resting::default() };
    let finished = CancellationToken::new();
    let watching = match (&safe, options.drill) {
        (Some(why), _) => {
            safely(&shared, &recorder, why);
            Watching::nothing(&recorder)
        }
        (None, Some(pace)) => Watching::drill(&shared, &recorder, pace)?,
        (None, None) => Watching::camera(&shared, &recorder, &config, models.finders, &finished)?,
    };
    let expects_frames = safe.is_none() && options.drill.is_none();
    let worn_out = CancellationToken::new();
    let watcher = vitals::spawn(
        &shared,
        vitals::Watch {
            recorder: recorder.clone(),
            state_dir: config.device.state_dir.clone(),
            max_memory_bytes: config.health.max_memory_bytes,
            frames_end: if expects_frames { finished.clone() } else { ended() },
            worn_out: worn_out.clone(),
            constant: BTreeMap::from([("ostiary_starts_total".to_owned(), runs.starts() as f64)]),
        },
    )
    .context("starting to look at the board")?;
    let info = info(&config, &shared, models.kernels);
    status::spawn(
        &shared,
        &config,
        status::Face {
            version: info.version.clone(),
            device: identity.device.to_string(),
            name: identity.name.clone(),
            camera: info.camera.clone(),
            model_pack: info.model_pack.clone(),
            safe_mode: safe.clone(),
            run_before: runs.before().to_owned(),
        },
    );
    let attendant = Box::new(attendant::spawn(&shared, &config).context("starting to attend to commands")?);
    let driver = Driver::new(DriverParts {
        shared: Arc::clone(&shared),
        recorder: recorder.clone(),
        root: tokens.root(),
        config: Arc::clone(&config),
        dimension: models.dimension,
        info,
        holdings,
        attendant,
        introduction: introduction(&config, &identity.name),
    })?;
    tokio::spawn(packs.porter(&shared, &recorder, tokens.renewer()).run(shutdown.clone()));
    let reach = Reach {
        broker_url: config.mqtt.broker_url.clone().unwrap_or(identity.broker_url),
        max_backoff: Duration::from_secs(config.mqtt.max_backoff_s),
        keep_alive: Duration::from_secs(config.mqtt.keep_alive_s),
    };
    let mut keeping = tokio::spawn(mqtt::keep(driver, tokens, reach, signals.clone()));
    watchdog::ready();

    let mut watchdog = watchdog::Watchdog::new(Arc::clone(&shared));
    let mut watching = Some(watching);
    let outcome = loop {
        tokio::select! {
            ended = &mut keeping => break Some(ended.context("the connection's task")?.context("the connection")?),
            () = shutdown.cancelled() => break None,
            () = worn_out.cancelled() => break Some(Some(Wish::Restart)),
            () = signals.resting.asked(), if watching.is_some() => rest(watching.take(), &signals.resting, &shared),
            () = tokio::time::sleep(watchdog::ROUND) => {}
        }
        if watching.as_ref().is_some_and(Watching::died) {
            anyhow::bail!("the inference thread ended unexpectedly");
        }
        if recording.is_finished() {
            anyhow::bail!("the recorder ended unexpectedly: {:?}", recording.join());
        }
        watchdog.round(finished.is_cancelled() || watching.is_none() || safe.is_some());
        let elapsed = shared.clock.elapsed();
        if safe.is_none() && elapsed >= safe_mode::WELL_AFTER {
            runs.forgive();
        }
        if safe.is_some() && elapsed >= safe_mode::SAFE_FOR {
            tracing::info!("safe mode is over: everything is tried anew");
            break Some(Some(Wish::Restart));
        }
        if options.exit_when_done && finished.is_cancelled() && !signals.draining.is_cancelled() {
            drain(&signals, &shutdown);
        }
    };
    let goes_on = matches!(outcome, Some(Some(Wish::Switch)));
    if !goes_on {
        watchdog::stopping();
    }
    shutdown.cancel();
    // Last decisions are made durable; they are sent at the next start.
    let ending = tokio::task::spawn_blocking(move || watching.map(Watching::end));
    drop(watcher);
    // The recorder ends once nobody is left who could hand in anything.
    drop(recorder);
    let wish = match outcome {
        Some(wish) => wish,
        None => tokio::time::timeout(FAREWELL_LIMIT, keeping).await.ok().and_then(|e| e.ok()?.ok()).flatten(),
    };
    ending.await.context("ending the pipeline")?;
    let recorded = tokio::task::spawn_blocking(move || recording.join());
    match tokio::time::timeout(FAREWELL_LIMIT, recorded).await {
        Ok(Ok(Ok(()))) => {}
        _ => tracing::warn!("the recorder did not end in time"),
    }
    tracing::info!("ended in order");
    match wish {
        // systemd starts the program again after a failure, not after an orderly end.
        Some(Wish::Restart) => {
            let why = if worn_out.is_cancelled() {
                WORN_OUT
            } else if safe.is_some() {
                TRY_ANEW
            } else {
                ASKED
            };
            runs.end(why, false);
            anyhow::bail!(why)
        }
        Some(Wish::Reset) => {
            reset::forget(&config, Keep::Nothing).context("forgetting everything, as asked by command")?;
            Ok(Ending::Over)
        }
        Some(Wish::Switch) => Ok(Ending::Anew),
        None => Ok(Ending::Over),
    }
}

/// The pack and its nets; without them where somebody stands by who would rather know, no end otherwise.
fn load(config: &Config, options: RunOptions, runs: &Runs) -> anyhow::Result<Loaded> {
    let nets = match (options.drill, options.exit_when_done) {
        (Some(_), _) => models::without_nets,
        (None, true) => models::load,
        (None, false) => return Ok(safe_mode::load(config, runs)),
    };
    Ok(Loaded { models: nets(config).context("loading the model pack")?, safe: None })
}

fn safely(shared: &Shared, recorder: &Recorder, why: &str) {
    tracing::error!("safe mode, without camera and model: {why}");
    shared.telemetry.safe_mode.set(1);
    recorder.report(shared, ReportKind::SafeMode, why);
}

fn ended() -> CancellationToken {
    let token = CancellationToken::new();
    token.cancel();
    token
}

/// What Home Assistant is told. A mark remembers that it was told something, so that it can be taken back later.
fn introduction(config: &Config, name: &str) -> Option<Introduction> {
    let mark = config.device.state_dir.join(INTRODUCED);
    let wanted = config.home_assistant.discovery;
    let own = &config.home_assistant.name;
    let name = if own.is_empty() { name.to_owned() } else { own.clone() };
    if wanted && !mark.exists() {
        keep_mark(&mark);
    }
    (wanted || mark.exists()).then_some(Introduction { name, wanted })
}

fn keep_mark(mark: &Path) {
    if let Err(error) = std::fs::write(mark, b"") {
        tracing::debug!(%error, "cannot note that Home Assistant was told");
    }
}

fn announce(shared: &Shared, recorder: &Recorder, quarantine: Option<&crate::cache::Quarantine>) {
    let version = env!("CARGO_PKG_VERSION");
    recorder.report(shared, ReportKind::Started, &format!("ostiaryd {version} started with pack {}", shared.pack));
    if let Some(quarantine) = quarantine {
        let place = quarantine.path.as_ref().map_or_else(|| "nowhere".into(), |path| path.display().to_string());
        let detail = format!("{}; set aside at {place}; {} events saved", quarantine.reason, quarantine.salvaged);
        recorder.report(shared, ReportKind::CacheQuarantined, &detail);
    }
}

fn info(config: &Config, shared: &Shared, kernels: String) -> Info {
    Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hardware: board::hardware(),
        system: board::system(),
        camera: board::camera(config),
        model_pack: shared.pack.to_string(),
        kernels,
        other_pack: None,
    }
}

/// Ends watching because everything is to be forgotten, and says so once the last decisions are written down.
fn rest(watching: Option<Watching>, resting: &Resting, shared: &Arc<Shared>) {
    let (resting, shared) = (resting.clone(), Arc::clone(shared));
    tokio::task::spawn_blocking(move || {
        if let Some(watching) = watching {
            watching.end();
        }
        resting.rests();
        shared.outbox_changed.notify_one();
    });
}

/// Ends once the outbox is empty, or after a while with what is left kept on disk.
fn drain(signals: &Signals, shutdown: &CancellationToken) {
    tracing::info!("the recording was played: ending once the server has stored everything");
    signals.draining.cancel();
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        tokio::time::sleep(DRAIN_LIMIT).await;
        tracing::warn!("the server has not stored everything in time; the rest is sent at the next start");
        shutdown.cancel();
    });
}

fn on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
            _ = interrupt.recv() => tracing::info!("SIGINT: ending"),
        }
        token.cancel();
    });
    Ok(shutdown)
}
