//! Keeping a connection up: a token, a session number, a connection; and when it ends, patience.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Dial, DialError};
use super::driver::{Driver, Wish};
use super::session::{End, Session};
use crate::domain::backoff::Backoff;
use crate::domain::credentials::Slot;
use crate::identity::{ApiError, TlsError, TokenKeeper, mqtt_client_config};

/// First wait after a failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A device the server refuses for good asks this seldom.
const REFUSED_WAIT: Duration = Duration::from_secs(300);
/// The loop goes round at least this often, for the watchdog.
const ROUND: Duration = Duration::from_secs(1);

/// How to reach the broker.
#[derive(Clone, Debug)]
pub struct Reach {
    /// `mqtts://host:port`.
    pub broker_url: String,
    /// Longest wait between attempts.
    pub max_backoff: Duration,
    /// Between signs of life.
    pub keep_alive: Duration,
}

/// What ends the keeping.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The identity's certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Signals from the rest of the program.
#[derive(Clone, Debug)]
pub struct Signals {
    /// End now.
    pub shutdown: CancellationToken,
    /// Nothing new will come: end once the outbox is empty.
    pub draining: CancellationToken,
}

/// Keeps the device connected until it is told to end. Returns what was asked of the program, if something was.
///
/// # Errors
/// [`KeeperError`] if cache or identity cannot be used; never because of the network.
pub async fn keep(
    mut driver: Driver,
    tokens: TokenKeeper,
    reach: Reach,
    signals: Signals,
) -> Result<Option<Wish>, KeeperError> {
    driver.signs_with(Box::new(tokens.signer()));
    let backoff = Backoff::new(FIRST_WAIT, reach.max_backoff);
    let mut keeper = Keeper { driver, tokens, reach, backoff, signals };
    while !keeper.is_over() {
        if let Some(wait) = keeper.once().await? {
            keeper.pause(wait).await;
        }
    }
    Ok(keeper.driver.wish)
}

struct Keeper {
    driver: Driver,
    tokens: TokenKeeper,
    reach: Reach,
    backoff: Backoff,
    signals: Signals,
}

impl Keeper {
    fn is_over(&mut self) -> bool {
        let drained = self.signals.draining.is_cancelled() && self.driver.is_drained();
        self.signals.shutdown.is_cancelled() || self.driver.wish.is_some() || drained
    }

    /// One token, one connection, until it ends. Returns how long to wait before the next attempt.
    async fn once(&mut self) -> Result<Option<Duration>, KeeperError> {
        self.beat();
        let now = self.driver.shared.clock.wall();
        let Some(slot) = self.tokens.usable(now) else { return Ok(self.renew().await) };
        let session = self.driver.next_session(self.tokens.session_floor());
        match self.dial(session).await? {
            Ok(connection) => {
                self.tokens.accepted(slot);
                self.backoff.reset();
                Ok(self.converse(connection, session).await)
            }
            Err(DialError::Credentials(code)) => Ok(Some(self.refused(slot, &format!("{code:?}")))),
            Err(error) => Ok(Some(self.failed(&error.to_string()))),
        }
    }

    async fn dial(&self, session: u64) -> Result<Result<Connection, DialError>, KeeperError> {
        let identity = self.tokens.identity();
        let floor = self.driver.shared.clock.floor();
        let tls = mqtt_client_config(&identity.ca_pem, &identity.certificate_pem, self.tokens.key_pem(), floor)?;
        let will = self.driver.will(session);
        let dial = Dial {
            broker_url: &self.reach.broker_url,
            tls: Arc::new(tls),
            device: identity.device.to_string(),
            token: self.tokens.token().unwrap_or_default(),
            will,
            keep_alive: self.reach.keep_alive,
        };
        tokio::select! {
            connected = Connection::dial(dial) => Ok(connected),
            () = self.signals.shutdown.cancelled() => Ok(Err(DialError::Unreachable("the program ends".into()))),
        }
    }

    async fn converse(&mut self, connection: Connection, session: u64) -> Option<Duration> {
        tracing::info!(session, broker = %self.reach.broker_url, "connected to {}", self.reach.broker_url);
        self.driver.shared.telemetry.connects.add_one();
        self.driver.connected(session);
        let talk = Session { driver: &mut self.driver, tokens: &mut self.tokens, signals: &self.signals, connection };
        let end = talk.run().await;
        self.driver.disconnected();
        match end {
            End::Over | End::NewToken => None,
            End::Lost(reason) => Some(self.failed(&reason)),
        }
    }

    async fn renew(&mut self) -> Option<Duration> {
        let shared = Arc::clone(&self.driver.shared);
        let renewer = self.tokens.renewer();
        let answer = tokio::select! {
            answer = renewer.request(&shared.clock, self.driver.standing()) => answer,
            () = self.signals.shutdown.cancelled() => return None,
        };
        match answer {
            Ok(response) => {
                self.driver.token(&response);
                self.tokens.renewed(response, &shared);
                None
            }
            Err(ApiError::Refused { status, detail, .. }) => {
                tracing::error!(
                    %status,
                    "the server no longer gives this device a token ({detail}): it may be revoked. \
                     Look at the device on the server; to take it into service again run `ostiaryd claim --force`"
                );
                Some(REFUSED_WAIT.mul_f64(0.5 + rand::random::<f64>() / 2.0))
            }
            Err(ApiError::Later(wait)) => Some(wait.min(REFUSED_WAIT) + self.backoff.next(rand::random())),
            Err(error) => Some(self.failed(&error.to_string())),
        }
    }

    /// The broker does not take the token: it is given up, and another is had at once.
    fn refused(&mut self, slot: Slot, code: &str) -> Duration {
        tracing::warn!(code, "the broker refuses the token: asking for a new one");
        self.driver.shared.telemetry.connect_failures.add_one();
        self.tokens.refused(slot);
        self.backoff.next(rand::random())
    }

    fn failed(&mut self, reason: &str) -> Duration {
        self.driver.shared.telemetry.connect_failures.add_one();
        let wait = self.backoff.next(rand::random());
        tracing::warn!(
            reason,
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "not connected: {reason}"
        );
        wait
    }

    fn beat(&self) {
        let shared = &self.driver.shared;
        shared.heartbeats.mqtt.beat(shared.clock.elapsed());
    }

    async fn pause(&mut self, wait: Duration) {
        let end = tokio::time::Instant::now() + wait;
        while tokio::time::Instant::now() < end {
            self.beat();
            self.driver.tick();
            let round = end.min(tokio::time::Instant::now() + ROUND);
            tokio::select! {
                () = tokio::time::sleep_until(round) => {}
                () = self.signals.shutdown.cancelled() => return,
            }
        }
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
