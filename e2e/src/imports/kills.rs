//! A server killed at random during an import: every photo ends exactly once.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::Rng;

use super::{archive, exactly_once, over, photos, send};
use crate::server::Server;
use crate::stage::Stage;

/// Imports `count` photos and kills the server `kills` times meanwhile, each time after up to `within`.
///
/// # Errors
/// If a photo was lost or taken twice.
pub async fn run(stage: &Stage, count: usize, kills: u32, within: Duration) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let job = send(&server.api, archive(&photos(count)?, true)?).await?;
    for n in 0..kills {
        let pause = within.mul_f64(rand::rng().random_range(0.0..1.0));
        tokio::time::sleep(pause).await;
        server.kill().with_context(|| format!("kill {n}"))?;
        server.restart().await.with_context(|| format!("start after kill {n}"))?;
    }
    over(&server.api, &job, Duration::from_secs(30 + count as u64 * 4)).await?;
    exactly_once(&server.api, &job, count as u64).await
}
