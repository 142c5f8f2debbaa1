//! The storm in short: programs killed, frozen and held up at random under made-up visits. The long one, with links,
//! disks and clocks as well, is `cargo xtask faults kill`.

use anyhow::{Result, ensure};
use ostiary_e2e::faults::{self, Broker, Equipment, Options};
use ostiary_e2e::mosquitto;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_with_the_broker_inside() {
    storm(Broker::Embedded).await.expect("every promise is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_with_a_broker_outside() {
    if mosquitto::is_there() {
        storm(Broker::External).await.expect("every promise is kept");
    }
}

async fn storm(broker: Broker) -> Result<()> {
    let with = Equipment { network: false, volumes: false, clocks: false };
    // Another storm each time; the seed is told, and plays the same faults again.
    let seed = u64::from(std::process::id());
    let options =
        Options { seed, events: 400, kills: 10, seconds: 15, drills: 3, cameras: 0, broker, with, keep: false };
    let verdict = faults::run(&options).await?;
    eprintln!("{}", faults::report(&verdict)?);
    ensure!(verdict.is_clean(), "seed {seed}: {verdict:?}");
    Ok(())
}
