//! Serving the API over TLS on a listener already bound.
//!
//! [`Bounds`] says what one client may take up of it: connections, time, memory.

mod admission;
mod patient;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;

use self::admission::Admission;
use crate::identity::shown_cert::ShownCertificates;

/// What a client may take up.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; more are closed before TLS.
    pub connections: usize,
    /// Time for TLS.
    pub handshake: Duration,
    /// Time until the first bytes say which HTTP it is.
    pub first_bytes: Duration,
    /// HTTP/1: time to send the headers of a request, which is also how long a connection may be idle between two, so
    /// that neither half-requests nor forgotten connections pile up.
    pub headers: Duration,
    /// HTTP/2: how often a silent client is asked whether it is there, and how long it has to answer.
    pub ping: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        let (handshake, first_bytes) = (Duration::from_secs(10), Duration::from_secs(20));
        // Clients must not meet a connection that has just been closed: theirs give up idle ones earlier or see it.
        let (headers, ping) = (Duration::from_secs(60), Duration::from_secs(20));
        Self { connections: 20_000, handshake, first_bytes, headers, ping }
    }
}

/// Headers of one request, all together.
const MAX_HEADERS_BYTES: u32 = 16 * 1024;
/// HTTP/1 reads headers into a buffer, which has to hold a line of them at least.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;
/// HTTP/2: requests at once on a connection.
const MAX_STREAMS: u32 = 100;
/// HTTP/2: requests taken back before they were looked at. Who takes back more (rapid reset) is sent away.
const MAX_TAKEN_BACK: usize = 20;
/// HTTP/2: requests refused for errors of the client's. Who makes more is sent away.
const MAX_FAULTY: usize = 100;

/// The TLS side, always with the certificates there are now.
pub fn tls(certificates: &Arc<ShownCertificates>) -> RustlsConfig {
    // Browsers take HTTP/1.1 for WebSockets by themselves; other clients of those offer no HTTP/2.
    RustlsConfig::from_config(certificates.server_config(&[b"h2", b"http/1.1"]))
}

/// Serves until `shutdown`, then takes no more, and lets requests under way finish within `grace`.
///
/// # Errors
/// If accepting connections fails for good.
pub async fn serve(
    listener: TcpListener,
    tls: RustlsConfig,
    routes: Router,
    bounds: Bounds,
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
    let acceptor = Admission::new(RustlsAcceptor::new(tls).handshake_timeout(bounds.handshake), bounds);
    let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor);
    bound(&mut server, bounds);
    let served = server.handle(handle).serve(routes.into_make_service_with_connect_info::<SocketAddr>()).await;
    stopper.abort();
    served
}

fn bound(server: &mut Server<SocketAddr, Admission>, bounds: Bounds) {
    let http = server.http_builder();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.headers)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS_BYTES)
        .max_pending_accept_reset_streams(MAX_TAKEN_BACK)
        .max_local_error_reset_streams(MAX_FAULTY)
        .keep_alive_interval(bounds.ping)
        .keep_alive_timeout(bounds.ping);
}
