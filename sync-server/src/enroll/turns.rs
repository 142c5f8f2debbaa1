//! One photo of a person after the other: each is judged by what the ones before left.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use ostiary_common::ids::PersonId;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Persons share so many locks; that two of them wait for each other now and then costs nothing.
const LOCKS: usize = 64;

/// Locks by person.
pub struct Turns {
    locks: Vec<Arc<Mutex<()>>>,
    hash: RandomState,
}

/// A person's turn, until dropped.
pub type Turn = OwnedMutexGuard<()>;

impl Default for Turns {
    fn default() -> Self {
        Self { locks: (0..LOCKS).map(|_| Arc::default()).collect(), hash: RandomState::new() }
    }
}

impl Turns {
    /// Waits until nobody else is busy with the person. Other servers are not waited for: what they commit meanwhile is
    /// found out by the store if it is the same photo, and else only leaves a template more.
    pub async fn of(&self, person: PersonId) -> Turn {
        let place = usize::try_from(self.hash.hash_one(person) % LOCKS as u64).unwrap_or(0);
        Arc::clone(&self.locks[place]).lock_owned().await
    }
}
