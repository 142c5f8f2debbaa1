//! A master key that is given at the start: in the environment, or as a systemd credential. Only people can change it.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::config::{MASTER_KEY_ENV, NEXT_MASTER_KEY_ENV};
use crate::ports::rotation::{HeldKeys, MasterKeySource};
use crate::sealing::{MasterKey, MasterKeyError};

/// What was given.
pub struct Given(Kind);

enum Kind {
    Environment,
    /// The file of the present key; the next one's has `-next` behind its name.
    Credential(PathBuf),
}

impl Given {
    /// In the environment.
    #[must_use]
    pub const fn environment() -> Self {
        Self(Kind::Environment)
    }

    /// As a systemd credential.
    #[must_use]
    pub const fn credential(path: PathBuf) -> Self {
        Self(Kind::Credential(path))
    }

    fn names(&self) -> (String, String) {
        match &self.0 {
            Kind::Environment => (MASTER_KEY_ENV.to_owned(), NEXT_MASTER_KEY_ENV.to_owned()),
            Kind::Credential(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (name.clone(), format!("{name}-next"))
            }
        }
    }

    fn key(&self, is_next: bool) -> Result<Option<MasterKey>, MasterKeyError> {
        let (present, next) = self.names();
        let name = if is_next { next } else { present };
        match &self.0 {
            Kind::Environment => {
                let Some(text) = std::env::var_os(&name) else { return Ok(None) };
                let key = MasterKey::from_hex(text.as_encoded_bytes());
                key.map(Some).ok_or_else(|| MasterKeyError::Malformed(PathBuf::from(name)))
            }
            Kind::Credential(path) => MasterKey::read(&path.with_file_name(name), false),
        }
    }
}

#[async_trait]
impl MasterKeySource for Given {
    fn place(&self) -> String {
        match &self.0 {
            Kind::Environment => format!("the environment variable {MASTER_KEY_ENV}"),
            Kind::Credential(path) => format!("the credential {}", path.display()),
        }
    }

    async fn read(&self) -> Result<Option<HeldKeys>, MasterKeyError> {
        let Some(present) = self.key(false)? else { return Ok(None) };
        Ok(Some(HeldKeys { present, next: self.key(true)? }))
    }

    async fn create(&self) -> Result<MasterKey, MasterKeyError> {
        Err(MasterKeyError::ByHand(format!("{} is empty; `openssl rand -hex 32` makes a key", self.place())))
    }

    async fn prepare(&self) -> Result<MasterKey, MasterKeyError> {
        let (_, next) = self.names();
        Err(MasterKeyError::ByHand(format!(
            "the master key is {}, which the server cannot change: give a new key (`openssl rand -hex 32`) as `{next}` \
             beside it to every server and to this command, restart the servers, and run this again",
            self.place()
        )))
    }

    async fn settle(&self) -> Result<String, MasterKeyError> {
        let (present, next) = self.names();
        Ok(format!("still given as `{present}`: give the new key as `{present}` from now on, and nothing as `{next}`"))
    }
}
