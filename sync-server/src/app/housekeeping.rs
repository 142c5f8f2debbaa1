//! What must be done now and then.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::health::jobs::Jobs;
use crate::http::Api;
use crate::identity::current_cert::CurrentCertificate;
use crate::identity::signing::SigningKeys;
use crate::ports::{Clock, DeviceLink, IdempotencyStore, Store};
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

/// Replaces the key that signs tokens by age, and takes up one that a command made.
pub async fn keep_token_keys(api: Api, dir: PathBuf, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        let now = api.now();
        let tended = SigningKeys::tend(&dir, api.accounts.rules.token_key_age(), now);
        match tended.and_then(|_| SigningKeys::open(&dir, now)) {
            Ok(keys) => api.tokens.replace_keys(keys),
            Err(error) => tracing::error!(%error, "the token keys could not be looked after: {error}"),
        }
    }
}

/// Forgets what is over and looks how full the gallery is, at once and then once a minute.
pub async fn run(api: Api, store: Arc<SqlStore>, jobs: Arc<Jobs>, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        api.limits.forget_quiet();
        api.captures.sweep();
        api.metrics.run_upkeep();
        if let Err(error) = api.recognition.installation().await {
            tracing::error!(%error, "how full the gallery is could not be seen: {error}");
        }
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
        jobs.ran("removing what has ended", EVERY, forgotten.map(drop).map_err(|error| error.to_string()));
    }
}

/// Follows the clock: has those known whose time has come, and those forgotten whose time is over. It also tells of
/// changes that nobody told of: made by another process, or by one that ended between commit and notice.
pub async fn follow_clock(store: Arc<dyn Store>, clock: Arc<dyn Clock>, link: Arc<dyn DeviceLink>, jobs: Arc<Jobs>) {
    let mut tick = tokio::time::interval(CLOCK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
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
