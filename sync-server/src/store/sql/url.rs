//! Where the store is.

use std::fmt::{self, Debug, Display, Formatter};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;

use super::engine::{Engine, Purpose};
use crate::ports::StoreError;

/// Where the store is: a file, or a PostgreSQL database. Shown without user, password and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Location);

#[derive(Clone, PartialEq, Eq)]
enum Location {
    File(PathBuf),
    /// `postgres://user:password@host:port/database?sslmode=…`, or with `host=/run/postgresql` for a socket.
    Server(String),
}

/// It is neither `sqlite:<path>` nor `postgres://…`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a store is sqlite:<path> or postgres://<user>@<host>/<database>")]
pub struct NoStoreUrl;

impl StoreUrl {
    /// A SQLite file.
    pub fn sqlite(path: &Path) -> Self {
        Self(Location::File(path.to_owned()))
    }

    /// Reads `sqlite:<path>` or `postgres://…`.
    ///
    /// # Errors
    /// [`NoStoreUrl`], which does not repeat the text: it may hold a password.
    pub fn parse(text: &str) -> Result<Self, NoStoreUrl> {
        if let Some(path) = text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
            return if path.is_empty() { Err(NoStoreUrl) } else { Ok(Self::sqlite(Path::new(path))) };
        }
        let is_server = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        let url = Self(Location::Server(text.to_owned()));
        if is_server && AnyConnectOptions::from_str(text).is_ok() { Ok(url) } else { Err(NoStoreUrl) }
    }

    /// Which database it is.
    pub const fn engine(&self) -> Engine {
        match self.0 {
            Location::File(_) => Engine::Sqlite,
            Location::Server(_) => Engine::Postgres,
        }
    }

    /// The SQLite file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Location::File(path) => Some(path),
            Location::Server(_) => None,
        }
    }

    pub(super) fn connect_options(&self, purpose: Purpose) -> Result<AnyConnectOptions, StoreError> {
        let text = match (&self.0, purpose) {
            (Location::File(path), Purpose::Read) => format!("sqlite:{}?mode=ro", escaped(path)),
            (Location::File(path), Purpose::Write) => format!("sqlite:{}?mode=rwc", escaped(path)),
            (Location::Server(url), _) => url.clone(),
        };
        Ok(AnyConnectOptions::from_str(&text)?)
    }
}

/// A path as it stands in a URL.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

impl Display for StoreUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::File(path) => write!(f, "{}", path.display()),
            Location::Server(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let shown = rest.split('?').next().unwrap_or_default();
                write!(f, "postgres://{}", shown.rsplit_once('@').map_or(shown, |(_, shown)| shown))
            }
        }
    }
}

impl Debug for StoreUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_and_shown_without_secrets() {
        let check = |text: &str, expected: Result<(Engine, &str), NoStoreUrl>| {
            let found = StoreUrl::parse(text).map(|url| (url.engine(), url.to_string()));
            assert_eq!(found, expected.map(|(engine, shown)| (engine, shown.to_owned())), "{text}");
        };
        check("sqlite:/var/lib/x.sqlite", Ok((Engine::Sqlite, "/var/lib/x.sqlite")));
        check("sqlite:///var/lib/x.sqlite", Ok((Engine::Sqlite, "/var/lib/x.sqlite")));
        check("sqlite:", Err(NoStoreUrl));
        check("postgres://u:p%40ss@db:5433/doors?password=x", Ok((Engine::Postgres, "postgres://db:5433/doors")));
        check("postgresql://db/doors", Ok((Engine::Postgres, "postgres://db/doors")));
        check("postgres://[", Err(NoStoreUrl));
        check("mysql://db/doors", Err(NoStoreUrl));
        let url = StoreUrl::parse("postgres://u:secret@db/doors").unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[test]
    fn a_path_is_kept_whatever_it_holds() {
        assert_eq!(escaped(Path::new("/srv/our doors/50%?#.sqlite")), "/srv/our%20doors/50%25%3F%23.sqlite");
    }
}
