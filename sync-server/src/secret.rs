//! Secrets of clients that are not devices.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

const SECRET_BYTES: usize = 24;
/// The most characters a password file may hold.
const MAX_CHARS: usize = 256;

/// A password; wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a password as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A new password of 192 random bits.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn generate() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        OsRng.try_fill_bytes(bytes.as_mut()).map_err(io::Error::other)?;
        Ok(Self::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// The password in `path`, made now (readable by its owner only) if there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read or made, or holds no usable password.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> io::Result<Self> {
        let text = text.trim_end_matches(['\r', '\n']);
        let usable = !text.is_empty() && text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control);
        usable.then(|| Self::new(text)).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("expected one line of 1 to {MAX_CHARS} characters"))
        })
    }

    fn create(path: &Path) -> io::Result<Self> {
        let secret = Self::generate()?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", secret.expose())?;
        file.sync_all()?;
        Ok(secret)
    }

    /// The password itself, to log in with.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this password, in time that does not depend on where they differ.
    pub fn matches(&self, presented: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), presented).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn is_made_once_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("monitor.password");
        let made = Secret::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Secret::load_or_create(&path).unwrap().matches(made.expose().as_bytes()));
        assert!(!made.matches(b"guess") && !made.matches(b""));
        assert_eq!(format!("{made:?}"), "Secret(…)");
    }

    #[test]
    fn an_empty_file_is_not_a_password() {
        let dir = tempfile::tempdir().unwrap();
        for bad in ["", "\n", "a\nb\n"] {
            let path = dir.path().join("p");
            fs::write(&path, bad).unwrap();
            assert_eq!(Secret::load_or_create(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{bad:?}");
        }
    }
}
