//! A server killed at random during an import: every photo ends exactly once.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::Rng;

use super::{archive, exactly_once, over, photos, send};
use crate::server::Server;
use crate::stage::Stage;

/// Imports `count` photos and kills the server meanwhile, each time after up to `within`, `kills` times or until the import
/// is over; says how often it did.
///
/// # Errors
/// If a photo was lost or taken twice.
pub async fn run(stage: &Stage, count: usize, kills: u32, within: Duration) -> Result<u32> {
    let mut server = Server::start(stage).await?;
    let job = send(&server.api, archive(&photos(count)?, true)?).await?;
    let mut killed = 0;
    while killed < kills {
        let pause = within.mul_f64(rand::rng().random_range(0.0..1.0));
        tokio::time::sleep(pause).await;
        let found = server.api.get(&format!("/api/v1/jobs/{job}")).await?;
        if found["state"] == "done" {
            break;
        }
        killed += 1;
        println!("kill {killed}: {} done, {} refused of {}", found["done"], found["refused"], found["items"]);
        server.kill().with_context(|| format!("kill {killed}"))?;
        server.restart().await.with_context(|| format!("start after kill {killed}"))?;
    }
    over(&server.api, &job, Duration::from_secs(30 + count as u64 * 4)).await?;
    exactly_once(&server.api, &job, count as u64).await?;
    Ok(killed)
}
