//! The one place that wires: store -> identity -> broker -> link -> HTTP.
//!
//! [`start`] is the readable list; each step is a file below. Everything runs under one [`Lifecycle`]: a part
//! that ends without being asked to stops the program with a failure.

mod accounts;
pub mod backup;
mod broker;
mod certificates;
mod endpoints;
mod foundation;
mod health;
mod housekeeping;
mod jobs;
mod lifecycle;
mod link;
pub mod models;
mod nightly;
mod notify;
mod packs;
mod replicas;
mod successor;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use ostiary_common::time::UnixMillis;
use ostiary_models::guided::GuideRules;
use uuid::Uuid;

pub use accounts::{accounts, api_port};
pub use endpoints::Endpoints;
pub use foundation::{Foundation, key_source, keys_dir, open_store, store_url};
pub use lifecycle::Lifecycle;

use crate::accounts::Accounts;
use crate::capture::Captures;
use crate::clip::Clips;
use crate::config::Config;
use crate::enroll::Enrollment;
use crate::enroll::desk::Desk;
use crate::enroll::door::DoorDesk;
use crate::enroll::lookalike::Lookalikes;
use crate::enroll::turns::Turns;
use crate::eraser::{Completed, Eraser};
use crate::faces::grouper::Grouper;
use crate::faces::held::HeldFaces;
use crate::health::jobs::Jobs;
use crate::http::cursor::Cursors;
use crate::http::limits::Limits;
use crate::http::v1::events::live::recent::Recent;
use crate::http::{Api, ApiParts, router, serve};
use crate::hub::Hub;
use crate::identity::devices::DeviceIdentity;
use crate::identity::nonce::Nonces;
use crate::identity::revocations::RevocationList;
use crate::identity::shown_cert::ShownCertificates;
use crate::ledger::{Ledger, head_file};
use crate::link::RunningLink;
use crate::live::LiveCursor;
use crate::names::NameIndex;
use crate::notify::Bells;
use crate::ports::throttle::Throttle;
use crate::ports::{Clock, EventStore, LifeStore};
use crate::recognition::Recognition;
use crate::recognition::forecast::Forecaster;
use crate::refusals::{RefusalLog, refusal_log};
use crate::replicas::Leader;
use crate::retainer::Retainer;
use crate::rotation::KeyKeeper;
use crate::store::sql::SqlStore;
use crate::talk::search::TalkIndex;
use crate::telemetry;
use crate::telemetry::faults::Recorder;
use crate::telemetry::reports::Reports;
use crate::throttle::{LocalThrottle, SharedThrottle};
use broker::Embedded;
use health::Asked;
use housekeeping::TokenKeys;
use models::Models;
use packs::Shelf;
use replicas::Replicas;

/// How long parts may take to end beyond what requests under way are given.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What devices say of enrollments and is not dealt with yet; beyond it they say it again.
const DOOR_WORDS: usize = 64;

/// The system's wall time.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_system_time(SystemTime::now())
    }
}

/// The server at work.
pub struct Running {
    /// Where it can be reached.
    pub endpoints: Endpoints,
    /// Told of every commit.
    pub live: Arc<LiveCursor>,
    lifecycle: Arc<Lifecycle>,
    embedded: Option<Embedded>,
    store: Arc<SqlStore>,
    grace: Duration,
}

/// Starts everything and returns once it is ready.
///
/// # Errors
/// If a part cannot start; what started before is stopped.
pub async fn start(config: Config, models: Models, lifecycle: Arc<Lifecycle>) -> Result<Running> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = telemetry::metrics::handle()?;
    let lock = endpoints::lock(&config.server.data_dir)?;
    let https = bind(config.server.listen)?;
    let foundation = Foundation::open(&config, &*clock).await?;
    let (models, shelf) = packs::take_up(&config, &foundation, models, &*clock).await?;
    let replicas = replicas::join(&config, &foundation, clock.clone(), &lifecycle).await?;
    let (refusals, writer) = refusal_log(foundation.store.clone(), clock.clone());
    lifecycle.spawn("audit of refusals", writer.run(lifecycle.token()));
    let embedded = broker::start(&config, &foundation, clock.clone(), refusals.clone()).await?;
    lifecycle.watch_broker(embedded.as_ref().map(|embedded| &embedded.broker));
    let live = Arc::new(LiveCursor::new(foundation.store.newest_cursor().await?));
    let (doors_ear, door_words) = tokio::sync::mpsc::channel(DOOR_WORDS);
    let link = link::start(
        &config,
        &foundation,
        &models,
        embedded.as_ref(),
        link::Shared {
            clock: clock.clone(),
            live: live.clone(),
            refusals: refusals.clone(),
            doors: doors_ear,
            served: shelf.served.clone(),
            lifecycle: &lifecycle,
        },
    )?;
    let endpoints = Endpoints::new(&config, https.local_addr()?, embedded.as_ref());
    let port = https.local_addr()?.port();
    let mailer = accounts::mailer(&config)?;
    let post = accounts::post(mailer.clone(), &lifecycle);
    let accounts = accounts(&config, &foundation, clock.clone(), post, port)?;
    let bells = Bells::default();
    let erasures = Completed::default();
    let eraser = Eraser::new(foundation.store.clone(), clock.clone(), link.devices.clone(), replicas.leader.clone());
    lifecycle.spawn("erasures", eraser.run(lifecycle.token()));
    let certificates = certificates::open(&config.http, foundation.certificate.clone(), &*clock);
    let kept = certificates::keep(certificates.clone(), clock.clone(), lifecycle.token());
    lifecycle.spawn("certificates", kept);
    let jobs = Arc::new(Jobs::new(clock.clone()));
    let queue = jobs::open(&config, &foundation, clock.clone())?;
    let api = Api::new(parts(Parts {
        config: &config,
        foundation: &foundation,
        accounts,
        models,
        clock,
        refusals,
        live: live.clone(),
        erasures: erasures.clone(),
        link: &link,
        embedded: embedded.as_ref(),
        endpoints: &endpoints,
        lifecycle: &lifecycle,
        metrics,
        certificates: certificates.clone(),
        jobs: jobs.clone(),
        bells: bells.clone(),
        queue: queue.clone(),
        replicas: &replicas,
        shelf: &shelf,
    })?);
    let (doors, shutdown) = (api.doors.clone(), lifecycle.token());
    lifecycle.spawn("enrollments at doors", async move {
        shutdown.run_until_cancelled(doors.run(door_words)).await.unwrap_or_default();
    });
    replicas::follow(&foundation, &replicas, &api, &link.devices, &lifecycle).await?;
    let leader = replicas.leader.clone();
    let shared = notify::Shared { mailer, bells, jobs: jobs.clone(), leader, lifecycle: &lifecycle };
    notify::start(&api, &foundation, shared);
    let of_packs = packs::work(&foundation, &api, link.devices.clone(), &replicas, &lifecycle);
    let desks = (&api.enrollment, &api.clips);
    jobs::work(&config, &foundation, &lifecycle, &queue, desks, link.devices.clone(), of_packs);
    packs::succeed(&config, &foundation, &shelf, &api, &replicas, &lifecycle);
    let nights = nightly::run(config.clone(), queue.clone(), replicas.leader.clone(), lifecycle.token());
    lifecycle.spawn("nightly backups", nights);
    lifecycle.spawn("errors", api.recorder.clone().run(lifecycle.token()));
    lifecycle.spawn("health", api.health.clone().watch(lifecycle.token()));
    let follow = housekeeping::follow_clock(
        foundation.store.clone(),
        api.clock.clone(),
        link.devices.clone(),
        jobs.clone(),
        replicas.leader.clone(),
    );
    let shutdown = lifecycle.token();
    lifecycle.spawn("clock", async move { shutdown.run_until_cancelled(follow).await.unwrap_or_default() });
    lifecycle.spawn(
        "housekeeping",
        housekeeping::run(
            api.clone(),
            foundation.store.clone(),
            jobs.clone(),
            replicas.leader.clone(),
            lifecycle.token(),
        ),
    );
    let unknowns_job = jobs.clone();
    let swept_by = jobs.clone();
    let fresh = housekeeping::keep_identity(api.clone(), foundation.certificate.clone(), jobs, lifecycle.token());
    lifecycle.spawn("identity", fresh);
    lifecycle.spawn("audit log", api.retainer.ledger.clone().run(lifecycle.token()));
    let swept = move |result| swept_by.ran("removing what is old enough", Duration::from_secs(3_600), result);
    lifecycle.spawn("retention", api.retainer.clone().run(swept, lifecycle.token()));
    lifecycle.spawn("unknown visitors", grouper(&api).run(live.watch(), unknowns_job, lifecycle.token()));
    let keys = TokenKeys {
        dir: keys_dir(&config.server.data_dir),
        shared: foundation::shared(&config, &foundation.store),
        leader: replicas.leader.clone(),
        changed: replicas.secrets_changed.clone(),
    };
    let keys = housekeeping::keep_token_keys(api.clone(), keys, lifecycle.token());
    lifecycle.spawn("token keys", keys);
    let keeper = KeyKeeper {
        store: foundation.store.clone(),
        source: key_source(&config),
        clock: api.clock.clone(),
        holder: Uuid::new_v4(),
    };
    lifecycle.spawn("master key", keeper.run(lifecycle.token()));
    let grace = Duration::from_secs(config.server.shutdown_grace_s);
    let bounds = serve::Bounds { connections: config.http.max_connections, ..serve::Bounds::default() };
    let served = serve::serve(https, serve::tls(&certificates), router(api), bounds, lifecycle.token(), grace);
    lifecycle.spawn("HTTP", async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "HTTP failed: {error}");
        }
    });
    link::wait_connected(&link, &lifecycle.token()).await;
    clear_departed(&foundation, &link, embedded.is_none()).await?;
    accounts::greet(&foundation).await?;
    endpoints.write(&config.server.data_dir)?;
    lifecycle.keep(lock);
    Ok(Running { endpoints, live, lifecycle, embedded, store: foundation.store, grace })
}

impl Running {
    /// Waits for the end, asked for or not, and sees every part out.
    ///
    /// # Errors
    /// If a part ended without being asked to.
    pub async fn wait(self) -> Result<()> {
        self.lifecycle.token().cancelled().await;
        tracing::info!("stopping");
        self.lifecycle.wait_ended(self.grace + STOP_WITHIN).await;
        if let Some(embedded) = &self.embedded {
            embedded.broker.stop().await;
        }
        self.store.close().await;
        anyhow::ensure!(self.lifecycle.was_asked(), "a part of the server ended unexpectedly, see the log");
        Ok(())
    }
}

/// What an external broker keeps of devices that are gone outlives a server that ended before it was cleared; the
/// embedded one begins with nothing.
async fn clear_departed(foundation: &Foundation, link: &RunningLink, is_external: bool) -> Result<()> {
    if is_external {
        for root in foundation.store.departed().await? {
            link.devices.departed(root);
        }
    }
    Ok(())
}

/// What puts unknown visitors together.
fn grouper(api: &Api) -> Grouper {
    let (store, clock) = (api.store.clone(), api.clock.clone());
    Grouper { store, clock, held: api.faces.clone(), recognition: api.recognition.clone() }
}

/// What keeps the audit log provable.
fn ledger(config: &Config, foundation: &Foundation, leader: &Leader) -> Ledger {
    Ledger {
        store: foundation.store.clone(),
        tokens: foundation.tokens.clone(),
        clock: Arc::new(SystemClock),
        head_file: head_file(&config.server.data_dir),
        keep: config.audit.keep(),
        leader: leader.clone(),
    }
}

fn bind(listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen).with_context(|| format!("listening on {listen} (server.listen)"))
}

/// Requests are counted by all servers together where they have a Redis.
fn throttle(hub: Option<&Arc<Hub>>) -> Arc<dyn Throttle> {
    match hub {
        Some(hub) => Arc::new(SharedThrottle::new(hub.clone())),
        None => Arc::new(LocalThrottle::default()),
    }
}

/// What the API is made of.
struct Parts<'a> {
    config: &'a Config,
    foundation: &'a Foundation,
    accounts: Accounts,
    models: Models,
    clock: Arc<dyn Clock>,
    refusals: Arc<RefusalLog>,
    live: Arc<LiveCursor>,
    erasures: Completed,
    link: &'a RunningLink,
    embedded: Option<&'a Embedded>,
    endpoints: &'a Endpoints,
    lifecycle: &'a Lifecycle,
    metrics: metrics_exporter_prometheus::PrometheusHandle,
    certificates: Arc<ShownCertificates>,
    jobs: Arc<Jobs>,
    bells: Bells,
    queue: Arc<crate::jobs::Jobs>,
    replicas: &'a Replicas,
    shelf: &'a Shelf,
}

fn parts(from: Parts<'_>) -> Result<ApiParts> {
    let (config, foundation) = (from.config, from.foundation);
    let store = foundation.store.clone();
    let desk = Arc::new(Desk::open(from.models.readers, config.models.engines, config.models.queue));
    let most = config.limits.captures;
    // A recording cannot be judged by how it moved: it is looked at by whoever approves it.
    let rules = GuideRules { liveness: None, ..from.models.guide.clone() };
    let clips = Arc::new(Clips::new(desk.clone(), rules, config.server.data_dir.join("clips")));
    let doors_rules = from.models.guide.clone();
    let captures = Arc::new(Captures::new(desk.clone(), from.clock.clone(), from.models.guide, most));
    let pack = from.models.pack;
    let forecaster = Forecaster::new(pack.clone(), from.models.rule, from.models.calibration);
    let recognition = Arc::new(Recognition::new(store.clone(), pack.clone(), forecaster));
    let health = Arc::new(health::of(Asked {
        clock: from.clock.clone(),
        store: store.clone(),
        embedded: from.embedded,
        linked: from.link.connected.clone(),
        desk: desk.clone(),
        recognition: recognition.clone(),
        certificates: from.certificates,
        refusals: from.refusals.clone(),
        jobs: from.jobs,
        keeper: from.replicas.keeper.clone(),
        hub: from.replicas.hub.clone(),
        post: from.accounts.post.clone(),
        data_dir: config.server.data_dir.clone(),
    }));
    let packs = packs::packs(config, foundation, from.shelf, (pack.clone(), desk.clone()), from.clock.clone())?;
    let lookalikes = Lookalikes::new(pack.clone(), from.models.dimension);
    let enrollment = Arc::new(Enrollment {
        templates: store.clone(),
        store: store.clone(),
        clock: from.clock.clone(),
        link: from.link.devices.clone(),
        desk,
        lookalikes,
        recognition: recognition.clone(),
        turns: Turns::default(),
        pack: pack.clone(),
        gate: from.models.gate,
        per_angle: config.models.templates_per_angle,
    });
    let leader = from.replicas.leader.clone();
    let doors = Arc::new(DoorDesk::new(store.clone(), store.clone(), enrollment.clone(), doors_rules, leader));
    let faces = Arc::new(HeldFaces::new(store.clone(), pack.clone(), from.models.dimension));
    Ok(ApiParts {
        store: store.clone(),
        face_crops: store.clone(),
        packs,
        lives: store.clone(),
        within: store.clone(),
        clock: from.clock.clone(),
        tokens: foundation.tokens.clone(),
        accounts: from.accounts,
        authority: foundation.authority.clone(),
        revocations: RevocationList {
            store: store.clone(),
            authority: foundation.authority.clone(),
            clock: from.clock.clone(),
            path: config.identity.revocation_list(&config.server.data_dir),
            turn: tokio::sync::Mutex::default(),
        },
        devices: DeviceIdentity {
            store: store.clone(),
            lives: store.clone(),
            clock: from.clock.clone(),
            authority: foundation.authority.clone(),
            tokens: foundation.tokens.clone(),
            nonces: Nonces::new(store.derived_key("nonces")),
            broker_url: from.endpoints.broker_url.clone(),
            code_life: config.identity.claim_code_life(),
        },
        link: from.link.devices.clone(),
        live: from.live,
        erasures: from.erasures,
        jobs: from.queue,
        enrollment,
        doors,
        captures,
        clips,
        faces,
        recognition,
        pack,
        refusals: from.refusals,
        cursors: Cursors::new(foundation.store.derived_key("cursors")),
        answers: foundation.store.derived_key("answers"),
        links: foundation.store.derived_key("links"),
        names: NameIndex::new(foundation.store.clone()),
        figures: foundation.store.clone(),
        talk: foundation.store.clone(),
        searches: foundation.store.clone(),
        said: TalkIndex::new(foundation.store.clone()),
        notices: notify::notices(config, foundation, from.clock.clone(), from.bells)?,
        limits: Limits::new(&config.limits, throttle(from.replicas.hub.as_ref())),
        bounds: config.limits.clone(),
        edge: config.http.clone(),
        recent: Recent::default(),
        live_connections: AtomicUsize::new(0),
        health,
        health_store: foundation.store.clone(),
        recorder: Arc::new(Recorder::new(telemetry::faults::book(), foundation.store.clone(), reports(config)?)),
        retainer: Arc::new(Retainer {
            kept: foundation.store.clone(),
            store: foundation.store.clone(),
            talk: foundation.store.clone(),
            ledger: Arc::new(ledger(config, foundation, &from.replicas.leader)),
            clock: Arc::new(SystemClock),
        }),
        metrics: from.metrics,
        shutdown: from.lifecycle.token(),
    })
}

/// Who is told of errors, if anybody is.
fn reports(config: &Config) -> Result<Option<Reports>> {
    let dsn = config.telemetry.sentry_dsn.as_str();
    (!dsn.is_empty()).then(|| Reports::begin(dsn)).transpose()
}
