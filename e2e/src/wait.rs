//! Waiting for something to become true, with a deadline, instead of sleeping and hoping.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

/// How often is asked.
const PAUSE: Duration = Duration::from_millis(40);

/// Asks until the answer is there. An error ends the waiting at once.
///
/// # Errors
/// The question's own, or, when `deadline` has passed, what was waited for.
pub async fn until<T>(what: &str, deadline: Duration, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if Instant::now() >= end {
            bail!("waited {:.0} s in vain for {what}", deadline.as_secs_f64());
        }
        sleep(PAUSE).await;
    }
}

/// Asks until the answer is yes.
///
/// # Errors
/// As [`until`].
pub async fn until_true(what: &str, deadline: Duration, mut ask: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    until(what, deadline, async || Ok(ask().await?.then_some(()))).await
}
