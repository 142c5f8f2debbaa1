//! A small fleet over the real broker: everybody connects, everything is stored once, everybody comes back.

use ostiary_e2e::fleet::{self, FleetArgs};

/// As large as a machine of the continuous integration bears beside other tests.
const DEVICES: u32 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_loses_and_doubles_nothing_and_comes_back_after_a_kill() {
    let args = FleetArgs {
        devices: DEVICES,
        seconds: 5,
        rates: vec![200.0],
        burst: 5,
        backlog: 20,
        raw_rows: 1_000,
        json: false,
    };
    let report = fleet::run(&args).await.expect("the campaign runs to its end");
    assert_eq!(report.connected, DEVICES as usize, "{report}");
    assert_eq!((report.lost, report.doubled, report.wrong_galleries), (0, 0, 0), "{report}");
    assert!(report.events > u64::from(DEVICES) * 20, "{report}");
}
