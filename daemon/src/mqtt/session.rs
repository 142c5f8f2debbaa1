//! The conversation over one connection: what the driver wants said goes out, what comes is handed to it.

use std::sync::Arc;
use std::time::Duration;

use ostiary_common::identity::TokenResponse;
use tokio::time::Instant;

use super::connection::{Connection, Incoming};
use super::driver::Driver;
use super::keeper::Signals;
use crate::identity::{ApiError, TokenKeeper};

/// The loop goes round at least this often, for the watchdog.
const ROUND: Duration = Duration::from_secs(1);
/// Between attempts to renew a token that still holds.
const RENEW_RETRY: Duration = Duration::from_secs(30);
/// Longest wait for the last words to be taken.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a connection ended.
pub enum End {
    /// The program ends.
    Over,
    /// There is a new token to connect with.
    NewToken,
    /// It broke.
    Lost(String),
}

/// One conversation.
pub struct Session<'a> {
    /// What to say.
    pub driver: &'a mut Driver,
    /// The tokens.
    pub tokens: &'a mut TokenKeeper,
    /// When to end.
    pub signals: &'a Signals,
    /// The connection.
    pub connection: Connection,
}

/// What woke the loop.
enum Woken {
    Told(Option<Incoming>),
    Renewed(Result<TokenResponse, ApiError>),
    Shutdown,
    Due,
}

impl Session<'_> {
    /// Talks until the connection ends.
    pub async fn run(mut self) -> End {
        self.connection.subscribe(self.driver.subscriptions());
        let shared = Arc::clone(&self.driver.shared);
        // Lives across rounds: a request under way must not begin anew with every message that comes.
        let mut renewal = Box::pin(self.renewal(self.tokens.renew_in(shared.clock.moment())));
        loop {
            shared.heartbeats.mqtt.beat(shared.clock.elapsed());
            if self.driver.is_wish_due(&self.signals.resting) || self.is_drained() {
                return self.farewell().await;
            }
            blocking(|| self.driver.tick());
            self.flush();
            if self.driver.wants_token() {
                renewal = Box::pin(self.renewal(Duration::ZERO));
            }
            let sleep = self.driver.wake_at().saturating_sub(shared.clock.elapsed()).min(ROUND);
            let woken = tokio::select! {
                told = self.connection.next() => Woken::Told(told),
                () = shared.outbox_changed.notified() => Woken::Due,
                () = self.signals.shutdown.cancelled() => Woken::Shutdown,
                answer = &mut renewal => Woken::Renewed(answer),
                () = tokio::time::sleep(sleep) => Woken::Due,
            };
            match woken {
                Woken::Due => {}
                Woken::Shutdown => return self.farewell().await,
                Woken::Told(told) => {
                    if let Some(end) = self.told(told) {
                        return end;
                    }
                }
                Woken::Renewed(Ok(response)) => {
                    blocking(|| self.driver.token(&response));
                    self.tokens.renewed(response, &shared);
                    self.connection.close().await;
                    return End::NewToken;
                }
                Woken::Renewed(Err(error)) => {
                    tracing::warn!(%error, "cannot renew the token yet: {error}");
                    renewal = Box::pin(self.renewal(RENEW_RETRY));
                }
            }
        }
    }

    /// Asks for a new token after `wait`.
    fn renewal(&self, wait: Duration) -> impl Future<Output = Result<TokenResponse, ApiError>> + Send + use<> {
        let (renewer, shared) = (self.tokens.renewer(), Arc::clone(&self.driver.shared));
        async move {
            tokio::time::sleep(wait).await;
            // Where the device stands changes while it talks, so it is told only between two connections.
            renewer.request(&shared.clock, None).await
        }
    }

    fn is_drained(&mut self) -> bool {
        self.signals.draining.is_cancelled() && self.driver.is_drained()
    }

    fn told(&mut self, told: Option<Incoming>) -> Option<End> {
        match told {
            Some(Incoming::Message(message)) => {
                blocking(|| self.driver.incoming(&message.topic, &message.payload));
                None
            }
            Some(Incoming::Progress) => None,
            Some(Incoming::SubscriptionRefused) => {
                self.driver.refused("the broker does not let this device read its own topics");
                None
            }
            Some(Incoming::TooLarge(reason)) => {
                self.driver.refused(&reason);
                Some(End::Lost(reason))
            }
            Some(Incoming::Lost(reason)) => Some(End::Lost(reason)),
            Some(Incoming::Closed) | None => Some(End::Lost("the connection was closed".into())),
        }
    }

    /// Hands over what is to be said, as far as there is room.
    fn flush(&mut self) {
        while let Some(message) = self.driver.outgoing.pop_front() {
            if let Err(message) = self.connection.send(message) {
                self.driver.outgoing.push_front(message);
                return;
            }
        }
    }

    /// Says that this is an orderly end and closes the connection.
    async fn farewell(mut self) -> End {
        self.driver.say_stopped();
        let end = Instant::now() + LAST_WORDS;
        while !self.driver.outgoing.is_empty() && Instant::now() < end {
            self.flush();
            if tokio::time::timeout_at(end, self.connection.next()).await.is_err() {
                break;
            }
        }
        self.connection.close().await;
        End::Over
    }
}

/// The cache is a disk: other tasks of this thread are moved away meanwhile.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
