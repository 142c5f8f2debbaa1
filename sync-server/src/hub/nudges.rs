//! "Look at the store": a word without content, from the server that changed something to all others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::RedisError;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Hub;

/// Changes that come within this time are told once.
const TOLD_EVERY: Duration = Duration::from_millis(10);
/// How long to wait before listening again after the connection was lost.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Passes words on.
pub struct Nudges {
    hub: Arc<Hub>,
    /// Notified when something changed here.
    changed_here: Arc<Notify>,
    /// To be notified when something changed elsewhere.
    look: Arc<Notify>,
    /// This server's own mark, whose words it need not hear.
    mark: String,
}

impl Nudges {
    /// From `changed_here` to others, and from others to `look`.
    pub fn new(hub: Arc<Hub>, changed_here: Arc<Notify>, look: Arc<Notify>) -> Self {
        Self { hub, changed_here, look, mark: uuid::Uuid::now_v7().to_string() }
    }

    /// Works until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let both = async { tokio::join!(self.tell(), self.listen()) };
        shutdown.run_until_cancelled(both).await;
    }

    async fn tell(&self) {
        loop {
            self.changed_here.notified().await;
            let mut manager = self.hub.manager.clone();
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(self.hub.key("changes")).arg(&self.mark);
            // Lost words cost half a second: the others look by themselves.
            let _ = self.hub.ask(async { publish.query_async::<i64>(&mut manager).await }).await;
            tokio::time::sleep(TOLD_EVERY).await;
        }
    }

    async fn listen(&self) {
        loop {
            if let Err(error) = self.hear().await {
                tracing::debug!("Redis does not pass words of other servers on: {}", error.category());
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn hear(&self) -> Result<(), RedisError> {
        let mut listening = self.hub.client.get_async_pubsub().await?;
        listening.subscribe(self.hub.key("changes")).await?;
        // What was said before is not known.
        self.look.notify_one();
        let mut words = listening.into_on_message();
        while let Some(word) = words.next().await {
            let from: String = word.get_payload().unwrap_or_default();
            if from != self.mark {
                self.look.notify_one();
            }
        }
        Ok(())
    }
}
