//! What must be done now and then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::time::UnixMillis;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::health::jobs::Jobs;
use crate::http::Api;
use crate::identity::current_cert::CurrentCertificate;
use crate::identity::shared::{ShareError, Shared};
use crate::identity::signing::SigningKeys;
use crate::ports::{Clock, DeviceLink, IdempotencyStore, Store};
use crate::replicas::Leader;
use crate::store::sql::SqlStore;

const EVERY: Duration = Duration::from_secs(60);
/// How late a door may hear of a person whose time has come or is over. Answers are right to the moment; this is for
/// doors that do not ask.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

/// Lists end after weeks and certificates after a year; once an hour is often enough.
const IDENTITY_EVERY: Duration = Duration::from_secs(3_600);

/// Keeps what the server shows of itself fresh: its certificate, and the list of devices' revoked ones.
pub async fn keep_identity(
    api: Api,
    certificate: Arc<CurrentCertificate>,
    jobs: Arc<Jobs>,
    shutdown: CancellationToken,
) {
    let mut tick = tokio::time::interval(IDENTITY_EVERY);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        api.revocations.refresh().await;
        let renewed = certificate.renew(api.now());
        match &renewed {
            Ok(false) => {}
            Ok(true) => tracing::info!("the server has a new certificate, which new connections are shown"),
            Err(error) => tracing::error!(%error, "the server's certificate could not be renewed: {error}"),
        }
        let result = renewed.map(drop).map_err(|error| error.to_string());
        jobs.ran("renewing the server's certificate", IDENTITY_EVERY, result);
    }
}

/// What keeping the token keys needs to know.
pub struct TokenKeys {
    /// Their folder.
    pub dir: PathBuf,
    /// Shares them with other servers, where there are any.
    pub shared: Option<Shared>,
    /// Replaces them, for all.
    pub leader: Leader,
    /// Notified when another server changed them.
    pub changed: Arc<Notify>,
}

/// Replaces the key that signs tokens by age, and takes up one that a command or another server made.
pub async fn keep_token_keys(api: Api, keys: TokenKeys, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = keys.changed.notified() => {}
            () = shutdown.cancelled() => return,
        }
        match keys.look_after(api.accounts.rules.token_key_age(), api.now()).await {
            Ok(keys) => api.tokens.replace_keys(keys),
            Err(error) => tracing::error!(%error, "the token keys could not be looked after: {error}"),
        }
    }
}

impl TokenKeys {
    async fn look_after(&self, max_age: Duration, now: UnixMillis) -> Result<SigningKeys, ShareError> {
        if self.leader.leads() {
            SigningKeys::tend(&self.dir, max_age, now)?;
        }
        if let Some(shared) = &self.shared {
            shared.settle_token_keys(self.leader.fence()).await?;
        }
        Ok(SigningKeys::open(&self.dir, now)?)
    }
}

/// Forgets what is over and looks how full the gallery is, at once and then once a minute.
pub async fn run(api: Api, store: Arc<SqlStore>, jobs: Arc<Jobs>, leader: Leader, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        api.limits.forget_quiet();
        api.captures.sweep();
        api.metrics.run_upkeep();
        if let Err(error) = api.recognition.installation().await {
            tracing::error!(%error, "how full the gallery is could not be seen: {error}");
        }
        let forgotten = if leader.leads() { forget(&api, &store).await } else { Ok(()) };
        jobs.ran("removing what has ended", EVERY, forgotten);
    }
}

/// Removes from the store what is over.
async fn forget(api: &Api, store: &SqlStore) -> Result<(), String> {
    if let Err(error) = store.forget_keys(api.now()).await {
        tracing::error!(%error, "old idempotency keys could not be removed: {error}");
    }
    if let Err(error) = api.accounts.book.forget_old(api.now()).await {
        tracing::error!(%error, "old sessions and links could not be removed: {error}");
    }
    if let Err(error) = api.jobs.forget(api.now()).await {
        tracing::error!(%error, "old jobs could not be removed: {error}");
    }
    let forgotten = store.forget_ended(api.now()).await;
    if let Err(error) = &forgotten {
        tracing::error!(%error, "old codes could not be removed: {error}");
    }
    forgotten.map(drop).map_err(|error| error.to_string())
}

/// Follows the clock: has those known whose time has come, and those forgotten whose time is over. It also tells of
/// changes that nobody told of: made by another process, or by one that ended between commit and notice.
pub async fn follow_clock(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    link: Arc<dyn DeviceLink>,
    jobs: Arc<Jobs>,
    leader: Leader,
) {
    let mut tick = tokio::time::interval(CLOCK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        if !leader.leads() {
            jobs.ran("following who may be known", CLOCK_EVERY, Ok(()));
            continue;
        }
        let settled = store.settle_validity(clock.now()).await;
        let result = settled.as_ref().map(drop).map_err(ToString::to_string);
        jobs.ran("following who may be known", CLOCK_EVERY, result);
        match settled {
            Ok(settled) => {
                if settled.flipped > 0 {
                    let (flipped, rev) = (settled.flipped, settled.rev.0);
                    tracing::info!(rev, "for {flipped} persons the time has come or is over, revision {rev}");
                }
                link.gallery_changed(settled.rev);
            }
            Err(error) => tracing::error!(%error, "whose time has come or is over could not be seen: {error}"),
        }
    }
}
