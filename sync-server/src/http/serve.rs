//! Serving the API over TLS on a listener already bound.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use crate::identity::server_cert::ServerCertificate;

/// Time a client has for TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time a client has to send its headers, and may keep a connection idle between requests, so that neither
/// half-requests nor forgotten connections pile up. Long enough that clients do not meet a closed connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// The TLS side, from PEM.
///
/// # Errors
/// If certificate or key cannot be used.
pub fn tls(certificate: &ServerCertificate) -> io::Result<RustlsConfig> {
    let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).map_err(io::Error::other)?;
    let mut config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)?;
    // HTTP/1.1 first: WebSocket clients that offer both must not be given HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

/// Serves until `shutdown`, then lets requests under way finish within `grace`.
///
/// # Errors
/// If accepting connections fails for good.
pub async fn serve(
    listener: TcpListener,
    tls: RustlsConfig,
    routes: Router,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let handle = Handle::<SocketAddr>::new();
    let stop = handle.clone();
    let stopper = tokio::spawn(async move {
        shutdown.cancelled().await;
        stop.graceful_shutdown(Some(grace));
    });
    let acceptor = RustlsAcceptor::new(tls).handshake_timeout(HANDSHAKE_TIMEOUT);
    let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor);
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let served = server.handle(handle).serve(routes.into_make_service_with_connect_info::<SocketAddr>()).await;
    stopper.abort();
    served
}
