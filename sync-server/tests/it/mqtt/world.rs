//! A broker with its own CA, and devices whose tokens are simply words.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Once};
use std::time::SystemTime;

use async_trait::async_trait;
use ostiary_common::claims::{AUDIENCE_DEVICE, DeviceClaims, device_acl};
use ostiary_common::ids::{DeviceId, SiteId, TokenId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_server::broker::embedded::{self, BrokerLimits, EmbeddedBroker, RunningBroker, ServerAccess};
use ostiary_server::link::trusting;
use ostiary_server::ports::{AuthRefused, Clock, DeviceAuth};
use ostiary_server::refusals::refusal_log;
use ostiary_server::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::fake_store::FakeStore;

/// The system's time.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_system_time(SystemTime::now())
    }
}

/// Tokens are `device site expiry`, where the real ones are signed.
pub struct WordTokens(pub Arc<FakeStore>);

#[async_trait]
impl DeviceAuth for WordTokens {
    async fn authenticate(&self, client_id: &str, token: &str) -> Result<DeviceClaims, AuthRefused> {
        let words: Vec<&str> = token.split(' ').collect();
        let [device, site, exp] = words[..] else { return Err(AuthRefused::Token("not a token".into())) };
        let bad = |_| AuthRefused::Token("not a token".into());
        let root = DeviceRoot {
            site: site.parse::<SiteId>().map_err(|_| bad(()))?,
            device: device.parse::<DeviceId>().map_err(|_| bad(()))?,
        };
        let exp: u64 = exp.parse().map_err(|_| bad(()))?;
        if exp <= SystemClock.now().as_unix_seconds() {
            return Err(AuthRefused::Token("expired".into()));
        }
        if device != client_id {
            return Err(AuthRefused::ClientId);
        }
        if !self.0.is_active(root.device) {
            return Err(AuthRefused::Device("revoked"));
        }
        Ok(DeviceClaims {
            iss: "test".into(),
            sub: root.device,
            aud: AUDIENCE_DEVICE.into(),
            site: root.site,
            jti: TokenId::generate(),
            iat: 0,
            nbf: 0,
            exp,
            acl: device_acl(&root),
        })
    }
}

/// A running broker, what it writes to, and how to get in.
pub struct World {
    pub broker: RunningBroker,
    pub store: Arc<FakeStore>,
    pub trust: Arc<rustls::ClientConfig>,
    pub link_secret: Secret,
    pub monitor_password: String,
    pub shutdown: CancellationToken,
    tls: TlsFiles,
    _dir: TempDir,
}

impl World {
    /// A broker on a free port.
    pub async fn start() -> Self {
        Self::with_limits(BrokerLimits::default()).await
    }

    /// A broker with other bounds.
    pub async fn with_limits(limits: BrokerLimits) -> Self {
        install_tls();
        let dir = tempfile::tempdir().unwrap();
        let (tls, ca_pem) = certificates(&dir);
        let store = Arc::new(FakeStore::default());
        let shutdown = CancellationToken::new();
        let link_secret = Secret::generate().unwrap();
        let monitor_password = "look at this".to_owned();
        let listen = ([127, 0, 0, 1], 0).into();
        let broker = broker(listen, &tls, &store, &link_secret, &monitor_password, limits, &shutdown).await;
        let trust = trusting(ca_pem.as_bytes(), None).unwrap();
        Self { broker, store, trust, link_secret, monitor_password, shutdown, tls, _dir: dir }
    }

    /// Stops the broker and starts another in its place, as a crash and a restart would.
    pub async fn restart_broker(&mut self) {
        let listen = self.broker.local_addr;
        self.broker.stop().await;
        self.broker = broker(
            listen,
            &self.tls,
            &self.store,
            &self.link_secret,
            &self.monitor_password,
            BrokerLimits::default(),
            &self.shutdown,
        )
        .await;
    }

    /// A good token for an hour.
    pub fn token(&self, root: DeviceRoot) -> String {
        self.token_for(root, 3600)
    }

    /// A token that ends in so many seconds, or ended so many ago.
    pub fn token_for(&self, root: DeviceRoot, seconds: i64) -> String {
        let exp = SystemClock.now().as_unix_seconds().saturating_add_signed(seconds);
        format!("{} {} {exp}", root.device, root.site)
    }
}

/// Chooses the TLS implementation, as each program does once.
pub fn install_tls() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn broker(
    listen: SocketAddr,
    tls: &TlsFiles,
    store: &Arc<FakeStore>,
    link_secret: &Secret,
    monitor_password: &str,
    limits: BrokerLimits,
    shutdown: &CancellationToken,
) -> RunningBroker {
    let clock = Arc::new(SystemClock);
    let (refusals, writer) = refusal_log(store.clone(), clock.clone());
    tokio::spawn(writer.run(shutdown.clone()));
    embedded::start(EmbeddedBroker {
        listen,
        certificate: tls.resolver(),
        auth: Arc::new(WordTokens(store.clone())),
        refusals,
        clock,
        server: ServerAccess::Client(link_secret.clone()),
        monitor_password: Some(Secret::new(monitor_password)),
        limits,
    })
    .await
    .unwrap()
}

/// PEM files of a TLS listener.
#[derive(Clone)]
pub struct TlsFiles {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl TlsFiles {
    fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        let chain = CertificateDer::pem_file_iter(&self.chain).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Arc::new(SingleCertAndKey::from(CertifiedKey::from_der(chain, key, &provider).unwrap()))
    }
}

/// A CA and a certificate for this machine, as PEM files; and the CA as PEM text.
pub fn certificates(dir: &TempDir) -> (TlsFiles, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let leaf_pem = leaf.signed_by(&key, &issuer).unwrap().pem();
    let files = TlsFiles { chain: dir.path().join("chain.pem"), key: dir.path().join("key.pem") };
    std::fs::write(&files.chain, leaf_pem + &ca_pem).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    (files, ca_pem)
}
