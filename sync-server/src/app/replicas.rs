//! This server among others: who leads, and what it hears of.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ostiary_common::wire::Revision;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::foundation::Foundation;
use super::lifecycle::Lifecycle;
use crate::config::Config;
use crate::domain::replica::{ReplicaCard, ReplicaId, Topic};
use crate::eraser::announce::Announcer;
use crate::http::Api;
use crate::hub::{Hub, Nudges};
use crate::ports::{Clock, DeviceLink, LiveFeed};
use crate::replicas::{Follower, Keeper, Leader};
use crate::store::sql::Engine;

/// What could not be done when it was heard of is tried again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// This server among others.
pub struct Replicas {
    /// Whether it leads.
    pub leader: Leader,
    /// Shows it to the others; none where there can be no others.
    pub keeper: Option<Arc<Keeper>>,
    /// Redis, where there is one.
    pub hub: Option<Arc<Hub>>,
    /// Notified when another server changed the keys that sign tokens.
    pub secrets_changed: Arc<Notify>,
}

/// Joins the others, if there can be any: a SQLite file is one server's.
pub async fn join(
    config: &Config,
    foundation: &Foundation,
    clock: Arc<dyn Clock>,
    lifecycle: &Lifecycle,
) -> Result<Replicas> {
    let secrets_changed = Arc::new(Notify::new());
    let hub = match config.cluster.redis_url()? {
        Some(url) => Some(Arc::new(Hub::new(&url, foundation.store.installation(), clock.clone())?)),
        None => None,
    };
    let store = foundation.store.clone();
    if store.url().engine() == Engine::Sqlite {
        return Ok(Replicas { leader: Leader::alone(), keeper: None, hub, secrets_changed });
    }
    let me = ReplicaCard {
        id: ReplicaId::generate(),
        name: config.cluster.shown_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: clock.now(),
    };
    let leader = Leader::elected(clock.clone());
    let keeper = Arc::new(Keeper::new(store, clock, leader.clone(), me));
    keeper.beat().await.context("joining the other servers")?;
    lifecycle.spawn("replicas", keeper.clone().run(lifecycle.token()));
    Ok(Replicas { leader, keeper: Some(keeper), hub, secrets_changed })
}

/// Follows what changes in the store, and has everybody hear of it who keeps something in memory or passes it on.
pub async fn follow(
    foundation: &Foundation,
    replicas: &Replicas,
    api: &Api,
    link: &Arc<dyn DeviceLink>,
    lifecycle: &Lifecycle,
) -> Result<()> {
    let (live, link, leader) = (api.live.clone(), link.clone(), replicas.leader.clone());
    let (accounts, doubting, secrets) = (api.clone(), api.clone(), replicas.secrets_changed.clone());
    let (bells, names) = (api.notices.bells.clone(), foundation.store.clone());
    let certificates = Arc::new(Notify::new());
    let erasures = Arc::new(Notify::new());
    let (revoked, completed) = (certificates.clone(), erasures.clone());
    let follower = Follower::new(foundation.store.clone()).await.context("asking where changes stand")?;
    let follower = follower
        .tell(Topic::Events, move |cursor| live.committed(cursor))
        // Who made the change has told devices; the leader does for servers that ended in between.
        .tell(Topic::Gallery, move |rev| {
            if leader.leads() {
                link.gallery_changed(Revision(u64::try_from(rev).unwrap_or(0)));
            }
        })
        .tell(Topic::Accounts, move |_| accounts.accounts.changed())
        .tell(Topic::Certificates, move |_| revoked.notify_one())
        .tell(Topic::Erasures, move |_| completed.notify_one())
        .tell(Topic::Secrets, move |_| secrets.notify_one())
        .tell(Topic::Notices, move |_| bells.ring())
        .tell(Topic::Gallery, move |_| names.forget_names())
        .on_doubt(move || doubting.accounts.doubt());
    if let Some(hub) = replicas.hub.clone() {
        let changed_here = Arc::new(Notify::new());
        lifecycle.spawn("changes here", watch_own(api.clone(), changed_here.clone(), lifecycle.token()));
        let nudges = Nudges::new(hub, changed_here, follower.nudge());
        lifecycle.spawn("nudges", nudges.run(lifecycle.token()));
    }
    lifecycle.spawn("changes", follower.run(lifecycle.token()));
    lifecycle.spawn("list of revoked certificates", keep_list(api.clone(), certificates, lifecycle.token()));
    let announcer = Announcer::new(foundation.store.clone(), api.erasures.clone()).await?;
    lifecycle.spawn("completed erasures", announce(announcer, erasures, lifecycle.token()));
    Ok(())
}

/// Notes what changed that others want to hear of at once. What was heard from others comes by here as well, and is told
/// once more; they look, and find nothing new.
async fn watch_own(api: Api, changed_here: Arc<Notify>, shutdown: CancellationToken) {
    let (mut events, mut accounts) = (api.live.watch(), api.accounts.changes.subscribe());
    loop {
        tokio::select! {
            Ok(()) = events.changed() => { events.borrow_and_update(); }
            Ok(()) = accounts.changed() => { accounts.borrow_and_update(); }
            () = shutdown.cancelled() => return,
        }
        changed_here.notify_one();
    }
}

/// Writes the list of revoked certificates anew whenever one was given or revoked, by whichever server.
async fn keep_list(api: Api, changed: Arc<Notify>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(changed.notified()).await.is_some() {
        api.revocations.refresh().await;
    }
}

async fn announce(mut announcer: Announcer, changed: Arc<Notify>, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(changed.notified()).await.is_some() {
        if let Err(error) = announcer.look().await {
            tracing::warn!(%error, "completed erasures could not be told of, trying again: {error}");
            tokio::time::sleep(AGAIN_AFTER).await;
            changed.notify_one();
        }
    }
}
