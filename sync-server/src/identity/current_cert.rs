//! The certificate the server shows now. It is renewed while the server runs: connections that stand keep theirs, new
//! ones are shown the new one.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ostiary_common::time::UnixMillis;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::IdentityError;
use super::authority::Authority;
use super::reading;
use super::server_cert::{self, ServerCertificate};

/// The certificate there is now, and what is needed to make the next.
pub struct CurrentCertificate {
    dir: PathBuf,
    authority: Arc<Authority>,
    names: Vec<String>,
    shown: ArcSwap<Shown>,
}

struct Shown {
    chain_pem: String,
    key: Arc<CertifiedKey>,
}

impl CurrentCertificate {
    /// Reads the certificate in `dir`, or makes one there.
    ///
    /// # Errors
    /// [`IdentityError`] if it cannot be read, made or used.
    pub fn open(
        dir: PathBuf,
        authority: Arc<Authority>,
        names: Vec<String>,
        now: UnixMillis,
    ) -> Result<Self, IdentityError> {
        let shown = usable(server_cert::open(&dir, &authority, &names, now)?, &dir)?;
        Ok(Self { dir, authority, names, shown: ArcSwap::from_pointee(shown) })
    }

    /// Makes a new certificate if the present one has not long to live; returns whether it did.
    ///
    /// # Errors
    /// As [`CurrentCertificate::open`]; the present one stays then.
    pub fn renew(&self, now: UnixMillis) -> Result<bool, IdentityError> {
        let certificate = server_cert::open(&self.dir, &self.authority, &self.names, now)?;
        if certificate.chain_pem == self.shown.load().chain_pem {
            return Ok(false);
        }
        self.shown.store(Arc::new(usable(certificate, &self.dir)?));
        Ok(true)
    }

    /// When the present certificate ends.
    pub fn ends_at(&self) -> UnixMillis {
        self.shown.load().key.cert.first().and_then(reading::of_der).map_or(UnixMillis(0), |read| read.ends_at)
    }

    /// When the CA ends.
    pub fn ca_ends_at(&self) -> UnixMillis {
        reading::of_pem(self.authority.certificate_pem()).map_or(UnixMillis(0), |read| read.ends_at)
    }

    /// TLS that always shows the present certificate and speaks `protocols`, the first rather than the last.
    pub fn server_config(self: &Arc<Self>, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }
}

impl std::fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CurrentCertificate({})", self.dir.display())
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.load().key.clone())
    }
}

fn usable(certificate: ServerCertificate, dir: &std::path::Path) -> Result<Shown, IdentityError> {
    let key = certified(&certificate).map_err(|reason| IdentityError::Unusable {
        what: "the server's certificate",
        path: dir.to_owned(),
        reason,
    })?;
    Ok(Shown { chain_pem: certificate.chain_pem, key: Arc::new(key) })
}

fn certified(certificate: &ServerCertificate) -> Result<CertifiedKey, String> {
    let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).map_err(|error| error.to_string())?;
    let ours = || Arc::new(aws_lc_rs::default_provider());
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(ours);
    CertifiedKey::from_der(chain, key, &provider).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
    const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

    #[test]
    fn a_certificate_near_its_end_is_renewed_while_it_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(dir.path(), NOW).unwrap());
        let names = vec!["door.example".to_owned()];
        let current = CurrentCertificate::open(dir.path().to_owned(), authority.clone(), names.clone(), NOW).unwrap();
        let shown = |current: &CurrentCertificate| current.shown.load().key.cert[0].clone();
        let first = shown(&current);
        assert!(!current.renew(NOW.plus(DAY * 300)).unwrap());
        assert_eq!(shown(&current), first);
        assert!(current.renew(NOW.plus(DAY * 380)).unwrap());
        let second = shown(&current);
        assert_ne!(second, first);
        let later = NOW.plus(DAY * 381);
        let again = CurrentCertificate::open(dir.path().to_owned(), authority, names, later).unwrap();
        assert_eq!(shown(&again), second, "it is the one on disk");
        std::fs::write(dir.path().join("server.json"), "{}").unwrap();
        std::fs::write(dir.path().join("server.pem"), "rubbish").unwrap();
        assert!(current.renew(later).unwrap(), "what cannot be read is made anew");
    }
}
