//! `[log]`: what is logged, and how.

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::{ConfigError, not_allowed};

/// Libraries that would repeat what our own lines say, or fill the log at a stranger's wish: the broker tells of
/// every refused connect (ours stand in the audit log), TLS of every client that is not quite right. A filter in
/// `log.level` that names them wins.
const QUIET: &str = "rmqtt=warn,rmqtt_net=warn,rustls=error,tract=warn,sqlx=warn";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Logging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A level or a filter.
    pub level: String,
    /// Text or JSON.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl LogConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let allowed = "must be error, warn, info, debug, trace, or a filter such as `info,ostiary_server=debug`";
        self.filter().map(|_| ()).map_err(|_| not_allowed("log.level", &self.level, allowed))
    }

    /// The filter.
    ///
    /// # Errors
    /// If [`LogConfig::level`] is none; ruled out by [`super::Config::validate`].
    pub fn filter(&self) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
        EnvFilter::builder().parse(format!("{QUIET},{}", self.level))
    }
}
