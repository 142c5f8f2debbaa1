//! The embedded broker, where it is configured.

use std::sync::Arc;

use anyhow::{Context, Result};

use super::foundation::Foundation;
use crate::broker::embedded::{self, BrokerLimits, EmbeddedBroker, RunningBroker, ServerAccess};
use crate::config::{BrokerMode, Config};
use crate::identity::device_auth::TokenAuth;
use crate::ports::Clock;
use crate::refusals::RefusalLog;
use crate::secret::Secret;

/// The monitor's password, for whoever may read the data directory.
pub const MONITOR_PASSWORD_FILE: &str = "monitor.password";

/// A running broker.
pub struct Embedded {
    /// The broker.
    pub broker: Arc<RunningBroker>,
}

/// Starts the broker; `None` if another one is to be used.
pub async fn start(
    config: &Config,
    foundation: &Foundation,
    clock: Arc<dyn Clock>,
    refusals: Arc<RefusalLog>,
) -> Result<Option<Embedded>> {
    if config.broker.mode == BrokerMode::External {
        return Ok(None);
    }
    let path = config.server.data_dir.join(MONITOR_PASSWORD_FILE);
    let monitor = Secret::load_or_create(&path).with_context(|| format!("opening {}", path.display()))?;
    let (tokens, store) = (foundation.tokens.clone(), foundation.store.clone());
    let broker = embedded::start(EmbeddedBroker {
        listen: config.broker.listen,
        certificate: foundation.certificate.clone(),
        auth: Arc::new(TokenAuth { tokens, store, clock: clock.clone() }),
        refusals,
        clock,
        server: ServerAccess::Direct,
        monitor_password: Some(monitor),
        limits: BrokerLimits { max_connections: config.broker.max_connections, ..BrokerLimits::default() },
    });
    let broker = broker.await.context("starting the embedded broker")?;
    Ok(Some(Embedded { broker: Arc::new(broker) }))
}
