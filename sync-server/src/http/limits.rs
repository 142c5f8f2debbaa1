//! How often may be asked: per address, account, key and device, and for what costs much.
//!
//! Every answer to what was counted says where its budgets stand ([`super::counted`]). What counts is behind
//! [`Throttle`]: this process, or several servers together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::{DeviceId, UserId};
use uuid::Uuid;

use super::counted;
use super::extract::ClientAddress;
use super::problem::ApiError;
use crate::config::LimitsConfig;
use crate::domain::throttle::{Budget, Subject};
use crate::ports::throttle::Throttle;

/// A burst of this many seconds' worth is let through at once.
const BURST_S: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Every limit of the API.
pub struct Limits {
    throttle: Arc<dyn Throttle>,
    address: Budget,
    account: Budget,
    key: Budget,
    device: Budget,
    login_address: Budget,
    claims: Budget,
    renewals: Budget,
    photos: Budget,
    frames: Budget,
    recognize: Budget,
    exports: Budget,
    uploads: Budget,
}

impl Limits {
    /// With the configured rates.
    pub fn new(config: &LimitsConfig, throttle: Arc<dyn Throttle>) -> Self {
        Self {
            throttle,
            address: steady("address", config.requests_per_second),
            account: steady("account", config.account_requests_per_second),
            key: steady("key", config.key_requests_per_second),
            device: within("device", config.device_renewals_per_minute, MINUTE),
            login_address: within("login-address", config.logins_per_minute, MINUTE),
            claims: within("claims", config.claims_per_minute, MINUTE),
            renewals: within("renewals", config.renewals_per_minute, MINUTE),
            photos: within("photos", config.photos_per_minute, MINUTE),
            frames: within("frames", config.frames_per_minute, MINUTE),
            recognize: within("recognize", config.recognize_per_minute, MINUTE),
            exports: within("exports", config.exports_per_hour, HOUR),
            uploads: within("uploads", config.uploads_per_hour, HOUR),
        }
    }

    /// Any request, by where it comes from, before anything else is known of it.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn request(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.take(&self.address, Subject::Network(from.network()), 1).await
    }

    /// Any request of a signed-in account.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn account(&self, account: UserId) -> Result<(), ApiError> {
        self.take(&self.account, Subject::Account(account), 1).await
    }

    /// Any request with an API key.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn key(&self, key: Uuid) -> Result<(), ApiError> {
        self.take(&self.key, Subject::Key(key), 1).await
    }

    /// A log-in attempt, by address. Many guessers of one account are slowed by what the store counts, which also tells
    /// them from its owner.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn login(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.take(&self.login_address, Subject::Network(from.network()), 1).await
    }

    /// A claim attempt.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn claim(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.take(&self.claims, Subject::Network(from.network()), 1).await
    }

    /// A nonce or a renewal, by where it comes from.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn renewal(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.take(&self.renewals, Subject::Network(from.network()), 1).await
    }

    /// Something of a device that has proved itself.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn device(&self, device: DeviceId) -> Result<(), ApiError> {
        self.take(&self.device, Subject::Device(device), 1).await
    }

    /// Something of who says to be a device. Counted with the address, so that nobody uses up another's budget.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn claimed_device(&self, device: DeviceId, from: ClientAddress) -> Result<(), ApiError> {
        self.take(&self.device, Subject::Claimed(device, from.network()), 1).await
    }

    /// `count` photos.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn photos(&self, user: UserId, count: usize) -> Result<(), ApiError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.take(&self.photos, Subject::Account(user), count).await
    }

    /// A frame of a guided capture.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn frame(&self, user: UserId) -> Result<(), ApiError> {
        self.take(&self.frames, Subject::Account(user), 1).await
    }

    /// A picture to be looked up.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn recognize(&self, user: UserId) -> Result<(), ApiError> {
        self.take(&self.recognize, Subject::Account(user), 1).await
    }

    /// An export.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn export(&self, user: UserId) -> Result<(), ApiError> {
        self.take(&self.exports, Subject::Account(user), 1).await
    }

    /// Something large that is worked on later.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub async fn upload(&self, user: UserId) -> Result<(), ApiError> {
        self.take(&self.uploads, Subject::Account(user), 1).await
    }

    /// Forgets who has been quiet. To be called every minute or so.
    pub fn forget_quiet(&self) {
        self.throttle.forget_quiet();
    }

    async fn take(&self, budget: &Budget, subject: Subject, count: u32) -> Result<(), ApiError> {
        let standing = self.throttle.take(budget, &subject, positive(count)).await;
        counted::note(standing);
        let Some(wait) = standing.wait else { return Ok(()) };
        metrics::counter!("ostiary_server_throttled_total", "budget" => budget.name).increment(1);
        Err(ApiError::TooMany { retry_after_s: wait.as_secs() + 1 })
    }
}

/// So many a second, with bursts.
fn steady(name: &'static str, per_second: u32) -> Budget {
    let burst = positive(per_second.saturating_mul(BURST_S));
    Budget { name, burst, refill: Duration::from_secs(u64::from(BURST_S)) }
}

/// So many within a time, at once or one by one.
fn within(name: &'static str, count: u32, refill: Duration) -> Budget {
    Budget { name, burst: positive(count), refill }
}

fn positive(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throttle::LocalThrottle;

    #[tokio::test]
    async fn slows_a_guesser_and_nobody_else() {
        let config = LimitsConfig { logins_per_minute: 3, ..LimitsConfig::default() };
        let limits = Limits::new(&config, Arc::new(LocalThrottle::default()));
        let from = |address: &str| ClientAddress(address.parse().unwrap());
        let allowed = async |address: &str| limits.login(from(address)).await.is_ok();
        for _ in 0..3 {
            assert!(allowed("10.0.0.1:1").await);
        }
        assert!(!allowed("10.0.0.1:2").await, "same address, other port");
        assert!(allowed("10.0.0.2:1").await);
        let Err(ApiError::TooMany { retry_after_s }) = limits.login(from("10.0.0.1:1")).await else { panic!() };
        assert!((1..=21).contains(&retry_after_s));
    }

    #[tokio::test]
    async fn nobody_uses_up_the_budget_of_a_device_he_is_not() {
        let config = LimitsConfig { device_renewals_per_minute: 1, ..LimitsConfig::default() };
        let limits = Limits::new(&config, Arc::new(LocalThrottle::default()));
        let device = DeviceId::generate();
        let from = |address: &str| ClientAddress(address.parse().unwrap());
        assert!(limits.claimed_device(device, from("10.0.0.1:1")).await.is_ok());
        assert!(limits.claimed_device(device, from("10.0.0.1:2")).await.is_err());
        assert!(limits.claimed_device(device, from("10.0.0.2:1")).await.is_ok());
        assert!(limits.device(device).await.is_ok());
    }
}
