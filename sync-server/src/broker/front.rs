//! The broker's front door: TLS, and nobody further in who has not said CONNECT in time.
//!
//! The broker library waits without limit for the first byte of a connection, so a stranger could hold any
//! number of them open. It listens on loopback only, therefore, and this door in front of it does the TLS
//! handshake, waits a bounded time for a whole CONNECT of bounded size, holds a bounded number of connections,
//! and passes bytes on. The library sees connections from loopback; [`Peers`] knows who is behind each, and a
//! local program that goes past the door is not let in, because nobody is behind it.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::ResolvesServerCert;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect::{MAX_CONNECT_BYTES, Opening, opening};

/// Connections that have not said CONNECT yet, at most; further ones wait to be accepted. When all devices come back
/// at once they go through in waves, and nobody is sent away.
const STRANGERS: usize = 512;
/// Connections the system keeps for us until they are accepted.
pub(super) const BACKLOG: u32 = 4_096;
/// Bytes passed on at once, in each direction of each connection.
const PIECE_BYTES: usize = 8 * 1024;
/// Pause after the system could not give a connection, mostly for want of file handles.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is behind each connection from loopback, by its port.
#[derive(Default)]
pub(super) struct Peers(RwLock<HashMap<u16, SocketAddr>>);

impl Peers {
    /// Who is behind the connection the broker sees as `inner`; `None` for one that went past the door.
    pub(super) fn behind(&self, inner: Option<SocketAddr>) -> Option<SocketAddr> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&inner?.port()).copied()
    }

    fn enter(self: &Arc<Self>, port: u16, peer: SocketAddr) -> Behind {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(port, peer);
        Behind { peers: self.clone(), port }
    }
}

/// An entry in [`Peers`] for as long as its connection lasts.
struct Behind {
    peers: Arc<Peers>,
    port: u16,
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.peers.0.write().unwrap_or_else(PoisonError::into_inner).remove(&self.port);
    }
}

/// The door.
pub(super) struct Front {
    pub(super) listener: TcpListener,
    pub(super) tls: TlsAcceptor,
    /// Where the broker listens.
    pub(super) inner: SocketAddr,
    pub(super) peers: Arc<Peers>,
    pub(super) max_connections: usize,
    /// Time for TLS and CONNECT together.
    pub(super) connect_within: Duration,
    /// Runs the connections.
    pub(super) connections: TaskTracker,
    /// Ends the connections.
    pub(super) hang_up: CancellationToken,
}

/// One connection's way through the door.
struct Passage {
    tls: TlsAcceptor,
    inner: SocketAddr,
    peers: Arc<Peers>,
    connect_within: Duration,
}

/// Shows whatever certificate there is when a connection comes.
pub(super) fn acceptor(certificate: Arc<dyn ResolvesServerCert>) -> TlsAcceptor {
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(certificate);
    // Whoever comes back shows a ticket and saves both sides the signature; the key to tickets changes by itself.
    // Without randomness for it there are no tickets, and every handshake is a whole one.
    if let Ok(ticketer) = rustls::crypto::aws_lc_rs::Ticketer::new() {
        config.ticketer = ticketer;
        config.send_tls13_tickets = 1;
    }
    TlsAcceptor::from(Arc::new(config))
}

impl Front {
    /// Lets connections in until dropped.
    pub(super) async fn run(self) {
        let strangers = Arc::new(Semaphore::new(STRANGERS));
        let all = Arc::new(Semaphore::new(self.max_connections.saturating_add(STRANGERS).min(Semaphore::MAX_PERMITS)));
        loop {
            // A stranger that says nothing gives the place back after `connect_within`.
            let Ok(stranger) = strangers.clone().acquire_owned().await else { return };
            let (socket, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection to the broker could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(slot) = all.clone().try_acquire_owned() else {
                metrics::counter!("ostiary_server_mqtt_turned_away_total").increment(1);
                continue;
            };
            let passage = self.passage();
            let connection = async move {
                let _slot = slot;
                if let Err(error) = passage.pass(socket, peer, stranger).await {
                    tracing::debug!(%error, %peer, "a connection to the broker ended: {error}");
                }
            };
            self.connections.spawn(self.hang_up.clone().run_until_cancelled_owned(connection));
        }
    }

    fn passage(&self) -> Passage {
        let (tls, peers) = (self.tls.clone(), self.peers.clone());
        Passage { tls, inner: self.inner, peers, connect_within: self.connect_within }
    }
}

impl Passage {
    async fn pass(&self, socket: TcpStream, peer: SocketAddr, stranger: OwnedSemaphorePermit) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let greeting = tokio::time::timeout(self.connect_within, self.greet(socket));
        let (mut outside, connect) = greeting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        drop(stranger);
        let (mut inside, _behind) = self.go_in(peer).await?;
        inside.write_all(&connect).await?;
        drop(connect);
        tokio::io::copy_bidirectional_with_sizes(&mut outside, &mut inside, PIECE_BYTES, PIECE_BYTES).await?;
        Ok(())
    }

    /// TLS, then bytes until a whole CONNECT is there.
    async fn greet(&self, socket: TcpStream) -> io::Result<(TlsStream<TcpStream>, Vec<u8>)> {
        let mut outside = self.tls.accept(socket).await?;
        let mut bytes = Vec::with_capacity(2 * 1024);
        loop {
            if outside.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match opening(&bytes) {
                Opening::Whole => return Ok((outside, bytes)),
                Opening::Partial if bytes.len() < 2 * MAX_CONNECT_BYTES => {}
                Opening::Partial | Opening::NotMqtt => {
                    metrics::counter!("ostiary_server_mqtt_not_mqtt_total").increment(1);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "not an MQTT CONNECT"));
                }
            }
        }
    }

    /// Connects to the broker from a port that is entered in [`Peers`] before the broker can see it.
    async fn go_in(&self, peer: SocketAddr) -> io::Result<(TcpStream, Behind)> {
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let behind = self.peers.enter(socket.local_addr()?.port(), peer);
        Ok((socket.connect(self.inner).await?, behind))
    }
}
