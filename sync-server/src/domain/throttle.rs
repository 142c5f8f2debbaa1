//! How often may be asked: budgets, who draws on them, and where that leaves them.

use core::net::IpAddr;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use ostiary_common::ids::{DeviceId, UserId};
use uuid::Uuid;

/// So many at once, refilled at an even pace (GCRA): a burst is let through, and then one after each
/// [`Budget::step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Its name in headers, metrics and shared counters; lower-case letters and `-`.
    pub name: &'static str,
    /// How many at once, when it is full.
    pub burst: NonZeroU32,
    /// Time from empty to full.
    pub refill: Duration,
}

impl Budget {
    /// Time after which one more is let through.
    #[must_use]
    pub fn step(&self) -> Duration {
        (self.refill / self.burst.get()).max(Duration::from_nanos(1))
    }

    /// Time until it is full again when `left` are left.
    #[must_use]
    pub fn full_in(&self, left: u32) -> Duration {
        self.step() * self.burst.get().saturating_sub(left)
    }
}

/// Who draws on a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An address, or the network one subscriber has.
    Network(IpAddr),
    /// A person's account.
    Account(UserId),
    /// An API key.
    Key(Uuid),
    /// A device that has proved itself.
    Device(DeviceId),
    /// A device that somebody at this address says to be.
    Claimed(DeviceId, IpAddr),
}

/// For counters shared by several servers; two subjects never look the same.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(ip) => write!(f, "net:{ip}"),
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Device(id) => write!(f, "device:{id}"),
            Self::Claimed(id, ip) => write!(f, "claimed:{id}:{ip}"),
        }
    }
}

/// Where a budget stands after somebody drew on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub budget: Budget,
    /// How many more would be let through now.
    pub left: u32,
    /// Nothing if this one was let through; else the time until it would be.
    pub wait: Option<Duration>,
}
