//! A few before the live wall while visits come in: everybody is told everything once.

use ostiary_e2e::viewers::{self, ViewersArgs};

#[tokio::test(flavor = "multi_thread")]
async fn everybody_before_the_wall_is_told_everything_once() {
    let args = ViewersArgs { viewers: 20, rate: 100, doors: 2, seconds: 4, json: false };
    let report = viewers::run(&args).await.expect("nobody misses anything");
    assert!(report.events > 50 && report.told == report.events * 20, "{report}");
    println!("{report}");
}
