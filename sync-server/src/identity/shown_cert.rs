//! Which certificate HTTPS shows: the one for browsers to who asks for one of its names, the server's own to everybody
//! else. Devices trust the server's own CA only, and reach it by names or addresses the other one is not for.

use std::sync::Arc;

use ostiary_common::time::UnixMillis;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::current_cert::CurrentCertificate;
use super::public_cert::PublicCertificate;
use crate::domain::health::{Finding, certificate};

/// The server's certificates towards HTTPS clients.
#[derive(Debug)]
pub struct ShownCertificates {
    /// Of the server's own CA.
    pub own: Arc<CurrentCertificate>,
    /// For browsers.
    pub public: Option<Arc<PublicCertificate>>,
}

impl ShownCertificates {
    /// TLS 1.3 and 1.2 that speaks `protocols`, the first rather than the last.
    pub fn server_config(self: &Arc<Self>, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(self.clone());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }

    /// How long they are good for.
    pub fn health(&self, now: UnixMillis) -> Finding {
        let own = certificate(
            "the server's certificate",
            self.own.ends_at(),
            now,
            "it renews itself; see the log for why not",
        );
        let ca =
            certificate("the server's CA", self.own.ca_ends_at(), now, "see docs/tls.md: devices must be claimed anew");
        let own = own.or_worse(ca);
        let Some(public) = &self.public else { return own };
        let advice = "see that the ACME client renews it and writes http.certificate_file and http.key_file";
        let shown = match public.ends_at() {
            Some(ends_at) => certificate("the certificate for browsers", ends_at, now, advice),
            None => Finding::degraded("there is no certificate for browsers", advice),
        };
        let refused = public.fault().map_or_else(Finding::ok, |fault| {
            Finding::degraded(format!("the new certificate for browsers was refused: {fault}"), advice)
        });
        own.or_worse(shown).or_worse(refused)
    }
}

impl ResolvesServerCert for ShownCertificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().zip(self.public.as_ref());
        asked.and_then(|(name, public)| public.for_name(name)).or_else(|| self.own.resolve(hello))
    }
}
