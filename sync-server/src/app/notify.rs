//! Notices, wired: who follows what happened, who sends. Of several servers the leader does both.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;

use super::Foundation;
use super::lifecycle::Lifecycle;
use crate::config::Config;
use crate::health::jobs::Jobs;
use crate::http::Api;
use crate::http::notices::Notices;
use crate::notify::courier::Courier;
use crate::notify::direct::Direct;
use crate::notify::herald::Herald;
use crate::notify::push::PushKey;
use crate::notify::{Bells, NotifyStore, settings, unsubscribe};
use crate::ports::figures::FigureStore;
use crate::ports::mailer::Mailer;
use crate::ports::{Clock, StoreError};
use crate::poster::HttpPoster;
use crate::replicas::Leader;
use crate::usage;

/// What notices share with the rest.
pub struct Shared<'a> {
    /// The mail server, if there is one.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Tell of news.
    pub bells: Bells,
    /// Told how it goes.
    pub jobs: Arc<Jobs>,
    /// Whether this server does it for all.
    pub leader: Leader,
    /// Runs its tasks.
    pub lifecycle: &'a Lifecycle,
}

/// What the API uses of them.
///
/// # Errors
/// If the key that signs messages to browsers cannot be read.
pub fn notices(config: &Config, foundation: &Foundation, clock: Arc<dyn Clock>, bells: Bells) -> Result<Notices> {
    let store = foundation.store.clone();
    Ok(Notices {
        push: push_key(config)?,
        direct: Direct { store: store.clone(), clock, bells: bells.clone() },
        poster: Arc::new(HttpPoster::new(config.notify.webhook_networks.clone())),
        key: store.derived_key(unsubscribe::PURPOSE),
        store,
        bells,
    })
}

/// The key that signs messages to browsers, if there is one.
fn push_key(config: &Config) -> Result<Option<Arc<PushKey>>> {
    let file = config.notify.push_key_path(&config.server.data_dir);
    if config.notify.push_key_file.is_empty() && !file.exists() {
        return Ok(None);
    }
    let contact = config.notify.push_contact(&config.accounts.public_url);
    PushKey::read(&file, &contact).map(|key| Some(Arc::new(key))).context("notify.push_key_file")
}

/// Starts following and sending.
pub fn start(api: &Api, foundation: &Foundation, shared: Shared<'_>) {
    let Shared { mailer, bells, jobs, leader, lifecycle } = shared;
    let herald = Herald {
        store: foundation.store.clone(),
        clock: api.clock.clone(),
        health: api.health.clone(),
        newest: api.live.watch(),
        bells: bells.clone(),
        jobs: jobs.clone(),
        leader: leader.clone(),
    };
    lifecycle.spawn("notices", herald.run(lifecycle.token()));
    let courier = Courier {
        store: foundation.store.clone(),
        clock: api.clock.clone(),
        mailer,
        poster: api.notices.poster.clone(),
        push: api.notices.push.clone(),
        links: api.accounts.links.clone(),
        key: foundation.store.derived_key(unsubscribe::PURPOSE),
        bells,
        jobs: jobs.clone(),
        leader: leader.clone(),
    };
    let upkeep = Upkeep { clock: api.clock.clone(), jobs, leader };
    lifecycle.spawn("old notices", upkeep.clone().sweep(foundation.store.clone(), lifecycle.token()));
    lifecycle.spawn("figures", upkeep.count(foundation.store.clone(), lifecycle.token()));
    let shutdown = lifecycle.token();
    lifecycle.spawn("messages", async move {
        courier.run(shutdown.clone()).await;
        shutdown.cancelled().await;
    });
}

/// How often what is old is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// Removed by one transaction: others write between two.
const SWEPT_AT_ONCE: u32 = 500;
/// How often counts are brought up to date.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// Events counted by one transaction: others write between two.
const COUNTED_AT_ONCE: u32 = 2_000;

/// What is done now and then.
#[derive(Clone)]
struct Upkeep {
    clock: Arc<dyn Clock>,
    jobs: Arc<Jobs>,
    leader: Leader,
}

impl Upkeep {
    /// Removes notices that have been kept for long enough.
    async fn sweep(self, store: Arc<dyn NotifyStore>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(SWEEP_EVERY);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let swept = if self.leader.leads() { sweep_once(&*store, self.clock.now()).await } else { Ok(()) };
            if let Err(error) = &swept {
                tracing::error!(%error, "old notices could not be removed: {error}");
            }
            self.jobs.ran("removing old notices", SWEEP_EVERY, swept.map_err(|error| error.to_string()));
        }
    }

    /// Brings the counts that figures are made of up to date. What this server counted of its own use it adds itself.
    async fn count(self, store: Arc<dyn FigureStore>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(COUNT_EVERY);
        while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
            let counted = count_once(&*store, self.clock.now(), self.leader.leads());
            let counted = shutdown.run_until_cancelled(counted).await.unwrap_or(Ok(()));
            if let Err(error) = &counted {
                tracing::error!(%error, "visits could not be counted: {error}");
            }
            self.jobs.ran("counting visits", COUNT_EVERY, counted.map_err(|error| error.to_string()));
        }
    }
}

async fn sweep_once(store: &dyn NotifyStore, now: UnixMillis) -> Result<(), StoreError> {
    let (settings, _) = settings::load(store).await?;
    let kept_ms = i64::try_from(settings.keep().as_millis()).unwrap_or(i64::MAX);
    let before = UnixMillis(now.0.saturating_sub(kept_ms));
    while store.prune_notices(before, SWEPT_AT_ONCE).await? == u64::from(SWEPT_AT_ONCE) {}
    Ok(())
}

async fn count_once(store: &dyn FigureStore, now: UnixMillis, leads: bool) -> Result<(), StoreError> {
    usage::keep(store, now).await?;
    if !leads {
        return Ok(());
    }
    while store.count_visits(COUNTED_AT_ONCE).await? {}
    store.sample_storage(usage::day(now)).await
}
