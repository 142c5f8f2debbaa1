//! A device's connection: TLS that checks the server's certificate, MQTT 5 over it, and little memory, because there
//! are thousands in one program. The packets are the MQTT library's; its client is not used here.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use rumqttc::v5::mqttbytes::v5::{
    Connect, ConnectProperties, ConnectReturnCode, Filter, LastWill, Login, Packet, PingReq, PubAck, Publish, Subscribe,
};
use rumqttc::v5::mqttbytes::{Error, QoS};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The largest packet taken, as in the daemon.
const MAX_PACKET_BYTES: u32 = 512 * 1024;
/// Bytes read at once.
const PIECE_BYTES: usize = 4 * 1024;
/// Seconds of silence after which either side gives the other up.
const KEEP_ALIVE_S: u16 = 60;

/// Where the broker is, and what is trusted there.
#[derive(Clone, Debug)]
pub struct Harbour {
    /// `host:port`.
    pub address: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
}

impl Harbour {
    /// The broker at `address`, trusted by `tls`.
    ///
    /// # Errors
    /// If the address is not `host:port`.
    pub fn new(address: &str, tls: Arc<ClientConfig>) -> io::Result<Self> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
        let name = ServerName::try_from(host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Self { address: address.to_owned(), name, tls })
    }
}

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The network or TLS.
    #[error("{}", .0.kind())]
    Io(#[from] io::Error),
    /// Not let in.
    #[error("refused: {0:?}")]
    Refused(ConnectReturnCode),
    /// Something that has no place in the conversation.
    #[error("protocol: {0}")]
    Protocol(String),
    /// No answer in time.
    #[error("no answer in time")]
    Late,
}

/// An open connection.
#[derive(Debug)]
pub struct Socket {
    io: TlsStream<TcpStream>,
    inbox: BytesMut,
    outbox: BytesMut,
    unflushed: bool,
    next_id: u16,
}

impl Socket {
    /// Connects and is let in.
    ///
    /// # Errors
    /// [`Ended`] if not.
    pub async fn open(harbour: &Harbour, client: &str, token: &str, will: LastWill) -> Result<Self, Ended> {
        let tcp = TcpStream::connect(&harbour.address).await?;
        tcp.set_nodelay(true)?;
        let io = TlsConnector::from(harbour.tls.clone()).connect(harbour.name.clone(), tcp).await?;
        let (inbox, outbox) = (BytesMut::new(), BytesMut::new());
        let mut socket = Self { io, inbox, outbox, unflushed: false, next_id: 0 };
        let properties = ConnectProperties { max_packet_size: Some(MAX_PACKET_BYTES), ..ConnectProperties::new() };
        let connect = Connect {
            keep_alive: KEEP_ALIVE_S,
            client_id: client.to_owned(),
            clean_start: true,
            properties: Some(properties),
        };
        socket.write(&Packet::Connect(connect, Some(will), Some(Login::new(client, token))))?;
        loop {
            socket.exchange().await?;
            match socket.read()? {
                Some(Packet::ConnAck(answer)) if answer.code == ConnectReturnCode::Success => return Ok(socket),
                Some(Packet::ConnAck(answer)) => return Err(Ended::Refused(answer.code)),
                Some(other) => return Err(Ended::Protocol(format!("{other:?} instead of CONNACK"))),
                None => {}
            }
        }
    }

    /// Subscribes to topics.
    ///
    /// # Errors
    /// [`Ended::Protocol`] if they make no packet.
    pub fn subscribe(&mut self, topics: Vec<String>) -> Result<(), Ended> {
        let filters = topics.into_iter().map(|topic| Filter::new(topic, QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters, None);
        subscribe.pkid = self.id();
        self.write(&Packet::Subscribe(subscribe))
    }

    /// Publishes; `confirmed` with QoS 1.
    ///
    /// # Errors
    /// [`Ended::Protocol`] if it makes no packet.
    pub fn publish(&mut self, topic: String, retain: bool, confirmed: bool, payload: Vec<u8>) -> Result<(), Ended> {
        let qos = if confirmed { QoS::AtLeastOnce } else { QoS::AtMostOnce };
        let mut publish = Publish::new(topic, qos, payload, None);
        publish.retain = retain;
        publish.pkid = if confirmed { self.id() } else { 0 };
        self.write(&Packet::Publish(publish))
    }

    /// Tells the broker that a message has arrived.
    ///
    /// # Errors
    /// [`Ended::Protocol`] if it makes no packet.
    pub fn confirm(&mut self, publish: &Publish) -> Result<(), Ended> {
        match publish.qos {
            QoS::AtMostOnce => Ok(()),
            _ => self.write(&Packet::PubAck(PubAck::new(publish.pkid, None))),
        }
    }

    /// Shows that this side is still there.
    ///
    /// # Errors
    /// None in practice; a ping always makes a packet.
    pub fn ping(&mut self) -> Result<(), Ended> {
        self.write(&Packet::PingReq(PingReq))
    }

    /// The next whole packet that came, if any.
    ///
    /// # Errors
    /// [`Ended::Protocol`] if it is none.
    pub fn read(&mut self) -> Result<Option<Packet>, Ended> {
        if self.inbox.is_empty() {
            return Ok(None);
        }
        match Packet::read(&mut self.inbox, Some(MAX_PACKET_BYTES)) {
            Ok(packet) => Ok(Some(packet)),
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(error) => Err(Ended::Protocol(error.to_string())),
        }
    }

    /// Writes what waits and returns when something was read. Nothing is lost if it is dropped in between.
    ///
    /// # Errors
    /// [`Ended::Io`] when the connection has ended.
    pub async fn exchange(&mut self) -> Result<(), Ended> {
        Ok(poll_fn(|cx| self.poll_exchange(cx)).await?)
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outbox.is_empty() {
            let Poll::Ready(written) = Pin::new(&mut self.io).poll_write(cx, &self.outbox) else { break };
            self.outbox.advance(written?);
            self.unflushed = true;
        }
        if self.unflushed && Pin::new(&mut self.io).poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        let mut piece = [0; PIECE_BYTES];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut piece))?;
        if piece.filled().is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.inbox.extend_from_slice(piece.filled());
        Poll::Ready(Ok(()))
    }

    fn write(&mut self, packet: &Packet) -> Result<(), Ended> {
        packet.write(&mut self.outbox, None).map_err(|error| Ended::Protocol(error.to_string()))?;
        Ok(())
    }

    const fn id(&mut self) -> u16 {
        self.next_id = if self.next_id == u16::MAX { 1 } else { self.next_id + 1 };
        self.next_id
    }
}
