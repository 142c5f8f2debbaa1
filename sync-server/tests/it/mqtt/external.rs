//! The link with somebody else's broker: Mosquitto, with TLS, a password and a shared subscription.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostiary_common::topics::Channel;
use ostiary_server::link::{Endpoint, Login, trusting};
use ostiary_server::secret::Secret;
use rumqttc::v5::MqttOptions;
use rumqttc::{TlsConfiguration, Transport};
use tempfile::TempDir;

use super::client::{Client, PATIENCE};
use super::fake_store::FakeStore;
use super::link::{Camera, start_link_to};
use super::world::{certificates, install_tls};

const MOSQUITTO: [&str; 2] = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"];

/// A Mosquitto of our own, ended with the test.
struct Mosquitto {
    process: Child,
    port: u16,
}

impl Mosquitto {
    /// `None`, said aloud, where Mosquitto is not installed.
    fn start(dir: &TempDir) -> Option<(Self, String)> {
        let Some(program) = MOSQUITTO.into_iter().find(|path| Path::new(path).exists()) else {
            eprintln!("SKIPPED: Mosquitto is not installed (Debian package `mosquitto`)");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (tls, ca_pem) = certificates(dir);
        let (config, passwords) = (dir.path().join("mosquitto.conf"), dir.path().join("passwords"));
        std::fs::write(&passwords, "").unwrap();
        for user in ["server", "camera"] {
            let made = Command::new("mosquitto_passwd").arg("-b").arg(&passwords).args([user, "secret"]).status();
            assert!(made.unwrap().success());
        }
        let text = format!(
            "per_listener_settings false\nallow_anonymous false\npassword_file {}\nlistener {port} 127.0.0.1\n\
             certfile {}\nkeyfile {}\nmax_inflight_messages 1000\nuser root\n",
            passwords.display(),
            tls.chain.display(),
            tls.key.display(),
        );
        std::fs::write(&config, text).unwrap();
        let process = Command::new(program).arg("-c").arg(&config).stderr(Stdio::null()).spawn().unwrap();
        Some((Self { process, port }, ca_pem))
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_works_with_mosquitto() {
    install_tls();
    let dir = tempfile::tempdir().unwrap();
    let Some((broker, ca_pem)) = Mosquitto::start(&dir) else { return };
    let trust = trusting(ca_pem.as_bytes(), None).unwrap();
    let store = Arc::new(FakeStore::default());
    let endpoint = Endpoint { host: "localhost".to_owned(), port: broker.port, tls: Some(trust.clone()) };
    let login = Login { client_id: "server-1".to_owned(), user: Some(("server".to_owned(), Secret::new("secret"))) };
    let (link, _, shutdown, tasks) = start_link_to(endpoint, login, Some("ostiary".to_owned()), &store);
    let mut connected = link.connected.clone();
    tokio::time::timeout(PATIENCE, connected.wait_for(|is| *is)).await.expect("connected in time").unwrap();

    let root = store.add_active();
    let mut options = MqttOptions::new(root.device.to_string(), "localhost", broker.port);
    options
        .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(trust)))
        .set_credentials("camera", "secret");
    let mut camera = Camera::over(Client::connect(options).await.unwrap(), root).await;
    let batch = camera.batch(1..=3);
    for _ in 0..2 {
        camera.send(&Channel::Events, batch.clone()).await;
        assert_eq!(camera.ack().await, camera.acked(3, None));
    }
    // This broker lets anybody publish anywhere: the server itself must not believe a topic.
    let forged = camera.envelope(camera.batch(4..=4)).encode().unwrap();
    camera.root = store.add_active();
    camera.send_bytes(&Channel::Events, forged).await;
    let started = Instant::now();
    while store.audited("ingest.refused").is_empty() {
        assert!(started.elapsed() < PATIENCE, "the forged message is refused");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(store.look().events.len(), 3);
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
}
