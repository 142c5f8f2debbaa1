//! How often something is done for one device, by the clock the link was given.

use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter, clock};
use ostiary_common::ids::DeviceId;

use crate::ports::Clock;

/// A limit for each device.
pub(super) struct PerDevice(RateLimiter<DeviceId, DefaultKeyedStateStore<DeviceId>, Elapsed, NoOpMiddleware<Duration>>);

/// The link's clock as the limiter wants it.
#[derive(Clone)]
struct Elapsed(Arc<dyn Clock>);

impl clock::Clock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl PerDevice {
    pub(super) fn new(quota: Quota, clock: Arc<dyn Clock>) -> Self {
        Self(RateLimiter::new(quota, DefaultKeyedStateStore::default(), Elapsed(clock)))
    }

    /// Whether this is still within the device's limit; counts if so.
    pub(super) fn allows(&self, device: DeviceId) -> bool {
        self.0.check_key(&device).is_ok()
    }

    /// Forgets the devices that have their whole allowance again.
    pub(super) fn forget_quiet(&self) {
        self.0.retain_recent();
    }
}
