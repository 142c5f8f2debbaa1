//! Trusting one throw-away CA, and nothing else.

use std::sync::{Arc, Once};

use anyhow::{Context, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

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
    install_provider();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.context("the CA's PEM")?).context("the CA as a root")?;
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
