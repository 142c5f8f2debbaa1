//! Redis, where several servers have one: they count requests together in it and tell each other to look at the store.
//!
//! Nothing lies in it that would be missed, and nothing about persons: whoever loses Redis loses counts of the last
//! minutes, and hears of changes half a second later. It is therefore never waited for: what it does not answer within
//! `ANSWER_WITHIN` is done without it, and after a failure it is left alone for `LEFT_ALONE_FOR`.

mod counters;
mod nudges;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError};

use crate::domain::account::InstallationId;
use crate::domain::health::Finding;
use crate::ports::Clock;
use crate::secret::Secret;

pub use self::nudges::Nudges;

/// What takes longer than this is done without Redis.
const ANSWER_WITHIN: Duration = Duration::from_millis(100);
/// So long nothing is asked after a failure, so that a Redis that hangs does not slow every request.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(1);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// The address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the address in cluster.redis_url_file cannot be used: {0}")]
pub struct BadAddress(String);

/// The way to Redis.
pub struct Hub {
    client: Client,
    manager: ConnectionManager,
    /// Before every key and channel, so that installations may share one Redis.
    prefix: String,
    clock: Arc<dyn Clock>,
    trouble: Mutex<Option<Trouble>>,
    draw: redis::Script,
}

/// Why and until when Redis is left alone.
struct Trouble {
    why: String,
    until: Duration,
}

impl Hub {
    /// Connects when it is first asked for something, and again whenever the connection is lost.
    ///
    /// # Errors
    /// [`BadAddress`]; that Redis is away is none.
    pub fn new(url: &Secret, installation: InstallationId, clock: Arc<dyn Clock>) -> Result<Self, BadAddress> {
        // The library's words may hold the address, and that a password.
        let refused = |error: RedisError| BadAddress(error.category().to_owned());
        let client = Client::open(url.expose()).map_err(refused)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(ANSWER_WITHIN))
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_max_delay(LEFT_ALONE_FOR)
            .set_number_of_retries(1);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(refused)?;
        let prefix = format!("ostiary:{installation}");
        Ok(Self { client, manager, prefix, clock, trouble: Mutex::default(), draw: counters::script() })
    }

    /// Whether it answers.
    pub async fn finding(&self) -> Finding {
        let mut manager = self.manager.clone();
        let pong = self.ask(async { redis::cmd("PING").query_async::<String>(&mut manager).await }).await;
        if pong.is_some() {
            return Finding::ok();
        }
        let why = self.trouble().as_ref().map_or_else(|| "no answer".to_owned(), |trouble| trouble.why.clone());
        let cause = format!("Redis cannot be used: {why}; each server counts requests alone");
        Finding::degraded(cause, "see that Redis runs and cluster.redis_url_file holds its address")
    }

    /// Redis' answer, if there is one in time.
    async fn ask<T>(&self, asking: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        let now = self.clock.elapsed();
        if self.trouble().as_ref().is_some_and(|trouble| now < trouble.until) {
            return None;
        }
        let why = match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(answer)) => {
                if self.trouble().take().is_some() {
                    tracing::info!("Redis answers again");
                }
                return Some(answer);
            }
            Ok(Err(error)) => error.category().to_owned(),
            Err(_) => format!("no answer within {} ms", ANSWER_WITHIN.as_millis()),
        };
        metrics::counter!("ostiary_server_redis_failures_total").increment(1);
        let trouble = Trouble { why: why.clone(), until: self.clock.elapsed() + LEFT_ALONE_FOR };
        if self.trouble().replace(trouble).is_none() {
            tracing::warn!("Redis cannot be used, this server goes on without it: {why}");
        }
        None
    }

    fn key(&self, of: &str) -> String {
        format!("{}:{of}", self.prefix)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
