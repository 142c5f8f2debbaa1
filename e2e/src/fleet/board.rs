//! Where all devices write what happened to them, and the campaign reads it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::histogram::Histogram;

/// The fleet's board.
#[derive(Debug)]
pub struct Board {
    began: Instant,
    /// From the publication of a batch to the server's word that it is stored.
    pub acks: Histogram,
    /// Events the server said are stored.
    pub acked: AtomicU64,
    /// Events made.
    pub produced: AtomicU64,
    /// Batches sent a second time, after a new connection or for want of an answer.
    pub sent_again: AtomicU64,
    /// Galleries that did not have the digest they should have.
    pub wrong_galleries: AtomicU64,
    /// Why connections could not be made, or ended, and how often.
    failures: Mutex<BTreeMap<String, u64>>,
    /// One place for each device.
    pub slots: Vec<Slot>,
}

/// One device's place on the board.
#[derive(Debug, Default)]
pub struct Slot {
    /// Connected, let in, and subscribed to everything it reads.
    pub up: AtomicBool,
    /// Events not acknowledged yet.
    pub waiting: AtomicU64,
    /// The gallery's revision it holds.
    pub rev: AtomicU64,
    /// When it reached that revision, in microseconds since the board was made.
    pub reached_us: AtomicU64,
}

/// How the fleet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Devices connected.
    pub up: usize,
    /// Events not acknowledged yet.
    pub waiting: u64,
    /// Devices that hold the revision asked for or a newer one.
    pub holding: usize,
}

impl Board {
    /// A board for so many devices.
    #[must_use]
    pub fn new(devices: usize) -> Self {
        Self {
            began: Instant::now(),
            acks: Histogram::default(),
            acked: AtomicU64::new(0),
            produced: AtomicU64::new(0),
            sent_again: AtomicU64::new(0),
            wrong_galleries: AtomicU64::new(0),
            failures: Mutex::default(),
            slots: (0..devices).map(|_| Slot::default()).collect(),
        }
    }

    /// Microseconds since the board was made.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes why a connection could not be made or ended.
    pub fn failed(&self, why: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(why.to_owned()).or_default() += 1;
    }

    /// What was noted since it was last asked.
    #[must_use]
    pub fn take_failures(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How the fleet stands, with regard to a revision of the gallery.
    #[must_use]
    pub fn standing(&self, rev: u64) -> Standing {
        let count = |wanted: &dyn Fn(&Slot) -> bool| self.slots.iter().filter(|slot| wanted(slot)).count();
        Standing {
            up: count(&|slot| slot.up.load(Ordering::Relaxed)),
            waiting: self.slots.iter().map(|slot| slot.waiting.load(Ordering::Relaxed)).sum(),
            holding: count(&|slot| slot.rev.load(Ordering::Acquire) >= rev),
        }
    }
}

impl Slot {
    /// Notes the revision held.
    pub fn reach(&self, rev: u64, at_us: u64) {
        if self.rev.load(Ordering::Relaxed) != rev {
            self.reached_us.store(at_us, Ordering::Relaxed);
            self.rev.store(rev, Ordering::Release);
        }
    }
}
