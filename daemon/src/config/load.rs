//! Reading the configuration from file and environment.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};

use super::{Config, Problem};

/// Where the configuration file lies if `--config` does not say.
pub const DEFAULT_PATH: &str = "/etc/ostiary/ostiaryd.toml";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named by `--config` is not there.
    #[error("configuration file {0} does not exist; `ostiaryd generate-config` prints one to start from")]
    Missing(PathBuf),
    /// Not TOML, an unknown key, or a value of the wrong type.
    #[error("configuration: {0}")]
    Unreadable(String),
    /// Values that are not allowed.
    #[error("configuration:\n{}", .0.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Problem>),
}

/// Reads defaults, then the file, then the environment. Without `path`, [`DEFAULT_PATH`] is read if it is there.
///
/// # Errors
/// [`ConfigError`] names the key, the value and what is allowed.
pub fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
    if let Some(missing) = path.filter(|path| !path.is_file()) {
        return Err(ConfigError::Missing(missing.to_owned()));
    }
    let defaults = Figment::from(Serialized::defaults(Config::default()));
    let file = path.or_else(|| Some(Path::new(DEFAULT_PATH)).filter(|path| path.is_file()));
    let mut config: Config = file
        .map_or_else(|| defaults.clone(), |file| defaults.clone().merge(Toml::file_exact(file)))
        .merge(Env::prefixed("OSTIARYD_").ignore(&["config"]).split("__"))
        .extract()
        .map_err(|error| ConfigError::Unreadable(error.to_string()))?;
    config.origin = file.map(Path::to_owned);
    let problems = config.problems();
    if problems.is_empty() { Ok(config) } else { Err(ConfigError::Refused(problems)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ostiaryd.toml");
        std::fs::write(&path, text).unwrap();
        let said = load(Some(&path)).map_or_else(|error| error.to_string(), |config| format!("{config:?}"));
        assert!(said.contains(expected), "`{text}` gave: {said}");
    }

    #[test]
    fn files() {
        check("", "state_dir: \"/var/lib/ostiaryd\"");
        check("[camera]\nwidth = 1280", "width: 1280");
        check("[camera]\nwidth = 10", "camera.width = 10: allowed is 64 to 4096 pixels");
        check("[camera]\nwidht = 1280", "widht");
        check("[camera]\nwidth = \"wide\"", "camera.width");
        check("[replay]\nspeed = \"fast\"", "replay.speed");
        check("[camera", "configuration");
        assert!(matches!(load(Some(Path::new("/nowhere.toml"))), Err(ConfigError::Missing(_))));
    }
}
