//! Keeping a connection up: a token, a session number, a connection; and when it ends, patience.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::identity::{Standing, TokenResponse};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Dial, DialError};
use super::driver::{Driver, Wish};
use super::resting::Resting;
use super::session::{End, Session};
use crate::domain::backoff::Backoff;
use crate::domain::credentials::Slot;
use crate::identity::{ApiError, FIRST_RENEWAL, TlsError, TlsTime, TokenKeeper, mqtt_client_config};

/// First wait after a failure.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A device the server refuses for good waits this long at first, then longer and longer.
const REFUSED_WAIT: Duration = Duration::from_secs(300);
/// And never longer than this.
const LONGEST_REFUSED_WAIT: Duration = Duration::from_secs(3600);
/// The problem a server names when it does not take the signed proof.
const RENEWAL_REFUSED: &str = "renewal-refused";
/// Refusals that may have a passing cause, a restart of the server between nonce and token, before they count as
/// refusals for good.
const PASSING_REFUSALS: u32 = 4;
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
    /// The program stops watching before it forgets everything.
    pub resting: Resting,
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
    let refusals = Refusals { said: None, passing: 0, backoff: Backoff::new(REFUSED_WAIT, LONGEST_REFUSED_WAIT) };
    let mut keeper = Keeper { driver, tokens, reach, backoff, refusals, has_asked: false, signals };
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
    refusals: Refusals,
    /// Whether the server gave a token since the program started: a card put back from an old image looks to itself
    /// as it always did, and only the server can tell.
    has_asked: bool,
    signals: Signals,
}

/// The server's refusals since it last gave a token.
struct Refusals {
    /// What was said of the last one; the same is not said again.
    said: Option<String>,
    /// Those that may have a passing cause.
    passing: u32,
    backoff: Backoff,
}

impl Keeper {
    fn is_over(&mut self) -> bool {
        let drained = self.signals.draining.is_cancelled() && self.driver.is_drained();
        self.signals.shutdown.is_cancelled() || self.driver.is_wish_due(&self.signals.resting) || drained
    }

    /// One token, one connection, until it ends. Returns how long to wait before the next attempt.
    async fn once(&mut self) -> Result<Option<Duration>, KeeperError> {
        self.beat();
        if self.tokens.usable(self.driver.shared.clock.moment()).is_none() {
            return Ok(self.renew().await);
        }
        if !self.has_asked {
            self.renew_at_start().await;
        }
        let Some(slot) = self.tokens.usable(self.driver.shared.clock.moment()) else { return Ok(None) };
        let session = self.driver.next_session(self.tokens.session_floor());
        match self.dial(session).await? {
            Ok(connection) => {
                self.tokens.accepted(slot);
                self.backoff.reset();
                Ok(self.converse(connection, session).await)
            }
            Err(DialError::Credentials(code)) => Ok(Some(self.refused(slot, &format!("{code:?}")))),
            Err(error) => {
                self.tokens.unreachable();
                Ok(Some(self.failed(&error.to_string())))
            }
        }
    }

    async fn dial(&self, session: u64) -> Result<Result<Connection, DialError>, KeeperError> {
        let identity = self.tokens.identity();
        let (time, (_, certificate_pem)) = (TlsTime::by(&self.driver.shared.clock), self.tokens.certificate());
        let tls = mqtt_client_config(&identity.ca_pem, certificate_pem, self.tokens.key_pem(), time)?;
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

    /// Asks for a token before the first connection, but not for long: there is one to connect with.
    async fn renew_at_start(&mut self) {
        match tokio::time::timeout(FIRST_RENEWAL, self.request()).await {
            Ok(Some(Ok(response))) => self.take(response),
            Ok(Some(Err(error))) => tracing::info!(%error, "no new token at the start, connecting with the one held"),
            Ok(None) => {}
            Err(_) => tracing::info!("the server is slow to give a new token, connecting with the one held"),
        }
    }

    async fn renew(&mut self) -> Option<Duration> {
        match self.request().await? {
            Ok(response) => {
                self.take(response);
                None
            }
            Err(ApiError::Refused { status, slug, detail }) => Some(self.turned_away(status.as_u16(), &slug, detail)),
            Err(ApiError::Later(wait)) => Some(wait.min(REFUSED_WAIT) + self.backoff.next(rand::random())),
            Err(error) => Some(self.failed(&error.to_string())),
        }
    }

    /// Asks for a token; `None` if the program ends. Where the device stands is told only here, between two
    /// connections: what the server stores meanwhile would look like a memory ahead of the device's own.
    async fn request(&self) -> Option<Result<TokenResponse, ApiError>> {
        let renewer = self.tokens.renewer();
        let standing = self.driver.standing();
        let standing = Standing { session: standing.session.max(self.tokens.session_floor()), ..standing };
        tokio::select! {
            answer = renewer.request(&self.driver.shared.clock, Some(standing)) => Some(answer),
            () = self.signals.shutdown.cancelled() => None,
        }
    }

    fn take(&mut self, response: TokenResponse) {
        self.has_asked = true;
        (self.refusals.said, self.refusals.passing) = (None, 0);
        self.refusals.backoff.reset();
        let shared = Arc::clone(&self.driver.shared);
        self.driver.token(&response);
        self.tokens.renewed(response, &shared);
    }

    /// The server gives this device no token. Events stay in the outbox; the reason is said once.
    fn turned_away(&mut self, status: u16, slug: &str, detail: String) -> Duration {
        if slug == RENEWAL_REFUSED && self.refusals.passing < PASSING_REFUSALS {
            self.refusals.passing += 1;
            return self.failed(&format!("the server does not take the proof ({detail})"));
        }
        if self.refusals.said.as_ref() != Some(&detail) {
            tracing::error!(
                status,
                "the server gives this device no token any more ({detail}). Events are kept. Look at the device on the \
                 server; to take it into service again run `ostiaryd claim --force` with a new code"
            );
            self.refusals.said = Some(detail);
        }
        self.refusals.backoff.next(rand::random())
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
        let shared = Arc::clone(&self.driver.shared);
        while tokio::time::Instant::now() < end && !self.driver.is_wish_due(&self.signals.resting) {
            self.beat();
            self.driver.tick();
            let round = end.min(tokio::time::Instant::now() + ROUND);
            tokio::select! {
                () = tokio::time::sleep_until(round) => {}
                // What an enrollment came to is to be on the disk at once.
                () = shared.outbox_changed.notified() => {}
                () = self.signals.shutdown.cancelled() => return,
            }
        }
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
