//! The broker's hooks: every connect, subscribe and publish passes here, and what is not allowed is refused.
//!
//! The broker allows where a hook gives no answer, so every branch here gives one.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::hook::{Handler, HookResult, Parameter, Register, ReturnType, Type};
use rmqtt::session::Session;
use rmqtt::types::{
    AuthResult, ConnectInfo, FromType, Id, LastWill, Publish, PublishAclResult, Subscribe, SubscribeAclResult,
};
use tokio::sync::SetOnce;

use super::acl::{Denied, Principal};
use super::credentials::{Attempt, Credentials, Refused, Will};
use super::front::Peers;
use super::rate::PublishRate;
use super::sessions::Sessions;
use crate::ports::{AuthRefused, DeviceEar};
use crate::refusals::{Refusal, RefusalLog};

const MQTT_5: u8 = 5;

/// What the hooks work with.
pub(super) struct Gate {
    pub(super) credentials: Credentials,
    pub(super) sessions: Sessions,
    pub(super) rate: PublishRate,
    pub(super) refusals: Arc<RefusalLog>,
    pub(super) peers: Arc<Peers>,
    /// Where what devices say is handed over; `None` if the server is a client like others. Until it is set, they
    /// wait.
    pub(super) ear: Option<SetOnce<Arc<dyn DeviceEar>>>,
}

/// The gate as the broker calls it.
struct Hooks(Arc<Gate>);

/// Registers the gate for everything it decides, and arms it.
pub(super) async fn stand_guard(register: &dyn Register, gate: &Arc<Gate>) {
    for event in [
        Type::ClientAuthenticate,
        Type::ClientSubscribeCheckAcl,
        Type::MessagePublishCheckAcl,
        Type::MessagePublish,
        Type::ClientDisconnected,
    ] {
        register.add(event, Box::new(Hooks(gate.clone()))).await;
    }
    register.start().await;
}

#[async_trait]
impl Handler for Hooks {
    async fn hook(&self, event: &Parameter, before: Option<HookResult>) -> ReturnType {
        let answer = match event {
            Parameter::ClientAuthenticate(connect) => HookResult::AuthResult(self.0.authenticate(connect).await),
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                HookResult::SubscribeAclResult(self.0.subscribe(session, subscribe))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                HookResult::PublishAclResult(self.0.publish(session, publish).await)
            }
            Parameter::MessagePublish(_, from, publish) => {
                // Wills come here only; they were allowed when the client was let in.
                if matches!(from.typ(), FromType::LastWill) {
                    self.0.hand_over(&publish.topic, &publish.payload).await;
                }
                return (true, before);
            }
            Parameter::ClientDisconnected(session, _) => {
                self.0.sessions.leave(&session.id);
                return (true, before);
            }
            _ => return (true, before),
        };
        (false, Some(answer))
    }
}

impl Gate {
    async fn authenticate(&self, connect: &ConnectInfo) -> AuthResult {
        let attempt = attempt(connect);
        let checked = match self.peers.behind(connect.id().remote_addr) {
            Some(_) => self.credentials.check(&attempt).await,
            None => Err(Refused::PastTheDoor),
        };
        match checked {
            Ok(granted) => {
                self.sessions.admit(connect.id().clone(), granted);
                AuthResult::Allow(false, None)
            }
            Err(refused) => {
                self.note("anonymous".to_owned(), "mqtt.connect", attempt.client_id, connect.id(), refused.to_string());
                answer(&refused)
            }
        }
    }

    fn subscribe(&self, session: &Session, subscribe: &Subscribe) -> SubscribeAclResult {
        // The broker takes `$share/group/` off the filter before it asks; a shared read takes messages away from
        // others and is for servers only, whose broker is then an external one.
        let allowed = self.allowed(session, |who| match subscribe.opts.shared_group() {
            Some(_) => Err(Denied::Filter),
            None => who.may_subscribe(&subscribe.topic_filter),
        });
        match allowed {
            Ok(()) => SubscribeAclResult::new_success(subscribe.opts.qos(), None),
            Err((who, denied)) => {
                self.note(who, "mqtt.subscribe", &subscribe.topic_filter, &session.id, denied.to_string());
                SubscribeAclResult::new_failure(SubscribeAckReason::NotAuthorized)
            }
        }
    }

    async fn publish(&self, session: &Session, publish: &Publish) -> PublishAclResult {
        let size_bytes = publish.payload.len();
        if session.id.username.as_deref() != Some(super::LINK_USER) {
            self.rate.wait(&session.id.client_id.to_string(), size_bytes).await;
        }
        match self.allowed(session, |who| who.may_publish(&publish.topic, publish.retain, size_bytes)) {
            Ok(()) => {
                self.hand_over(&publish.topic, &publish.payload).await;
                PublishAclResult::allow()
            }
            Err((who, denied)) => {
                self.note(who, "mqtt.publish", &publish.topic, &session.id, denied.to_string());
                PublishAclResult::rejected(false, Some(denied.to_string().into()))
            }
        }
    }

    /// Hands over what a device said; nobody else may publish where there is an ear.
    async fn hand_over(&self, topic: &str, payload: &Bytes) {
        if let Some(ear) = &self.ear {
            ear.wait().await.hear(topic, payload.clone()).await;
        }
    }

    /// Asks the rules about a session. One that was never let in may nothing.
    fn allowed(
        &self,
        session: &Session,
        rule: impl FnOnce(&Principal) -> Result<(), Denied>,
    ) -> Result<(), (String, Denied)> {
        let Some(who) = self.sessions.principal(&session.id.client_id) else {
            return Err(("anonymous".to_owned(), Denied::Topic));
        };
        rule(&who).map_err(|denied| (who.actor(), denied))
    }

    fn note(&self, actor: String, action: &'static str, target: &str, from: &Id, detail: String) {
        let source = self.peers.behind(from.remote_addr).map(|address| address.to_string()).unwrap_or_default();
        self.refusals.refuse(Refusal { actor, action, target: target.to_owned(), source, detail });
    }
}

fn attempt(connect: &ConnectInfo) -> Attempt<'_> {
    Attempt {
        client_id: connect.client_id(),
        username: connect.username().map(|name| &**name),
        password: connect.password().map(|password| &password[..]),
        is_v5: connect.proto_ver() == MQTT_5,
        will: connect.last_will().map(will),
    }
}

fn will(will: LastWill<'_>) -> Will<'_> {
    match will {
        LastWill::V3(will) => Will { topic: &will.topic, retain: will.retain, size_bytes: will.message.len() },
        LastWill::V5(will) => Will { topic: &will.topic, retain: will.retain, size_bytes: will.message.len() },
    }
}

/// What the client is told: whether to get a new token, or that it may not do what it asked for.
fn answer(refused: &Refused) -> AuthResult {
    match refused {
        Refused::Anonymous | Refused::Password(_) | Refused::Device(AuthRefused::Token(_)) => {
            AuthResult::BadUsernameOrPassword
        }
        Refused::PastTheDoor | Refused::ClientId | Refused::Protocol | Refused::Will(_) | Refused::Device(_) => {
            AuthResult::NotAuthorized
        }
    }
}
