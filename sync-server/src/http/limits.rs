//! How often may be asked: token buckets per address and per account.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ostiary_common::ids::UserId;

use super::extract::ClientAddress;
use super::problem::ApiError;
use crate::config::LimitsConfig;

/// A burst of this many seconds' worth is let through at once.
const BURST_S: u32 = 10;

/// One bucket per key.
struct Buckets<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(quota: Quota) -> Self {
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    fn take(&self, key: &K, count: NonZeroU32) -> Result<(), ApiError> {
        match self.limiter.check_key_n(key, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.clock.now());
                Err(ApiError::TooMany { retry_after_s: wait.as_secs() + 1 })
            }
            // More at once than a whole bucket holds: never possible, so waiting a minute is as good as any.
            Err(_) => Err(ApiError::TooMany { retry_after_s: 60 }),
        }
    }
}

/// Every limit of the API.
pub struct Limits {
    requests: Buckets<IpAddr>,
    logins_by_address: Buckets<IpAddr>,
    logins_by_account: Buckets<String>,
    claims: Buckets<IpAddr>,
    renewals: Buckets<IpAddr>,
    photos: Buckets<UserId>,
}

impl Limits {
    /// With the configured rates.
    pub fn new(config: &LimitsConfig) -> Self {
        let per_minute = |rate: u32| Quota::per_minute(positive(rate));
        Self {
            requests: Buckets::new(
                Quota::per_second(positive(config.requests_per_second))
                    .allow_burst(positive(config.requests_per_second.saturating_mul(BURST_S))),
            ),
            logins_by_address: Buckets::new(per_minute(config.logins_per_minute)),
            logins_by_account: Buckets::new(per_minute(config.logins_per_minute)),
            claims: Buckets::new(per_minute(config.claims_per_minute)),
            renewals: Buckets::new(per_minute(config.renewals_per_minute)),
            photos: Buckets::new(per_minute(config.photos_per_minute)),
        }
    }

    /// Any request.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub fn request(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.requests.take(&from.network(), NonZeroU32::MIN)
    }

    /// A log-in attempt: by address, so that one guesser is slowed, and by account, so that many are.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub fn login(&self, from: ClientAddress, login: &str) -> Result<(), ApiError> {
        self.logins_by_address.take(&from.network(), NonZeroU32::MIN)?;
        self.logins_by_account.take(&login.to_owned(), NonZeroU32::MIN)
    }

    /// A claim attempt.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub fn claim(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.claims.take(&from.network(), NonZeroU32::MIN)
    }

    /// A nonce or a renewal.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub fn renewal(&self, from: ClientAddress) -> Result<(), ApiError> {
        self.renewals.take(&from.network(), NonZeroU32::MIN)
    }

    /// `count` photos.
    ///
    /// # Errors
    /// [`ApiError::TooMany`].
    pub fn photos(&self, user: UserId, count: usize) -> Result<(), ApiError> {
        self.photos.take(&user, positive(u32::try_from(count).unwrap_or(u32::MAX)))
    }

    /// Forgets who has been quiet, so that addresses seen once do not pile up. To be called every minute or so.
    pub fn forget_quiet(&self) {
        self.requests.limiter.retain_recent();
        self.logins_by_address.limiter.retain_recent();
        self.logins_by_account.limiter.retain_recent();
        self.claims.limiter.retain_recent();
        self.renewals.limiter.retain_recent();
        self.photos.limiter.retain_recent();
    }
}

fn positive(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slows_a_guesser_and_nobody_else() {
        let limits = Limits::new(&LimitsConfig { logins_per_minute: 3, ..LimitsConfig::default() });
        let from = |address: &str| ClientAddress(address.parse().unwrap());
        let allowed = |address: &str, login: &str| limits.login(from(address), login).is_ok();
        assert!(["a", "b", "c"].iter().all(|login| allowed("10.0.0.1:1", login)));
        assert!(!allowed("10.0.0.1:2", "d"), "same address, other port and account");
        assert!(allowed("10.0.0.2:1", "a"));
        assert!(allowed("10.0.0.3:1", "a"));
        assert!(!allowed("10.0.0.4:1", "a"), "same account from everywhere");
        let Err(ApiError::TooMany { retry_after_s }) = limits.login(from("10.0.0.1:1"), "e") else { panic!() };
        assert!((1..=21).contains(&retry_after_s));
    }
}
