//! Counts of the program's use that are kept: requests by operation, steps of enrollment. They name nobody.
//!
//! Counting is an addition in memory; once a minute what came together is added to the store. A server that is killed
//! loses a minute of counts, which a figure by day bears.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ostiary_common::time::UnixMillis;

use crate::ports::StoreError;
use crate::ports::figures::FigureStore;

/// Names of one kind kept at once; further ones are counted together.
const MOST_NAMES: usize = 1_000;
const DAY_MS: i64 = 86_400_000;

type Counts = HashMap<(&'static str, String), u64>;

/// What was counted since it was last kept.
static COUNTS: Mutex<Option<Counts>> = Mutex::new(None);

/// What requests are counted under.
pub const API: &str = "api";
/// What steps of enrollment are.
pub const ENROLLMENT: &str = "enrollment";

/// Counts one of something.
pub fn count(what: &'static str, name: &str) {
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let counts = counts.get_or_insert_default();
    let name = if counts.len() < MOST_NAMES { name } else { "other" };
    *counts.entry((what, name.to_owned())).or_default() += 1;
}

/// Days since 1970.
#[must_use]
pub const fn day(at: UnixMillis) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// Adds what came together to the store; kept for the next time if it cannot.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(store: &dyn FigureStore, now: UnixMillis) -> Result<(), StoreError> {
    let taken = COUNTS.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
    if taken.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = taken.into_iter().map(|((what, name), count)| (what, name, count)).collect();
    let kept = store.add_usage(day(now), &rows).await;
    if kept.is_err() {
        let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.get_or_insert_default();
        rows.into_iter().for_each(|(what, name, count)| *counts.entry((what, name)).or_default() += count);
    }
    kept
}
