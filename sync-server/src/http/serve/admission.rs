//! Who is let in: as many connections as there is room for, each with TLS.

use std::io;
use std::sync::Arc;

use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::server::TlsStream;

use super::Bounds;
use super::patient::Patient;

/// Lets connections in, up to a number.
#[derive(Clone)]
pub struct Admission {
    tls: RustlsAcceptor,
    places: Arc<Semaphore>,
    bounds: Bounds,
}

impl Admission {
    /// With TLS, within bounds.
    pub fn new(tls: RustlsAcceptor, bounds: Bounds) -> Self {
        Self { tls, places: Arc::new(Semaphore::new(bounds.connections)), bounds }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Admission {
    type Stream = Patient<TlsStream<TcpStream>>;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let (tls, first_bytes) = (self.tls.clone(), self.bounds.first_bytes);
        Box::pin(async move {
            let Ok(place) = place else {
                metrics::counter!("ostiary_server_http_turned_away_total").increment(1);
                return Err(io::Error::other("no connection more than there is room for"));
            };
            // Answers are small and waited for.
            stream.set_nodelay(true)?;
            let (stream, service) = tls.accept(stream, service).await?;
            Ok((Patient::new(stream, first_bytes, place), service))
        })
    }
}
