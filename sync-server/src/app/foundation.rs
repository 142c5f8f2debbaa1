//! What every command of the program stands on: the data directory, the store, the server's identity.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::config::Config;
use crate::identity::authority::Authority;
use crate::identity::current_cert::CurrentCertificate;
use crate::identity::files::make_private_dir;
use crate::identity::shared::Shared;
use crate::identity::signing::SigningKeys;
use crate::identity::tokens::{TokenLives, Tokens};
use crate::keyring;
use crate::ports::Clock;
use crate::ports::rotation::MasterKeySource;
use crate::sealing::MasterKey;
use crate::store::sql::{SqlStore, StoreUrl};

/// Store and identity, opened.
pub struct Foundation {
    /// The store, at the newest migration.
    pub store: Arc<SqlStore>,
    /// The CA.
    pub authority: Arc<Authority>,
    /// The server's certificate.
    pub certificate: Arc<CurrentCertificate>,
    /// Token keys.
    pub tokens: Arc<Tokens>,
}

impl Foundation {
    /// Opens everything in the data directory, making what is not there.
    ///
    /// # Errors
    /// If a file cannot be read or written or holds something else.
    pub async fn open(config: &Config, clock: &dyn Clock) -> Result<Self> {
        let data_dir = &config.server.data_dir;
        let now = clock.now();
        let tls_dir = tls_dir(data_dir);
        make_private_dir(data_dir).context("making server.data_dir")?;
        make_private_dir(&tls_dir)?;
        let store = Arc::new(open_store(config).await?);
        let shared = shared(config, &store);
        if let Some(shared) = &shared {
            shared.settle_ca(now).await.context("taking the CA of all servers")?;
            shared.settle_token_keys(None).await.context("taking the token keys of all servers")?;
        }
        let authority = Arc::new(Authority::open(&tls_dir, now).context("opening the CA")?);
        let names = certificate_names(config);
        let certificate = CurrentCertificate::open(tls_dir, authority.clone(), names, now);
        let certificate = Arc::new(certificate.context("opening the server's certificate")?);
        let keys = SigningKeys::open(&keys_dir(data_dir), now).context("opening the token keys")?;
        if let Some(shared) = &shared {
            shared.settle_token_keys(None).await.context("sharing the token keys")?;
        }
        let lives =
            TokenLives { device: config.identity.device_token_life(), access: config.identity.access_token_life() };
        let tokens = Arc::new(Tokens::new(keys, lives, store.installation()));
        Ok(Self { store, authority, certificate, tokens })
    }
}

/// Opens the store alone.
///
/// # Errors
/// If it cannot be opened or brought up to date.
pub async fn open_store(config: &Config) -> Result<SqlStore> {
    let url = store_url(config)?;
    make_private_dir(&config.server.data_dir).context("making server.data_dir")?;
    let master = open_master_key(config, &url).await.context("opening the master key")?;
    let opened = SqlStore::open_with(&url, &master, config.store.max_connections).await;
    opened.with_context(|| format!("opening the store {url}"))
}

/// Where the store is.
///
/// # Errors
/// If the configuration's address is none.
pub fn store_url(config: &Config) -> Result<StoreUrl> {
    StoreUrl::parse(&config.store.location(&config.server.data_dir)).context("store.url")
}

/// Where the master key comes from.
pub fn key_source(config: &Config) -> Arc<dyn MasterKeySource> {
    keyring::of(config.store.master_key(&config.server.data_dir))
}

/// The master key, with the one that is to follow if there is one; made only in the server's own place, and only for a
/// store that was never sealed with another.
async fn open_master_key(config: &Config, store: &StoreUrl) -> Result<MasterKey> {
    let source = key_source(config);
    match source.read().await? {
        Some(held) => Ok(held.all()),
        None if !SqlStore::is_sealed(store).await? => Ok(source.create().await?),
        None => anyhow::bail!("there is no {}, and the store is of no use without it: restore it", source.place()),
    }
}

/// What shares the server's identity with others, where there may be others.
pub(super) fn shared(config: &Config, store: &Arc<SqlStore>) -> Option<Shared> {
    let data_dir = &config.server.data_dir;
    let shared = || Shared { store: store.clone(), tls_dir: tls_dir(data_dir), keys_dir: keys_dir(data_dir) };
    config.cluster.enabled.then(shared)
}

/// Where token keys lie.
pub fn keys_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("keys")
}

/// Where certificates lie.
pub fn tls_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("tls")
}

/// The configured names, and the addresses listened on where they are not just "all".
fn certificate_names(config: &Config) -> Vec<String> {
    let listened = [config.server.listen.ip(), config.broker.listen.ip()];
    let listened = listened.into_iter().filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    config.server.public_names.iter().cloned().chain(listened).collect()
}
