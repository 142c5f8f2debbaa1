//! The Prometheus recorder: one per process, since the `metrics` macros know one.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Seconds; from a fast query to a photo of fifty megapixels.
const BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// The handle that renders all metrics; the recorder is installed by the first call.
pub fn handle() -> Result<PrometheusHandle> {
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS_S).context("metric buckets")?.build_recorder();
    let handle = recorder.handle();
    // Somebody else may have been first, which only a test with several servers does; theirs is then used.
    if metrics::set_global_recorder(recorder).is_ok() {
        metrics::gauge!("ostiary_server_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let _ = HANDLE.set(handle.clone());
    }
    Ok(HANDLE.get().cloned().unwrap_or(handle))
}
