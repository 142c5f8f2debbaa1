//! Trusting one throw-away CA, and nothing else.

use std::sync::{Arc, Once};

use anyhow::{Context, Result};
use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Names the cryptography for every TLS connection of this program; doing it twice does no harm.
pub fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that somebody else was first, with the same provider.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

/// A client that trusts the CA of `ca_pem` only.
///
/// # Errors
/// If the text is no certificate.
pub fn client(ca_pem: &str) -> Result<Arc<ClientConfig>> {
    Ok(Arc::new(trusting(ca_pem)?.with_no_client_auth()))
}

/// The same, showing a certificate of its own.
///
/// # Errors
/// If a text is no certificate or key.
pub fn client_with(ca_pem: &str, certificate_pem: &str, key_pem: &str) -> Result<Arc<ClientConfig>> {
    let chain = CertificateDer::pem_slice_iter(certificate_pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).context("the key's PEM")?;
    Ok(Arc::new(trusting(ca_pem)?.with_client_auth_cert(chain.context("the certificate's PEM")?, key)?))
}

fn trusting(ca_pem: &str) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    install_provider();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.context("the CA's PEM")?).context("the CA as a root")?;
    }
    Ok(ClientConfig::builder().with_root_certificates(roots))
}
