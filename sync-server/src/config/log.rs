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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A level or a filter.
    pub level: String,
    /// Text or JSON.
    pub format: LogFormat,
    /// A collector of traces, OTLP over HTTP; empty for none.
    pub traces_url: String,
    /// The share of traces it is told of, 0 to 1.
    pub traces_share: f64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text, traces_url: String::new(), traces_share: 1.0 }
    }
}

impl LogConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let allowed = "must be error, warn, info, debug, trace, or a filter such as `info,ostiary_server=debug`";
        if !self.traces_url.is_empty() && !is_http(&self.traces_url) {
            return Err(not_allowed("log.traces_url", &self.traces_url, "must be http(s)://host:port/v1/traces"));
        }
        if !(0.0..=1.0).contains(&self.traces_share) {
            return Err(not_allowed("log.traces_share", self.traces_share, "must be 0 to 1"));
        }
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

/// Without a password, which the log would show.
fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', ' ']))
}
