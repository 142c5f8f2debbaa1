//! `migrate`: bring the database up to date.

use anyhow::Result;

use crate::app::Foundation;
use crate::app::SystemClock;
use crate::config::Config;

/// Opens everything, which migrates, and closes it.
pub async fn run(config: &Config) -> Result<()> {
    let foundation = Foundation::open(config, &SystemClock).await?;
    foundation.store.close().await;
    println!("{} is up to date", config.store.sqlite_path(&config.server.data_dir).display());
    Ok(())
}
