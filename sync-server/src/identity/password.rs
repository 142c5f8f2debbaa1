//! Passwords: Argon2id, off the async threads, few at a time. What may be set is in [`rules`].

mod cost;
pub mod rules;

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use rand::Rng;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use cost::{HashCost, MIN_MEMORY_MIB, MIN_PASSES};
pub use rules::{Guard, MAX_PASSWORD_CHARS, WeakPassword};

/// A password in Unicode's NFKC, so that it is the same from every keyboard; wiped when dropped and never printed.
#[derive(Clone)]
pub struct Password {
    normal: Zeroizing<String>,
    /// As typed, where that is something else: hashes of before normalisation were made of it.
    typed: Option<Zeroizing<String>>,
}

impl Password {
    /// Takes a password as typed.
    pub fn new(text: impl Into<String>) -> Self {
        let typed = Zeroizing::new(text.into());
        let normal = Zeroizing::new(typed.nfkc().collect::<String>());
        let differs = *normal != *typed;
        Self { normal, typed: differs.then_some(typed) }
    }

    fn chars(&self) -> usize {
        self.normal.chars().count()
    }

    fn expose(&self) -> &str {
        &self.normal
    }
}

/// Hashing failed, which means a broken stored hash or no memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashFailed(String);

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is another password, or there is no such account.
    Wrong,
    /// It is the password.
    Right {
        /// The hash to store from now on, where the parameters have been changed.
        rehashed: Option<String>,
    },
}

/// Hashes and checks passwords.
pub struct Passwords {
    cost: HashCost,
    slots: Arc<Semaphore>,
    /// Checked against when there is no such account, so that the answer takes as long.
    nobody: String,
}

impl Passwords {
    /// Ready to hash.
    ///
    /// # Errors
    /// [`HashFailed`] if the machine cannot hash at all.
    pub fn new(cost: HashCost) -> Result<Self, HashFailed> {
        let nobody = hash(cost, &Password::new(hex::encode(rand::rng().random::<[u8; 16]>())))?;
        let at_once = usize::try_from(cost.at_once.max(1)).unwrap_or(1);
        Ok(Self { cost, slots: Arc::new(Semaphore::new(at_once)), nobody })
    }

    /// Hashes a password, PHC form.
    ///
    /// # Errors
    /// [`HashFailed`].
    pub async fn hash(&self, password: Password) -> Result<String, HashFailed> {
        let cost = self.cost;
        self.queued(move || hash(cost, &password)).await
    }

    /// Whether the password is the account's; `None` for an account that does not exist, which costs the same.
    ///
    /// # Errors
    /// [`HashFailed`].
    pub async fn check(&self, password: Password, stored: Option<String>) -> Result<Checked, HashFailed> {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.clone());
        let cost = self.cost;
        let checked = self.queued(move || check(cost, &password, &stored)).await?;
        Ok(if exists { checked } else { Checked::Wrong })
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

fn hash(cost: HashCost, password: &Password) -> Result<String, HashFailed> {
    let salt = SaltString::encode_b64(&rand::rng().random::<[u8; 16]>()).map_err(failed)?;
    cost.argon2().hash_password(password.expose().as_bytes(), &salt).map(|hash| hash.to_string()).map_err(failed)
}

fn check(cost: HashCost, password: &Password, stored: &str) -> Result<Checked, HashFailed> {
    let stored = PasswordHash::new(stored).map_err(failed)?;
    let normal = fits(cost, password.expose(), &stored)?;
    let as_typed =
        !normal && password.typed.as_ref().is_some_and(|typed| matches!(fits(cost, typed, &stored), Ok(true)));
    if !normal && !as_typed {
        return Ok(Checked::Wrong);
    }
    let outdated = as_typed || cost.differs_from(&stored);
    Ok(Checked::Right { rehashed: outdated.then(|| hash(cost, password)).transpose()? })
}

/// Checks with the parameters that stand in the hash.
fn fits(cost: HashCost, text: &str, stored: &PasswordHash<'_>) -> Result<bool, HashFailed> {
    match cost.argon2().verify_password(text.as_bytes(), stored) {
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

    const RIGHT: Checked = Checked::Right { rehashed: None };

    #[tokio::test]
    async fn checks_passwords() {
        let passwords = Passwords::new(HashCost::default()).unwrap();
        let stored = passwords.hash(Password::new("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let check = async |text: &str, stored: Option<&str>| {
            passwords.check(Password::new(text), stored.map(str::to_owned)).await
        };
        assert_eq!(check("correct horse", Some(&stored)).await, Ok(RIGHT));
        assert_eq!(check("wrong horse", Some(&stored)).await, Ok(Checked::Wrong));
        assert_eq!(check("correct horse", None).await, Ok(Checked::Wrong));
        assert!(check("correct horse", Some("not a hash")).await.is_err());
    }

    #[tokio::test]
    async fn is_the_same_from_every_keyboard() {
        let passwords = Passwords::new(HashCost::default()).unwrap();
        let stored = passwords.hash(Password::new("caf\u{e9} am Fluss")).await.unwrap();
        assert_eq!(passwords.check(Password::new("cafe\u{301} am Fluss"), Some(stored)).await, Ok(RIGHT));
        let decomposed = Password { normal: Zeroizing::new("cafe\u{301}".into()), typed: None };
        let before = hash(HashCost::default(), &decomposed).unwrap();
        let checked = passwords.check(Password::new("cafe\u{301}"), Some(before)).await.unwrap();
        assert!(matches!(checked, Checked::Right { rehashed: Some(_) }), "a hash from before normalisation");
    }

    #[tokio::test]
    async fn raised_parameters_take_hold_when_the_password_is_next_known() {
        let old = Passwords::new(HashCost::default()).unwrap();
        let stored = old.hash(Password::new("correct horse")).await.unwrap();
        let raised = Passwords::new(HashCost { memory_mib: 20, passes: 3, ..HashCost::default() }).unwrap();
        let checked = raised.check(Password::new("correct horse"), Some(stored.clone())).await.unwrap();
        let Checked::Right { rehashed: Some(anew) } = checked else { panic!("{checked:?}") };
        assert!(anew.starts_with("$argon2id$v=19$m=20480,t=3,p=1$"), "{anew}");
        assert_eq!(raised.check(Password::new("correct horse"), Some(anew)).await, Ok(RIGHT));
        assert_eq!(raised.check(Password::new("wrong"), Some(stored)).await, Ok(Checked::Wrong));
    }
}
