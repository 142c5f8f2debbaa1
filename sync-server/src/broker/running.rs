//! The embedded broker at work: ending sessions, stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::DeviceId;
use rmqtt::context::ServerContext;
use rmqtt::types::Id;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::acl::Principal;
use super::gate::Gate;
use super::retain::Retained;
use super::voice::Voice;
use crate::ports::{Clock, DeviceEar, DeviceVoice};

/// How often ended tokens are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// When a kick is repeated, to catch a connection that was being let in at the time.
const KICK_AGAIN_AFTER: [Duration; 3] = [Duration::ZERO, Duration::from_millis(500), Duration::from_secs(3)];
/// How long connections get to end when the broker stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// How long a client that was let in may take to finish connecting before it is forgotten.
const ADMITTED_WITHIN: Duration = Duration::from_secs(60);

/// The broker at work. Dropping it does not stop it; see [`RunningBroker::stop`].
pub struct RunningBroker {
    /// Where it listens.
    pub local_addr: SocketAddr,
    pub(super) context: ServerContext,
    pub(super) gate: Arc<Gate>,
    pub(super) tasks: TaskTracker,
    pub(super) stopping: CancellationToken,
    pub(super) connections: TaskTracker,
    pub(super) hang_up: CancellationToken,
    pub(super) listening: watch::Receiver<bool>,
}

/// Ends connections whose token has ended, and forgets what is over.
pub(super) async fn sweep(context: ServerContext, gate: Arc<Gate>, retained: Arc<Retained>, clock: Arc<dyn Clock>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    loop {
        tick.tick().await;
        for id in gate.sessions.expired(clock.now()) {
            tracing::info!(device.id = %id.client_id, "the token of {} has ended, closing its session", id.client_id);
            end_session(&context, &id).await;
            gate.sessions.leave(&id);
        }
        forget_absent(&context, &gate).await;
        retained.forget_expired();
        gate.rate.forget_quiet();
        metrics::gauge!("ostiary_server_mqtt_connections").set(context.connections.count() as f64);
    }
}

/// Forgets clients that were let in and then never finished connecting.
async fn forget_absent(context: &ServerContext, gate: &Gate) {
    let shared = context.extends.shared().await;
    let now_ms = rmqtt::utils::timestamp_millis();
    let grace_ms = i64::try_from(ADMITTED_WITHIN.as_millis()).unwrap_or(i64::MAX);
    for id in gate.sessions.all(|one| one.id.create_time.saturating_add(grace_ms) < now_ms) {
        if !shared.exist(&id.client_id) {
            gate.sessions.leave(&id);
        }
    }
}

/// Ends a client's connection. Its will is sent, as for any connection that ends without a word.
async fn end_session(context: &ServerContext, id: &Id) {
    let entry = context.extends.shared().await.entry(id.clone());
    if !entry.exist() {
        return;
    }
    let ended = match entry.try_lock().await {
        Ok(mut entry) => entry.kick(true, true, true).await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, client.id = %id.client_id, "the session of {} could not be ended yet", id.client_id);
    }
}

impl RunningBroker {
    /// Ends a device's connection, soon and without waiting. A connection being let in right now is caught by
    /// asking again. One that begins later is left alone: whether it may come in was asked after what this kick
    /// is for, a revocation or a new claim, was in the store.
    pub fn kick(&self, device: DeviceId) {
        let (context, gate) = (self.context.clone(), self.gate.clone());
        let asked_ms = rmqtt::utils::timestamp_millis();
        let again = self.stopping.clone().run_until_cancelled_owned(async move {
            for pause in KICK_AGAIN_AFTER {
                tokio::time::sleep(pause).await;
                let client = device.to_string();
                for id in gate.sessions.all(|one| *one.id.client_id == *client && one.id.create_time <= asked_ms) {
                    end_session(&context, &id).await;
                }
            }
        });
        self.tasks.spawn(again);
    }

    /// Hands over what devices say from now on; only once, and only with [`ServerAccess::Direct`].
    ///
    /// [`ServerAccess::Direct`]: super::embedded::ServerAccess::Direct
    pub fn hand_over_to(&self, ear: Arc<dyn DeviceEar>) {
        let told = self.gate.ear.as_ref().map(|slot| slot.set(ear));
        if !matches!(told, Some(Ok(()))) {
            tracing::error!("the broker hands messages over to somebody else already, or to a client");
        }
    }

    /// What speaks to devices and monitors.
    pub fn voice(&self) -> Arc<dyn DeviceVoice> {
        Arc::new(Voice { context: self.context.clone(), gate: self.gate.clone() })
    }

    /// How many clients are connected, the server's own included.
    pub fn connected(&self) -> usize {
        usize::try_from(self.context.connections.count()).unwrap_or(0)
    }

    /// How many devices are connected.
    pub fn devices_connected(&self) -> usize {
        self.gate.sessions.all(|one| matches!(*one.principal, Principal::Device(_))).len()
    }

    /// Whether it accepts connections.
    pub fn is_listening(&self) -> bool {
        *self.listening.borrow()
    }

    /// Returns when it no longer accepts connections, told to or not.
    pub async fn ended(&self) {
        // An error means that the sender is gone, which is the same.
        let _ = self.listening.clone().wait_for(|listening| !listening).await;
    }

    /// Stops listening, ends every connection, and returns when they are gone or have had their time.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        // Again and again, because a client may have been half let in when listening stopped.
        let ended = async {
            while self.context.connections.count() + self.context.handshakings.count() > 0 {
                for id in self.gate.sessions.all(|_| true) {
                    end_session(&self.context, &id).await;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            tracing::warn!(connections = self.connected(), "connections were still open when the broker stopped");
        }
        self.hang_up.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use async_trait::async_trait;
    use ostiary_common::claims::DeviceClaims;
    use ostiary_common::time::UnixMillis;
    use rumqttc::v5::mqttbytes::v5::ConnectReturnCode;
    use rumqttc::v5::{AsyncClient, ConnectionError, MqttOptions};

    use rustls::server::ResolvesServerCert;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};

    use super::super::embedded::{BrokerLimits, EmbeddedBroker, ServerAccess, start};
    use super::super::{LINK_USER, MONITOR_USER};
    use super::*;
    use crate::domain::audit::AuditEntry;
    use crate::ports::{AuditStore, AuthRefused, DeviceAuth, StoreError};
    use crate::refusals::refusal_log;
    use crate::secret::Secret;

    struct Nobody;

    #[async_trait]
    impl DeviceAuth for Nobody {
        async fn authenticate(&self, _: &str, _: &str) -> Result<DeviceClaims, AuthRefused> {
            Err(AuthRefused::Token("nobody".into()))
        }
    }

    impl Clock for Nobody {
        fn now(&self) -> UnixMillis {
            UnixMillis(0)
        }
    }

    #[async_trait]
    impl AuditStore for Nobody {
        async fn audit(&self, _: &AuditEntry) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn certificate() -> Arc<dyn ResolvesServerCert> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(vec![made.cert.der().clone()], key, &provider).unwrap();
        Arc::new(SingleCertAndKey::from(key))
    }

    #[tokio::test]
    async fn who_goes_past_the_front_door_is_not_let_in_with_any_password() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (refusals, _writer) = refusal_log(Arc::new(Nobody), Arc::new(Nobody));
        let broker = start(EmbeddedBroker {
            listen: ([127, 0, 0, 1], 0).into(),
            certificate: certificate(),
            auth: Arc::new(Nobody),
            refusals,
            clock: Arc::new(Nobody),
            server: ServerAccess::Client(Secret::new("link")),
            monitor_password: Some(Secret::new("look")),
            limits: BrokerLimits::default(),
        })
        .await
        .unwrap();
        let inner = broker.context.listen_cfgs.iter().next().map(|listener| *listener.key()).and_then(NonZeroU16::new);
        for (user, password) in [(LINK_USER, "link"), (MONITOR_USER, "look")] {
            let mut options = MqttOptions::new(user, "127.0.0.1", inner.unwrap().get());
            options.set_credentials(user, password);
            let (_client, mut events) = AsyncClient::new(options, 8);
            let refused = events.poll().await.unwrap_err();
            assert!(
                matches!(refused, ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized)),
                "{refused}"
            );
        }
        broker.stop().await;
    }
}
