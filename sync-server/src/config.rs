//! Configuration: defaults, then the TOML file, then `OSTIARY_SERVER_<SECTION>__<KEY>` from the environment,
//! then flags. One section per file, each with its defaults and its check.

mod accounts;
mod audit;
mod backup;
mod broker;
mod cluster;
mod http;
mod identity;
mod jobs;
mod limits;
mod log;
mod mail;
mod models;
mod notify;
mod server;
mod store;
mod telemetry;

pub use accounts::AccountsConfig;
pub use audit::AuditConfig;
pub use backup::BackupConfig;
pub use broker::{BrokerConfig, BrokerMode};
pub use cluster::ClusterConfig;
pub use http::{CorsOrigin, ForwardedHeader, HttpConfig};
pub use identity::IdentityConfig;
pub use jobs::JobsConfig;
pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat};
pub use mail::{MailConfig, MailTls};
pub use models::ModelsConfig;
pub use notify::NotifyConfig;
pub use server::ServerConfig;
pub use store::{MASTER_KEY_ENV, MasterKeyPlace, NEXT_MASTER_KEY_ENV, StoreConfig};
pub use telemetry::TelemetryConfig;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

/// Prefix of environment variables; `__` stands between section and key.
pub const ENV_PREFIX: &str = "OSTIARY_SERVER_";

/// The defaults as `generate-config` prints them. A test holds them equal to [`Config::default`].
pub const COMMENTED_DEFAULTS: &str = include_str!("config/defaults.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it lives and listens.
    pub server: ServerConfig,
    /// Browsers and proxies.
    pub http: HttpConfig,
    /// The MQTT broker.
    pub broker: BrokerConfig,
    /// The database.
    pub store: StoreConfig,
    /// The model pack.
    pub models: ModelsConfig,
    /// Tokens and codes.
    pub identity: IdentityConfig,
    /// How people and programs come in.
    pub accounts: AccountsConfig,
    /// Messages to people.
    pub mail: MailConfig,
    /// Where notices may be sent.
    pub notify: NotifyConfig,
    /// Who is told of errors.
    pub telemetry: TelemetryConfig,
    /// Work that goes on after the answer.
    pub jobs: JobsConfig,
    /// Several servers over one database.
    pub cluster: ClusterConfig,
    /// How much may be asked.
    pub limits: LimitsConfig,
    /// Nightly backups.
    pub backup: BackupConfig,
    /// Who did what.
    pub audit: AuditConfig,
    /// Logging.
    pub log: LogConfig,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file was named and is not there.
    #[error("there is no configuration file {}", .0.display())]
    NoFile(PathBuf),
    /// The file or an environment variable does not fit.
    #[error("{0}")]
    Unreadable(String),
    /// A value that may not be.
    #[error("{key} = {value}: {allowed}")]
    NotAllowed {
        /// Section and key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

impl Config {
    /// Reads and checks the configuration. Relative paths in it are taken from the working directory.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key, the value and what is allowed.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment.merge(Env::prefixed(ENV_PREFIX).split("__")).extract().map_err(|e| explain(&e))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every section.
    ///
    /// # Errors
    /// The first value that may not be.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.server.validate()?;
        self.http.validate()?;
        self.broker.validate()?;
        self.store.validate()?;
        self.cluster.validate(&self.store, self.broker.mode)?;
        self.models.validate()?;
        self.identity.validate()?;
        self.accounts.validate()?;
        self.mail.validate()?;
        self.notify.validate()?;
        self.telemetry.validate()?;
        self.jobs.validate()?;
        self.backup.validate()?;
        self.limits.validate()?;
        self.audit.validate()?;
        self.log.validate()
    }
}

/// One line per fault: the key, what is wrong, where it was set.
fn explain(errors: &figment::Error) -> ConfigError {
    let lines = errors.clone().into_iter().map(|error| {
        let key = error.path.join(".");
        let from = error.metadata.as_ref().map(|m| m.name.to_string()).unwrap_or_default();
        let source = error.metadata.as_ref().and_then(|m| m.source.as_ref()).map(|s| format!(" {s}"));
        // The library quotes lists of variants twice.
        let kind = error.kind.to_string().replace("``", "`");
        format!("{key}: {kind} (in {from}{})", source.unwrap_or_default())
    });
    ConfigError::Unreadable(lines.collect::<Vec<_>>().join("\n"))
}

/// The error for a value outside its range.
fn not_allowed(key: &'static str, value: impl ToString, allowed: &'static str) -> ConfigError {
    ConfigError::NotAllowed { key, value: value.to_string(), allowed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str, expected: Result<(), &str>) {
        let read: Result<Config, _> =
            Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(toml)).extract();
        let found = read.map_err(|e| explain(&e)).and_then(|config| config.validate());
        match (found.map_err(|e| e.to_string()), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(words)) => assert!(error.contains(words), "`{error}` does not say `{words}`"),
            (found, expected) => panic!("{toml}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn printed_defaults_are_the_defaults() {
        let printed: Config = toml::from_str(COMMENTED_DEFAULTS).unwrap();
        assert_eq!(printed, Config::default());
        printed.validate().unwrap();
    }

    #[test]
    fn says_what_is_wrong() {
        check("", Ok(()));
        check("[server]\nlisten = \"0.0.0.0:0\"", Ok(()));
        check("[server]\nlisten = \"nowhere\"", Err("server.listen"));
        check("[server]\nlissten = \"0.0.0.0:1\"", Err("lissten"));
        check("[server]\npublic_names = [\"https://x\"]", Err("server.public_names"));
        check("[http]\ntrusted_proxies = [\"10.0.0.0/8\"]\ncors = [{ origin = \"https://x.example\" }]", Ok(()));
        check("[http]\ntrusted_proxies = [\"10.0.0.300\"]", Err("http.trusted_proxies"));
        check("[http]\ntrusted_proxies = [\"0.0.0.0/0\"]", Err("http.trusted_proxies"));
        check("[http]\ncors = [{ origin = \"*\" }]", Err("http.cors"));
        check("[http]\nforwarded_header = \"via\"", Err("http.forwarded_header"));
        check("[http]\nkey_file = \"x\"", Err("http.key_file"));
        check("[broker]\nmode = \"none\"", Err("broker.mode"));
        check("[broker]\nmode = \"external\"", Err("broker.external_url"));
        check("[store]\nurl = \"mysql://x\"", Err("store.url"));
        check("[store]\nurl = \"postgres://doors@db/doors\"", Ok(()));
        check("[store]\nmax_connections = 1", Err("store.max_connections"));
        check("[cluster]\nenabled = true", Err("store.url"));
        check("[cluster]\nenabled = true\n[store]\nurl = \"postgres://d@db/d\"", Err("broker.mode"));
        check("[identity]\ndevice_token_minutes = 1", Err("identity.device_token_minutes"));
        check("[identity]\naccess_token_minutes = 10000", Err("identity.access_token_minutes"));
        check("[accounts]\nhash_memory_mib = 18", Err("accounts.hash_memory_mib"));
        check("[accounts]\nhash_passes = 1", Err("accounts.hash_passes"));
        check("[accounts]\npublic_url = \"http://x\"", Err("accounts.public_url"));
        check("[accounts]\npublic_url = \"https://doors.example\"", Ok(()));
        check("[mail]\nsmtp_host = \"mail.example\"", Err("mail.from"));
        check("[mail]\nsmtp_host = \"mail.example\"\nfrom = \"o@x.example\"\ntls = \"none\"", Err("mail.tls"));
        check("[mail]\nsmtp_host = \"127.0.0.1\"\nfrom = \"o@x.example\"\ntls = \"none\"", Ok(()));
        check("[mail]\nsmtp_host = \"m.example\"\nfrom = \"o@x.example\"\nusername = \"o\"", Err("mail.password_file"));
        check("[notify]\nwebhook_networks = [\"10.0.0.0/8\"]", Ok(()));
        check("[notify]\nwebhook_networks = [\"0.0.0.0/0\"]", Err("notify.webhook_networks"));
        check("[notify]\npush_contact = \"me@example.org\"", Err("notify.push_contact"));
        check("[telemetry]\nsentry_dsn = \"https://key@sentry.example/1\"", Ok(()));
        check("[telemetry]\nsentry_dsn = \"sentry.example\"", Err("telemetry.sentry_dsn"));
        check("[limits]\nlogins_per_minute = 0", Err("limits.logins_per_minute"));
        check("[limits]\nphoto_max_megabytes = 1000", Err("limits.photo_max_megabytes"));
        check("[backup]\ndir = \"/x\"", Err("backup.recipients"));
        check("[backup]\nat = \"25:00\"", Err("backup.at"));
        check("[jobs]\nkeep_days = 0", Err("jobs.keep_days"));
        check("[models]\ntemplates_per_angle = 0", Err("models.templates_per_angle"));
        check("[models]\nengines = 0", Err("models.engines"));
        check("[log]\ntraces_url = \"collector:4318\"", Err("log.traces_url"));
        check("[log]\ntraces_share = 2.0", Err("log.traces_share"));
        check("[log]\nformat = \"xml\"", Err("log.format"));
        check("[log]\nlevel = \"ostiary=[\"", Err("log.level"));
    }
}
