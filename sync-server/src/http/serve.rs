//! Serving the API over TLS on a listener already bound.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;

use crate::identity::current_cert::CurrentCertificate;

/// Time a client has for TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time a client has to send its headers, and may keep a connection idle between requests, so that neither
/// half-requests nor forgotten connections pile up. Long enough that clients do not meet a closed connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// The TLS side, always with the certificate there is now.
pub fn tls(certificate: Arc<CurrentCertificate>) -> RustlsConfig {
    // HTTP/1.1 first: WebSocket clients that offer both must not be given HTTP/2.
    RustlsConfig::from_config(certificate.server_config(&[b"http/1.1", b"h2"]))
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
