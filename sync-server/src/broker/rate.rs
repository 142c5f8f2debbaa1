//! How fast one client may send. Too fast is slowed down, not refused: the broker stops reading from that
//! client's socket, and TCP carries the pressure back to it.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// A client that was slowed down for less than this is not worth counting.
const NOTICEABLE: Duration = Duration::from_millis(5);

/// What one client may send.
#[derive(Clone, Copy, Debug)]
pub struct PublishLimits {
    /// Messages per second, lasting.
    pub messages_per_s: NonZeroU32,
    /// Messages at once.
    pub messages_burst: NonZeroU32,
    /// KiB per second, lasting.
    pub kib_per_s: NonZeroU32,
    /// KiB at once; a message larger than this passes as if it had this size.
    pub kib_burst: NonZeroU32,
}

impl Default for PublishLimits {
    fn default() -> Self {
        Self {
            messages_per_s: at_least_one(200),
            messages_burst: at_least_one(1_000),
            kib_per_s: at_least_one(4 * 1024),
            kib_burst: at_least_one(16 * 1024),
        }
    }
}

const fn at_least_one(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// Slows down clients that send too fast, each by itself.
pub(super) struct PublishRate {
    messages: DefaultKeyedRateLimiter<String>,
    kib: DefaultKeyedRateLimiter<String>,
    kib_burst: NonZeroU32,
}

impl PublishRate {
    pub(super) fn new(limits: PublishLimits) -> Self {
        let quota = |rate, burst| RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst));
        Self {
            messages: quota(limits.messages_per_s, limits.messages_burst),
            kib: quota(limits.kib_per_s, limits.kib_burst),
            kib_burst: limits.kib_burst,
        }
    }

    /// Returns when this client may send a message of this size.
    pub(super) async fn wait(&self, client: &String, size_bytes: usize) {
        let asked = Instant::now();
        let kib = u32::try_from(size_bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let kib = NonZeroU32::new(kib).unwrap_or(NonZeroU32::MIN).min(self.kib_burst);
        self.messages.until_key_ready(client).await;
        self.kib.until_key_n_ready(client, kib).await.expect("never more than the burst is asked for");
        if asked.elapsed() > NOTICEABLE {
            metrics::counter!("ostiary_server_mqtt_throttled_total").increment(1);
        }
    }

    /// Forgets clients that have been quiet.
    pub(super) fn forget_quiet(&self) {
        self.messages.retain_recent();
        self.kib.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slows_one_client_and_not_another() {
        let rate = PublishRate::new(PublishLimits {
            messages_per_s: at_least_one(100),
            messages_burst: at_least_one(1),
            ..PublishLimits::default()
        });
        let (fast, calm) = ("fast".to_owned(), "calm".to_owned());
        let started = Instant::now();
        for _ in 0..11 {
            rate.wait(&fast, 10).await;
        }
        assert!(started.elapsed() >= Duration::from_millis(90), "{:?}", started.elapsed());
        let started = Instant::now();
        rate.wait(&calm, usize::MAX).await;
        assert!(started.elapsed() < Duration::from_millis(50), "{:?}", started.elapsed());
    }
}
