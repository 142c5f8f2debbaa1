//! Keys of `age`: who can open a backup, and what opens one. Files are as the program `age` writes and reads them.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use age::secrecy::{ExposeSecret, SecretString};
use age::{scrypt, x25519};

use super::BackupError;
use crate::identity::files::write_secret;

/// Who can open a backup.
pub struct Recipients(Vec<Box<dyn age::Recipient + Send>>);

/// What opens a backup.
pub struct Openers(Vec<Box<dyn age::Identity + Send>>);

impl Recipients {
    /// Public keys, `age1…`.
    ///
    /// # Errors
    /// [`BackupError::Key`].
    pub fn keys(keys: &[String]) -> Result<Self, BackupError> {
        let read = |key: &String| match x25519::Recipient::from_str(key.trim()) {
            Ok(key) => Ok(Box::new(key) as Box<dyn age::Recipient + Send>),
            Err(why) => Err(BackupError::Key(format!("`{key}` is no public key of age (age1…): {why}"))),
        };
        let keys = keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(BackupError::Key("say who can open the backup: a public key of age, or a passphrase".into()));
        }
        Ok(Self(keys))
    }

    /// Whoever knows the words in a file's first line.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn passphrase(file: &Path) -> Result<Self, BackupError> {
        Ok(Self(vec![Box::new(scrypt::Recipient::new(passphrase(file)?))]))
    }

    pub(super) fn encryptor(&self) -> Result<age::Encryptor, BackupError> {
        let recipients = self.0.iter().map(|recipient| &**recipient as &dyn age::Recipient);
        age::Encryptor::with_recipients(recipients).map_err(|error| BackupError::Key(error.to_string()))
    }
}

impl Openers {
    /// The secret keys in a file, `AGE-SECRET-KEY-1…`; other lines begin with `#`.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn file(file: &Path) -> Result<Self, BackupError> {
        let text = fs::read_to_string(file).map_err(BackupError::file("reading the key"))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read = |line: &str| match x25519::Identity::from_str(line) {
            Ok(key) => Ok(Box::new(key) as Box<dyn age::Identity + Send>),
            Err(why) => Err(BackupError::Key(format!("{} holds no secret key of age: {why}", file.display()))),
        };
        let keys = lines.map(read).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(BackupError::Key(format!("there is no key in {}", file.display())));
        }
        Ok(Self(keys))
    }

    /// The words in a file's first line.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn passphrase(file: &Path) -> Result<Self, BackupError> {
        Ok(Self(vec![Box::new(scrypt::Identity::new(passphrase(file)?))]))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|key| &**key as &dyn age::Identity)
    }
}

/// Makes a key: the secret half into a new file for its owner only, the public half is returned.
///
/// # Errors
/// [`BackupError`].
pub fn make(file: &Path) -> Result<String, BackupError> {
    if file.exists() {
        return Err(BackupError::Key(format!("{} is there already", file.display())));
    }
    let key = x25519::Identity::generate();
    let public = key.to_public().to_string();
    let text = format!("# public key: {public}\n{}\n", key.to_string().expose_secret());
    write_secret(file, &text).map_err(|error| BackupError::Key(error.to_string()))?;
    Ok(public)
}

fn passphrase(file: &Path) -> Result<SecretString, BackupError> {
    let text = fs::read_to_string(file).map_err(BackupError::file("reading the passphrase"))?;
    let words = text.lines().next().unwrap_or_default().trim();
    if words.chars().count() < 15 {
        return Err(BackupError::Key("a backup's passphrase has at least 15 characters".into()));
    }
    Ok(SecretString::from(words.to_owned()))
}
