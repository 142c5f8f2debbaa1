//! TLS settings: trust in one CA, given as a certificate or as the hash of one, and a clock with a floor.
//!
//! A board's clock can be wrong both ways. One that starts in the past is lifted to the floor: the latest time the
//! server was ever heard to say. One that leapt years ahead makes every certificate look expired; where nothing
//! vouches for the clock, a certificate that is valid at the floor is taken, as a board without a clock does anyway.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ostiary_common::time::UnixMillis;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::leapt::LeaptAhead;
use crate::clock::SystemClock;

/// No board that runs this program lives before this: 2026-11-01. Keeps a clock that starts in 1970 from
/// failing every certificate until the first word of the server raises the floor.
const RELEASE_FLOOR: UnixMillis = UnixMillis(1_793_491_200_000);

/// By what time certificates are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsTime {
    /// It cannot be earlier than this.
    pub floor: UnixMillis,
    /// Whether the wall clock can be believed.
    pub is_synced: bool,
}

impl TlsTime {
    /// As the board's clocks have it.
    #[must_use]
    pub fn by(clock: &SystemClock) -> Self {
        Self { floor: clock.floor(), is_synced: clock.is_synced() }
    }

    /// The wall clock, for what runs beside the daemon.
    pub const WALL: Self = Self { floor: RELEASE_FLOOR, is_synced: true };

    fn floor(self) -> UnixMillis {
        self.floor.max(RELEASE_FLOOR)
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Not a certificate or key in PEM.
    #[error("{what} is not valid PEM: {reason}")]
    Pem {
        /// Which.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The library refused.
    #[error("TLS: {0}")]
    Refused(#[from] rustls::Error),
}

/// Trusts servers of the CA in `ca_pem`.
///
/// # Errors
/// [`TlsError`] if the CA cannot be used.
pub fn client_config(ca_pem: &str, time: TlsTime) -> Result<ClientConfig, TlsError> {
    Ok(trusting(roots(ca_pem)?, time)?.with_no_client_auth())
}

/// As [`client_config`], showing the device's certificate to brokers that ask for one.
///
/// # Errors
/// [`TlsError`] if CA, certificate or key cannot be used.
pub fn mqtt_client_config(
    ca_pem: &str,
    certificate_pem: &str,
    key_pem: &str,
    time: TlsTime,
) -> Result<ClientConfig, TlsError> {
    let builder = trusting(roots(ca_pem)?, time)?;
    let certificates = certificates("the device certificate", certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|e| TlsError::Pem { what: "the device key", reason: e.to_string() })?;
    if certificates.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    Ok(builder.with_client_auth_cert(certificates, key)?)
}

/// Trusts servers that show a chain to the CA certificate whose SHA-256 is `pin`.
///
/// # Errors
/// [`TlsError`] if the library refuses.
pub fn pinned_client_config(pin: [u8; 32], time: TlsTime) -> Result<ClientConfig, TlsError> {
    let verifier = PinnedCa { pin, provider: Arc::new(aws_lc_rs::default_provider()) };
    Ok(builder(time)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

type WantsVerifier = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;
type WantsClientCert = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(time: TlsTime) -> Result<WantsVerifier, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let time = Arc::new(FlooredTime(time.floor()));
    Ok(ClientConfig::builder_with_details(provider, time).with_safe_default_protocol_versions()?)
}

fn trusting(roots: RootCertStore, time: TlsTime) -> Result<WantsClientCert, TlsError> {
    let builder = builder(time)?;
    if time.is_synced {
        return Ok(builder.with_root_certificates(roots));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|error| rustls::Error::General(error.to_string()))?;
    let lenient = LeaptAhead { verifier, floor: unix_time(time.floor()) };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(lenient)))
}

fn certificates(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Pem { what, reason: e.to_string() })
}

fn roots(ca_pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("the CA certificate", ca_pem)? {
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        return Err(TlsError::Pem { what: "the CA certificate", reason: "no certificate in it".into() });
    }
    Ok(roots)
}

/// Connects to the host of `url` (with `default_port` if it names none) and shakes hands, trusting `ca_pem`.
///
/// # Errors
/// What failed, in words.
pub async fn check_tls(url: &str, scheme: &str, default_port: u16, ca_pem: &str) -> Result<(), String> {
    let rest = url.strip_prefix(scheme).ok_or_else(|| format!("does not begin with {scheme}"))?;
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port.parse().map_err(|_| "has no valid port")?),
        _ => (authority, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let config = client_config(ca_pem, TlsTime::WALL).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
    let socket = tokio::net::TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let shaken = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket).await;
    shaken.map(drop).map_err(|error| error.to_string())
}

fn unix_time(at: UnixMillis) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(at.as_unix_seconds()))
}

/// The system's clock, but never before a floor.
#[derive(Debug)]
struct FlooredTime(UnixMillis);

impl TimeProvider for FlooredTime {
    fn current_time(&self) -> Option<UnixTime> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(UnixTime::since_unix_epoch(now.max(Duration::from_secs(self.0.as_unix_seconds()))))
    }
}

/// Accepts a chain in which a certificate has the pinned hash and the server's certificate is valid under it.
#[derive(Debug)]
struct PinnedCa {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl PinnedCa {
    fn pinned<'a>(&self, chain: &'a [CertificateDer<'a>]) -> Result<&'a CertificateDer<'a>, rustls::Error> {
        let found = |der: &&CertificateDer<'_>| <[u8; 32]>::from(Sha256::digest(der.as_ref())) == self.pin;
        chain.iter().find(found).ok_or_else(|| rustls::Error::General(PIN_MISMATCH.into()))
    }
}

/// What is said when no certificate has the pinned hash; [`super::api`] looks for it.
pub(super) const PIN_MISMATCH: &str = "the server's CA is not the one given by --ca-sha256";

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.pinned(intermediates)?.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, supported)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let supported = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, supported)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
