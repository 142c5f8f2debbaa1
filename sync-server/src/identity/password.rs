//! Passwords: Argon2id with 19 MiB and 2 passes, off the async threads, few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::Rng;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// How many hashes run at once: each takes 19 MiB and a core, so a flood of logins must queue.
const AT_ONCE: usize = 2;
/// The shortest password accepted, in characters (NIST SP 800-63B asks for 8, and 15 where nothing else guards).
pub const MIN_PASSWORD_CHARS: usize = 10;
/// The longest, so that hashing a book is not a way to keep the server busy.
pub const MAX_PASSWORD_CHARS: usize = 256;

/// A password, wiped when dropped and never printed.
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password as typed.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether it may be set.
    ///
    /// # Errors
    /// [`WeakPassword`] with what is asked for.
    pub fn acceptable(&self) -> Result<(), WeakPassword> {
        match self.0.chars().count() {
            MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS => Ok(()),
            found => Err(WeakPassword { found }),
        }
    }
}

/// A password that may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters, this one has {found}")]
pub struct WeakPassword {
    /// Its length.
    pub found: usize,
}

/// Hashing failed, which means a broken stored hash or no memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashFailed(String);

/// Hashes and checks passwords.
pub struct Passwords {
    slots: Arc<Semaphore>,
    /// Checked against when there is no such account, so that the answer takes as long.
    nobody: String,
}

impl Passwords {
    /// Ready to hash.
    ///
    /// # Errors
    /// [`HashFailed`] if the machine cannot hash at all.
    pub fn new() -> Result<Self, HashFailed> {
        let nobody = hash(&Password::new(hex::encode(rand::rng().random::<[u8; 16]>())))?;
        Ok(Self { slots: Arc::new(Semaphore::new(AT_ONCE)), nobody })
    }

    /// Hashes a password, PHC form.
    ///
    /// # Errors
    /// [`HashFailed`].
    pub async fn hash(&self, password: Password) -> Result<String, HashFailed> {
        self.queued(move || hash(&password)).await
    }

    /// Whether the password is the account's; `None` for an account that does not exist, which costs the same.
    ///
    /// # Errors
    /// [`HashFailed`].
    pub async fn check(&self, password: Password, stored: Option<String>) -> Result<bool, HashFailed> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let fits = self.queued(move || check(&password, &stored)).await?;
        Ok(fits && exists)
    }

    async fn queued<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashFailed> + Send + 'static,
    ) -> Result<T, HashFailed> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(failed)?;
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        })
        .await
        .map_err(failed)?
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &Password) -> Result<String, HashFailed> {
    let salt = SaltString::encode_b64(&rand::rng().random::<[u8; 16]>()).map_err(failed)?;
    argon2().hash_password(password.0.as_bytes(), &salt).map(|hash| hash.to_string()).map_err(failed)
}

fn check(password: &Password, stored: &str) -> Result<bool, HashFailed> {
    let stored = PasswordHash::new(stored).map_err(failed)?;
    match argon2().verify_password(password.0.as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(e) => Err(failed(e)),
    }
}

fn failed(error: impl ToString) -> HashFailed {
    HashFailed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn checks_passwords() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash(Password::new("correct horse".into())).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let check = async |text: &str, stored: Option<&str>| {
            passwords.check(Password::new(text.into()), stored.map(str::to_owned)).await
        };
        assert_eq!(check("correct horse", Some(&stored)).await, Ok(true));
        assert_eq!(check("wrong horse", Some(&stored)).await, Ok(false));
        assert_eq!(check("correct horse", None).await, Ok(false));
        assert!(check("correct horse", Some("not a hash")).await.is_err());
    }

    #[test]
    fn refuses_short_and_endless_passwords() {
        let check = |chars: usize| Password::new("x".repeat(chars)).acceptable();
        assert_eq!(check(9), Err(WeakPassword { found: 9 }));
        assert_eq!(check(10), Ok(()));
        assert_eq!(check(256), Ok(()));
        assert_eq!(check(257), Err(WeakPassword { found: 257 }));
    }
}
