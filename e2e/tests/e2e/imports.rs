//! Imports under a server that is killed.

use std::time::Duration;

use anyhow::Result;
use ostiary_e2e::imports::kills;
use ostiary_e2e::stage::{Stage, scenario};

#[tokio::test(flavor = "multi_thread")]
async fn every_photo_of_an_import_ends_once_though_the_server_is_killed() {
    scenario("killed during an import", few).await;
}

async fn few(stage: &Stage) -> Result<()> {
    kills::run(stage, 40, 4, Duration::from_secs(4)).await
}

/// The long form: `cargo test --workspace --test e2e -- --ignored killed_a_hundred_times`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes most of an hour"]
async fn killed_a_hundred_times_during_an_import_of_two_thousand() {
    scenario("killed a hundred times during an import", many).await;
}

async fn many(stage: &Stage) -> Result<()> {
    kills::run(stage, 2_000, 100, Duration::from_secs(10)).await
}
