//! The link to the broker, embedded or external.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;
use tokio_util::sync::CancellationToken;

use super::broker::Embedded;
use super::foundation::Foundation;
use super::lifecycle::Lifecycle;
use super::models::Models;
use crate::broker::LINK_USER;
use crate::config::Config;
use crate::identity::broker_files::{SERVER_NAME, for_client};
use crate::link::{self, Endpoint, Line, LinkConfig, LinkParts, Login, RunningLink, trusting};
use crate::live::LiveCursor;
use crate::packs::served::ServedPacks;
use crate::ports::Clock;
use crate::ports::door_enrollment::DoorEar;
use crate::refusals::RefusalLog;
use crate::secret::Secret;

/// How long readiness waits for the broker. An external one may come later; the link goes on trying.
const FIRST_CONNECT: Duration = Duration::from_secs(5);

/// Servers of a cluster that are not told otherwise share what devices send under this name.
const SHARE_GROUP: &str = "ostiary";

/// What the link shares with the rest.
pub struct Shared<'a> {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Told of commits.
    pub live: Arc<LiveCursor>,
    /// Told of refusals.
    pub refusals: Arc<RefusalLog>,
    /// Told what devices say of enrollments.
    pub doors: DoorEar,
    /// Packs whose templates devices are given.
    pub served: ServedPacks,
    /// Runs its tasks.
    pub lifecycle: &'a Lifecycle,
}

/// Starts the link; it connects by itself.
pub fn start(
    config: &Config,
    foundation: &Foundation,
    models: &Models,
    embedded: Option<&Embedded>,
    shared: Shared<'_>,
) -> Result<RunningLink> {
    let line = match embedded {
        Some(embedded) => Line::Direct(embedded.broker.voice()),
        None => to_external(config, foundation, shared.clock.now())?,
    };
    let config = LinkConfig { line, pack: models.pack.clone(), served: shared.served };
    let parts = LinkParts {
        store: foundation.store.clone(),
        clock: shared.clock,
        live: shared.live,
        refusals: shared.refusals,
        doors: shared.doors,
        kick: kick(embedded),
        tasks: shared.lifecycle.tasks().clone(),
        shutdown: shared.lifecycle.token(),
    };
    let link = link::start(config, parts);
    if let (Some(embedded), Some(ear)) = (embedded, &link.ear) {
        embedded.broker.hand_over_to(ear.clone());
    }
    Ok(link)
}

/// Waits until the link is connected for the first time, but not for ever.
pub async fn wait_connected(link: &RunningLink, shutdown: &CancellationToken) {
    let mut connected = link.connected.clone();
    let first = tokio::time::timeout(FIRST_CONNECT, connected.wait_for(|connected| *connected));
    match shutdown.run_until_cancelled(first).await {
        Some(Ok(Ok(_))) | None => {}
        Some(_) => tracing::warn!("the MQTT broker is not reached yet, going on"),
    }
}

fn kick(embedded: Option<&Embedded>) -> Arc<dyn Fn(DeviceId) + Send + Sync> {
    match embedded.map(|embedded| embedded.broker.clone()) {
        Some(broker) => Arc::new(move |device| broker.kick(device)),
        // An external broker offers no common way to end a session; the token's end bounds it.
        None => Arc::new(|_| {}),
    }
}

fn to_external(config: &Config, foundation: &Foundation, now: UnixMillis) -> Result<Line> {
    let (authority, is_cluster, config) = (&foundation.authority, config.cluster.enabled, &config.broker);
    let (host, port) = config.external_host_port().context("broker.external_url is not mqtts://host:port")?;
    let ca_pem = match config.external_ca_file.as_str() {
        "" => authority.certificate_pem().as_bytes().to_vec(),
        path => read(path, "broker.external_ca_file")?,
    };
    let client = match (config.external_certificate_file.as_str(), config.external_key_file.as_str()) {
        // A broker that trusts our CA may ask for a certificate of it; one that does not ask is not shown any.
        ("", _) | (_, "") if config.external_ca_file.is_empty() => {
            let own = for_client(authority, SERVER_NAME, now).context("making a certificate for the broker")?;
            Some((own.chain_pem.into_bytes(), own.key_pem.as_bytes().to_vec()))
        }
        ("", _) | (_, "") => None,
        (chain, key) => {
            Some((read(chain, "broker.external_certificate_file")?, read(key, "broker.external_key_file")?))
        }
    };
    let tls = trusting(&ca_pem, client.as_ref().map(|(chain, key)| (chain.as_slice(), key.as_slice())))?;
    let user = match config.external_username.as_str() {
        "" => None,
        name => Some((name.to_owned(), password(&config.external_password_file)?)),
    };
    let client_id = format!("{LINK_USER}-{}", uuid::Uuid::now_v7());
    let shared_group = match config.external_share_group.as_str() {
        // Else each server would be told of everything.
        "" => is_cluster.then(|| SHARE_GROUP.to_owned()),
        group => Some(group.to_owned()),
    };
    let endpoint = Endpoint { host: host.to_owned(), port, tls: Some(tls) };
    Ok(Line::Mqtt { endpoint, login: Login { client_id, user }, shared_group })
}

fn read(path: &str, key: &'static str) -> Result<Vec<u8>> {
    fs::read(Path::new(path)).with_context(|| format!("reading {path} ({key})"))
}

fn password(path: &str) -> Result<Secret> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {path} (broker.external_password_file)"))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
