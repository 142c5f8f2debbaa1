//! `[telemetry]`: who is told of the program's own errors.

use serde::{Deserialize, Serialize};

use super::{ConfigError, not_allowed};

/// Who is told of the program's own errors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// The DSN of a collector that speaks Sentry's protocol; empty: nobody is told.
    pub sentry_dsn: String,
}

impl TelemetryConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.sentry_dsn.is_empty() || self.sentry_dsn.parse::<sentry::types::Dsn>().is_ok() {
            return Ok(());
        }
        // What stands there may hold a secret, and is not repeated.
        Err(not_allowed("telemetry.sentry_dsn", "(hidden)", "must be a DSN as in https://key@sentry.example/1"))
    }
}
