//! What clients that behave badly may take up of the listener, over real sockets; and which TLS it speaks.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::routing::get;
use ostiary_common::time::UnixMillis;
use ostiary_server::http::serve::{self, Bounds};
use ostiary_server::identity::authority::Authority;
use ostiary_server::identity::current_cert::CurrentCertificate;
use ostiary_server::identity::public_cert::PublicCertificate;
use ostiary_server::identity::shown_cert::ShownCertificates;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// A client that trusts one CA, and speaks these protocols.
pub fn trusting(ca_pem: &str, protocols: &[&[u8]]) -> (Arc<ClientConfig>, ServerName<'static>) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    (Arc::new(config), ServerName::try_from("localhost").unwrap())
}

pub async fn connect(
    address: &str,
    tls: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    TlsConnector::from(tls).connect(name, TcpStream::connect(address).await?).await
}

/// A listener with a page that is there, and one that never ends.
struct Edge {
    dir: TempDir,
    address: String,
    ca_pem: String,
    shown: Arc<ShownCertificates>,
    _stop: tokio_util::sync::DropGuard,
}

const SHORT: Duration = Duration::from_millis(300);

impl Edge {
    fn start(bounds: Bounds) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let now = UnixMillis::from_system_time(std::time::SystemTime::now());
        let authority = Arc::new(Authority::open(dir.path(), now).unwrap());
        let ca_pem = authority.certificate_pem().to_owned();
        let own = CurrentCertificate::open(dir.path().to_owned(), authority, Vec::new(), now).unwrap();
        let public = PublicCertificate::new(&dir.path().join("chain.pem"), &dir.path().join("key.pem"));
        let shown = Arc::new(ShownCertificates { own: Arc::new(own), public: Some(Arc::new(public)) });
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let routes = Router::new()
            .route("/", get(async || "hello"))
            .route("/long", get(async || std::future::pending::<&str>().await));
        let stop = CancellationToken::new();
        let served = serve::serve(listener, serve::tls(&shown), routes, bounds, stop.clone(), Duration::ZERO);
        tokio::spawn(served);
        Self { dir, address, ca_pem, shown, _stop: stop.drop_guard() }
    }

    async fn connect(&self, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let (tls, name) = trusting(&self.ca_pem, protocols);
        connect(&self.address, tls, name).await
    }

    async fn http2(&self) -> h2::client::SendRequest<bytes::Bytes> {
        let (sender, connection) = h2::client::handshake(self.connect(&[b"h2"]).await.unwrap()).await.unwrap();
        tokio::spawn(connection);
        sender.ready().await.unwrap()
    }
}

fn asking(path: &str) -> Request<()> {
    Request::builder().uri(format!("https://localhost{path}")).body(()).unwrap()
}

/// The server ends the connection within a time that is short for a test and long for a busy machine.
async fn is_ended(stream: &mut TlsStream<TcpStream>) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn who_does_not_begin_or_end_a_request_is_sent_away() {
    let edge = Edge::start(Bounds { first_bytes: SHORT, headers: SHORT, ..Bounds::default() });
    for (said, what) in [
        ("", "says nothing"),
        ("PRI * HTTP/2.0\r\n", "begins HTTP/2 and stops"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n", "does not end its headers"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "asks, and is then idle"),
    ] {
        let mut stream = edge.connect(&[b"http/1.1"]).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        assert!(is_ended(&mut stream).await, "who {what} is waited for");
    }
}

#[tokio::test]
async fn headers_are_bounded() {
    let edge = Edge::start(Bounds::default());
    let answer = async |headers: String| {
        let mut stream = edge.connect(&[b"http/1.1"]).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        // Who is sent away early cannot finish writing.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(answer(String::new()).await, "200");
    assert_eq!(answer((0..100).map(|n| format!("x-{n}: y\r\n")).collect()).await, "431");
    assert_eq!(answer(format!("x-long: {}\r\n", "y".repeat(200_000))).await, "431");

    let mut http2 = edge.http2().await;
    let long = Request::builder().uri("https://localhost/").header("x-long", "y".repeat(20_000)).body(()).unwrap();
    let (answer, _) = http2.send_request(long, true).unwrap();
    let refused = answer.await.map_or(true, |answer| answer.status() == 431);
    assert!(refused, "20 kB of headers are taken");
}

#[tokio::test]
async fn http2_is_spoken_and_bounded() {
    let edge = Edge::start(Bounds::default());
    let stream = edge.connect(&[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let mut http2 = edge.http2().await;
    let (answer, _) = http2.send_request(asking("/"), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    // Told in the settings, so that an honest client waits; 101 at once are not looked at.
    assert_eq!(http2.current_max_send_streams(), 100);
}

#[tokio::test]
async fn who_takes_requests_back_again_and_again_is_sent_away() {
    let edge = Edge::start(Bounds::default());
    let (sender, connection) = h2::client::handshake(edge.connect(&[b"h2"]).await.unwrap()).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    let mut taken_back = 0;
    while taken_back < 5_000 && !connection.is_finished() {
        let Ok(ready) = sender.ready().await else { break };
        sender = ready;
        let Ok((_, mut stream)) = sender.send_request(asking("/long"), true) else { break };
        stream.send_reset(h2::Reason::CANCEL);
        taken_back += 1;
        tokio::task::yield_now().await;
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    let error = ended.expect("it is sent away").unwrap().expect_err("and told why");
    // The connection may be closed before the client has read why.
    let is_calmed = error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM) || error.is_io();
    assert!(is_calmed && taken_back < 5_000, "after {taken_back}: {error}");
    // Nobody else minds.
    assert_eq!(edge.http2().await.send_request(asking("/"), true).unwrap().0.await.unwrap().status(), 200);
}

#[tokio::test]
async fn no_more_connections_than_there_is_room_for() {
    let edge = Edge::start(Bounds { connections: 2, ..Bounds::default() });
    let one = edge.connect(&[]).await.unwrap();
    let _two = edge.connect(&[]).await.unwrap();
    assert!(edge.connect(&[]).await.is_err(), "a third is let in");
    drop(one);
    let room = async {
        while edge.connect(&[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), room).await.expect("a place that is free again is given");
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let edge = Edge::start(Bounds::default());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (trusted, name) = trusting(&edge.ca_pem, &[]);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(edge.ca_pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(roots);
        let stream = connect(&edge.address, Arc::new(config.with_no_client_auth()), name).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        drop(trusted);
    }
    // The beginning of a TLS 1.1 handshake: record version 3.1, client version 3.2, no extensions.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 47, 1, 0]);
    let mut stream = TcpStream::connect(&edge.address).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert, not a handshake: {answer:?}");
}

#[tokio::test]
async fn a_name_gets_its_certificate_while_the_server_runs() {
    let edge = Edge::start(Bounds::default());
    let now = UnixMillis::from_system_time(std::time::SystemTime::now());
    let key = rcgen::KeyPair::generate().unwrap();
    let issued = rcgen::CertificateParams::new(vec!["panel.example".into()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(edge.dir.path().join("chain.pem"), issued.pem()).unwrap();
    std::fs::write(edge.dir.path().join("key.pem"), key.serialize_pem()).unwrap();
    edge.shown.public.as_ref().unwrap().reload(now);
    let (browser, _) = trusting(&issued.pem(), &[]);
    let named = |name: &'static str| ServerName::try_from(name).unwrap();
    connect(&edge.address, browser.clone(), named("panel.example")).await.unwrap();
    assert!(connect(&edge.address, browser, named("localhost")).await.is_err());
    let (device, localhost) = trusting(&edge.ca_pem, &[]);
    connect(&edge.address, device, localhost).await.unwrap();
}
