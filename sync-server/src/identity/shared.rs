//! What several servers must have in common beside the store's own keys: the CA, and the keys that sign tokens.
//!
//! They lie sealed in the store, and as files in each server's folder, where everything else finds them. A server that
//! comes with an empty folder gets them from the store; the first one brings them there. Start reading at [`Shared`].

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::authority::Authority;
use super::{IdentityError, files, signing};
use crate::domain::replica::Fence;
use crate::ports::StoreError;
use crate::ports::replicas::{NamedSecret, SecretStore};

const CA: &str = "ca";
/// Before the name of a token key's file.
const TOKEN_KEY: &str = "token-key/";

/// Why the identity could not be shared.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The folder belongs to another installation.
    #[error(
        "the CA in {} is not the one of the other servers of this database: move the folder away to take theirs, or \
         set store.url to this installation's own database", .0.display()
    )]
    OtherCa(PathBuf),
    /// What lies in the store is not what this program put there.
    #[error("the shared CA in the store cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Brings this server's folder and the store together.
pub struct Shared {
    /// Where the secrets lie.
    pub store: Arc<dyn SecretStore>,
    /// The CA's folder.
    pub tls_dir: PathBuf,
    /// The token keys' folder.
    pub keys_dir: PathBuf,
}

/// The CA as it is shared.
#[derive(Serialize, Deserialize, PartialEq)]
struct CaFiles {
    key: String,
    certificate: String,
}

impl Shared {
    /// Has the folder hold the CA of all servers; makes it if nobody has one.
    ///
    /// # Errors
    /// [`ShareError`].
    pub async fn settle_ca(&self, now: UnixMillis) -> Result<(), ShareError> {
        let was_there = self.own_ca()?.is_some();
        if let Some(theirs) = self.their_ca().await? {
            return self.take_ca(&theirs);
        }
        Authority::open(&self.tls_dir, now)?;
        let own = self.own_ca()?.ok_or_else(|| ShareError::OtherCa(self.tls_dir.clone()))?;
        let secret = (CA.to_owned(), Zeroizing::new(serde_json::to_vec(&own)?));
        if self.store.add_shared_secrets(&[secret]).await? {
            return Ok(());
        }
        // Another server was first. What was made a moment ago signed nothing yet.
        let theirs = self.their_ca().await?.ok_or_else(|| ShareError::OtherCa(self.tls_dir.clone()))?;
        if was_there { self.take_ca(&theirs) } else { self.write_ca(&theirs) }
    }

    fn take_ca(&self, theirs: &CaFiles) -> Result<(), ShareError> {
        match self.own_ca()? {
            None => self.write_ca(theirs),
            Some(own) if own == *theirs => Ok(()),
            Some(_) => Err(ShareError::OtherCa(self.tls_dir.clone())),
        }
    }

    async fn their_ca(&self) -> Result<Option<CaFiles>, ShareError> {
        let secrets = self.store.shared_secrets().await?;
        let found = secrets.iter().find(|(name, _)| name == CA);
        Ok(found.map(|(_, bytes)| serde_json::from_slice(bytes)).transpose()?)
    }

    fn own_ca(&self) -> Result<Option<CaFiles>, ShareError> {
        let key = files::read(&self.tls_dir.join(super::authority::KEY_FILE))?;
        let certificate = files::read(&self.tls_dir.join(super::authority::CERTIFICATE_FILE))?;
        Ok(key.zip(certificate).map(|(key, certificate)| CaFiles { key, certificate }))
    }

    fn write_ca(&self, ca: &CaFiles) -> Result<(), ShareError> {
        files::write_secret(&self.tls_dir.join(super::authority::KEY_FILE), &ca.key)?;
        Ok(files::write_public(&self.tls_dir.join(super::authority::CERTIFICATE_FILE), &ca.certificate)?)
    }

    /// Has folder and store hold the same token keys: what either has more, the other gets. What the leader retired in
    /// its folder is retired in the store, and from there everywhere.
    ///
    /// # Errors
    /// [`ShareError`].
    pub async fn settle_token_keys(&self, fence: Option<Fence>) -> Result<(), ShareError> {
        files::make_private_dir(&self.keys_dir)?;
        let theirs = self.store.shared_secrets().await?;
        let theirs: Vec<_> = theirs.into_iter().filter(|(name, _)| name.starts_with(TOKEN_KEY)).collect();
        self.take_token_keys(&theirs)?;
        let known: BTreeSet<&str> = theirs.iter().map(|(name, _)| name.as_str()).collect();
        let own = self.own_token_keys()?;
        if let Some(fence) = fence {
            for retired in own.iter().filter(|(name, _)| signing::is_retired(name)) {
                let in_use = signing::in_use_name(&retired.0);
                if known.contains(in_use.as_str()) && !self.store.replace_shared_secret(&in_use, retired, fence).await?
                {
                    // Another server leads by now, and will do it.
                    return Ok(());
                }
            }
        }
        let is_new = |(name, _): &&NamedSecret| {
            !known.contains(signing::in_use_name(name).as_str())
                && !known.contains(signing::retired_name(name).as_str())
        };
        let new: Vec<_> = own.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            self.store.add_shared_secrets(&new).await?;
        }
        Ok(())
    }

    fn take_token_keys(&self, theirs: &[NamedSecret]) -> Result<(), ShareError> {
        for (name, bytes) in theirs {
            let Some(file) = name.strip_prefix(TOKEN_KEY).filter(|file| signing::is_key_file(file)) else { continue };
            let text = String::from_utf8_lossy(bytes);
            signing::take(&self.keys_dir, file, &text)?;
        }
        Ok(())
    }

    fn own_token_keys(&self) -> Result<Vec<NamedSecret>, ShareError> {
        let files = signing::files(&self.keys_dir)?;
        let named = |(file, text): (String, String)| (format!("{TOKEN_KEY}{file}"), Zeroizing::new(text.into_bytes()));
        Ok(files.into_iter().map(named).collect())
    }
}
