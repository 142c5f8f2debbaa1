//! The keeper against a real broker (mosquitto, TLS) that is killed and started again.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use ostiary_common::envelope::{Envelope, WIRE_VERSION};
use ostiary_common::ids::{DeviceId, DoorId, EventId, MsgId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{Info, State, Status, from_json};
use ostiary_common::wire::{DeviceReport, EventAck, EventBatch, ReportKind};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;
use crate::cache::EventDraft;
use crate::config::Config;
use crate::domain::credentials::{Credentials, Token};
use crate::identity::{Identity, IdentityFiles, Secrets};
use crate::mqtt::connection::Incoming;
use crate::mqtt::driver::DriverParts;
use crate::recorder::Recorder;
use crate::shared::Shared;
use crate::sync::Outgoing;
use crate::testing::{DIMENSION, shared};

const PATIENCE: Duration = Duration::from_secs(20);

struct Broker {
    child: Child,
    port: u16,
    dir: std::path::PathBuf,
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Broker {
    /// Starts mosquitto; `None` if it is not installed.
    fn start(dir: &Path, port: u16) -> Option<Self> {
        let at = dir.display();
        let text = format!(
            "user root\nallow_anonymous true\npersistence false\nlistener {port} 127.0.0.1\n\
             certfile {at}/server.pem\nkeyfile {at}/server.key\n"
        );
        std::fs::write(dir.join("mosquitto.conf"), text).unwrap();
        let programs = ["mosquitto", "/usr/sbin/mosquitto"];
        let child = programs.iter().find_map(|program| {
            let config = dir.join("mosquitto.conf");
            Command::new(program).arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        })?;
        let broker = Self { child, port, dir: dir.to_owned() };
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(broker)
    }

    fn restart(self) -> Self {
        let (dir, port) = (self.dir.clone(), self.port);
        drop(self);
        Self::start(&dir, port).unwrap()
    }
}

/// Writes a certificate for 127.0.0.1; returns its CA.
fn certificates(dir: &Path) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    std::fs::write(dir.join("server.pem"), leaf.pem()).unwrap();
    std::fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
    ca.pem()
}

struct Device {
    shared: Arc<Shared>,
    signals: Signals,
    keeping: tokio::task::JoinHandle<Result<Option<Wish>, KeeperError>>,
    root: DeviceRoot,
}

fn start_device(dir: &Path, url: &str, ca_pem: &str) -> Device {
    let mut config = Config::default();
    config.outbox.ack_timeout_s = 1;
    let config = Arc::new(config);
    let (shared, holdings) = shared(dir, &config);
    let files = IdentityFiles::new(dir);
    let identity = Identity {
        device: DeviceId::generate(),
        site: SiteId::generate(),
        door: DoorId::generate(),
        name: "test".into(),
        server_url: "https://127.0.0.1:1".into(),
        broker_url: url.into(),
        ca_pem: ca_pem.into(),
        certificate_pem: String::new(),
    };
    let mut credentials = Credentials::default();
    let (issued_at, expires_at) = (UnixMillis(0), UnixMillis(i64::MAX / 2));
    credentials.renewed(Token { jwt: "token".into(), issued_at, expires_at, received: None });
    let key_pem = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    files.replace(&identity, &key_pem, &Secrets { credentials, session_floor: 41, ..Secrets::default() }).unwrap();
    let root = DeviceRoot { site: identity.site, device: identity.device };
    let parts = DriverParts {
        shared: Arc::clone(&shared),
        recorder: Recorder::new().0,
        root,
        config,
        dimension: DIMENSION,
        info: Info::default(),
        holdings,
        attendant: Box::new(crate::testing::Nobody),
        introduction: None,
    };
    let (max_backoff, keep_alive) = (Duration::from_millis(500), Duration::from_secs(5));
    let reach = Reach { broker_url: url.into(), max_backoff, keep_alive };
    let (shutdown, draining) = (CancellationToken::new(), CancellationToken::new());
    let signals = Signals { shutdown, draining, resting: Resting::default() };
    let tokens = TokenKeeper::load(files, false).unwrap();
    let keeping = tokio::spawn(keep(Driver::new(parts).unwrap(), tokens, reach, signals.clone()));
    Device { shared, signals, keeping, root }
}

impl Device {
    fn append(&self) {
        let report = DeviceReport { kind: ReportKind::Started, detail: "x".into() };
        let time = self.shared.clock.event_time();
        let draft = EventDraft { id: EventId::generate(), time, visit: None, report: Some(report) };
        self.shared.cache.outbox.append(draft).unwrap();
        self.shared.outbox_changed.notify_one();
    }
}

/// The server's side of the wire.
struct Server {
    connection: Connection,
    root: DeviceRoot,
}

impl Server {
    async fn connect(url: &str, ca_pem: &str, root: DeviceRoot) -> Self {
        let tls = mqtt_client_config(ca_pem, "", &key(), TlsTime::WALL).unwrap();
        let will = message("ostiary/none".into(), Vec::new());
        let dial = Dial {
            broker_url: url,
            tls: Arc::new(tls),
            device: "server".into(),
            token: "x",
            will,
            keep_alive: Duration::from_secs(5),
        };
        let connection = Connection::dial(dial).await.unwrap();
        connection.subscribe(vec![format!("{root}/#")]);
        Self { connection, root }
    }

    /// Waits for a message on `channel` that `wanted` makes something of.
    async fn wait<T>(&mut self, channel: &Channel, wanted: impl Fn(&[u8]) -> Option<T>) -> T {
        let topic = self.root.topic(channel);
        let waiting = async {
            loop {
                match self.connection.next().await.expect("the server's connection stands") {
                    Incoming::Message(m) if *m.topic == *topic.as_bytes() => {
                        if let Some(found) = wanted(&m.payload) {
                            return found;
                        }
                    }
                    Incoming::Lost(reason) => panic!("the server's connection: {reason}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("nothing on {topic}"))
    }

    async fn status(&mut self, state: State) -> Status {
        self.wait(&Channel::Status, |payload| from_json::<Status>(payload).ok().filter(|s| s.state == state)).await
    }

    async fn batch(&mut self) -> EventBatch {
        self.wait(&Channel::Events, |payload| Some(Envelope::<EventBatch>::decode(payload).unwrap().body)).await
    }

    fn ack(&self, batch: &EventBatch) {
        let upto_seq = batch.events.last().unwrap().seq;
        let envelope = Envelope {
            v: WIRE_VERSION,
            msg_id: MsgId::generate(),
            device: self.root.device,
            session: 0,
            seq: 0,
            sent_at: UnixMillis(0),
            body: EventAck { stream: batch.stream, upto_seq, resend_from: None, rejected: Vec::new(), batch: None },
        };
        let topic = self.root.topic(&Channel::EventsAck);
        self.connection.send(message(topic, envelope.encode().unwrap())).unwrap();
    }
}

fn key() -> String {
    KeyPair::generate().unwrap().serialize_pem()
}

fn message(topic: String, payload: Vec<u8>) -> Outgoing {
    Outgoing { topic, payload, retain: false, reliable: true, expiry: None }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = tokio::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ca_pem = certificates(dir.path());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(broker) = Broker::start(dir.path(), port) else {
        println!("SKIPPED: mosquitto is not installed");
        return;
    };
    let url = format!("mqtts://127.0.0.1:{port}");
    let device = start_device(dir.path(), &url, &ca_pem);
    device.append();

    let mut server = Server::connect(&url, &ca_pem, device.root).await;
    let first = server.status(State::Online).await;
    assert!(first.session > 41, "above the floor the server gave");
    device.append();
    let batch = server.batch().await;
    server.ack(&batch);

    let broker = broker.restart();
    device.append();
    let mut server = Server::connect(&url, &ca_pem, device.root).await;
    let second = server.status(State::Online).await;
    assert!(second.session > first.session, "every connection is a session of its own");
    let last = device.shared.cache.outbox.last_seq();
    loop {
        let batch = server.batch().await;
        server.ack(&batch);
        if batch.events.last().unwrap().seq == last {
            break;
        }
    }
    until("the outbox empties", || device.shared.cache.outbox.len() == 0).await;

    device.signals.shutdown.cancel();
    let stopped = server.status(State::Stopped).await;
    assert_eq!(stopped.session, second.session);
    assert!(device.keeping.await.unwrap().unwrap().is_none());
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_dies_is_said_to_be_lost() {
    let dir = tempfile::tempdir().unwrap();
    let ca_pem = certificates(dir.path());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(_broker) = Broker::start(dir.path(), port) else {
        println!("SKIPPED: mosquitto is not installed");
        return;
    };
    let url = format!("mqtts://127.0.0.1:{port}");
    let device = start_device(dir.path(), &url, &ca_pem);
    let mut server = Server::connect(&url, &ca_pem, device.root).await;
    let online = server.status(State::Online).await;
    device.keeping.abort();
    assert_eq!(server.status(State::Lost).await.session, online.session);
}
