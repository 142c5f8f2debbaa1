//! Who is let in, and as what.

use std::sync::Arc;

use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;

use super::acl::{DeviceGrant, Principal};
use super::{LINK_USER, MONITOR_USER};
use crate::ports::{AuthRefused, DeviceAuth};
use crate::secret::Secret;

/// Longer tokens are refused unread.
const MAX_PASSWORD_BYTES: usize = 16 * 1024;

/// What a client presents.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// Client id, as chosen by the client.
    pub client_id: &'a str,
    /// User name.
    pub username: Option<&'a str>,
    /// Password; a device's token.
    pub password: Option<&'a [u8]>,
    /// Whether it speaks MQTT 5; the older protocol cannot say why something was refused.
    pub is_v5: bool,
    /// The message to be sent for it when it is gone.
    pub will: Option<Will<'a>>,
}

/// A will, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Will<'a> {
    /// Where it goes.
    pub topic: &'a str,
    /// Whether it is kept.
    pub retain: bool,
    /// How large it is.
    pub size_bytes: usize,
}

/// Somebody let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// As what.
    pub principal: Principal,
    /// Until when; `None` for as long as it stays connected.
    pub expires_at: Option<UnixMillis>,
}

/// Why nobody was let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A local program that connected to the broker itself, around TLS and its bounds.
    #[error("the connection did not come through the front door")]
    PastTheDoor,
    /// No user name or no password.
    #[error("anonymous clients are not let in")]
    Anonymous,
    /// A client id that belongs to somebody else: connecting with it would throw that one out.
    #[error("this client id is not for this user name")]
    ClientId,
    /// The server's or the monitor's password is wrong.
    #[error("wrong password for `{0}`")]
    Password(&'static str),
    /// A device speaking an older MQTT.
    #[error("devices speak MQTT 5")]
    Protocol,
    /// The token is refused.
    #[error(transparent)]
    Device(#[from] AuthRefused),
    /// The will would go where the client may not publish. The broker sends wills without asking again.
    #[error("the will is refused: {0}")]
    Will(super::acl::Denied),
}

/// Checks what clients present.
pub struct Credentials {
    /// Checks device tokens.
    pub devices: Arc<dyn DeviceAuth>,
    /// The password of the server's own client; `None` if it needs no connection.
    pub link_secret: Option<Secret>,
    /// The password of the read-only monitor; nobody monitors without one.
    pub monitor_password: Option<Secret>,
}

impl Credentials {
    /// Lets a client in or not.
    ///
    /// # Errors
    /// [`Refused`] with the reason, which is for the audit log and not for the client.
    pub async fn check(&self, attempt: &Attempt<'_>) -> Result<Granted, Refused> {
        let (Some(username), Some(password)) = (attempt.username, attempt.password) else {
            return Err(Refused::Anonymous);
        };
        if !client_id_fits(username, attempt.client_id) {
            return Err(Refused::ClientId);
        }
        let granted = match username {
            LINK_USER => Self::by_password(self.link_secret.as_ref(), password, LINK_USER, Principal::Link),
            MONITOR_USER => {
                Self::by_password(self.monitor_password.as_ref(), password, MONITOR_USER, Principal::Monitor)
            }
            _ => self.by_token(attempt, password).await,
        }?;
        match attempt.will {
            Some(will) => {
                granted.principal.may_publish(will.topic, will.retain, will.size_bytes).map_err(Refused::Will)
            }
            None => Ok(()),
        }
        .map(|()| granted)
    }

    fn by_password(
        expected: Option<&Secret>,
        presented: &[u8],
        name: &'static str,
        principal: Principal,
    ) -> Result<Granted, Refused> {
        let fits = expected.is_some_and(|secret| secret.matches(presented));
        if fits { Ok(Granted { principal, expires_at: None }) } else { Err(Refused::Password(name)) }
    }

    async fn by_token(&self, attempt: &Attempt<'_>, password: &[u8]) -> Result<Granted, Refused> {
        if !attempt.is_v5 {
            return Err(Refused::Protocol);
        }
        let token = Some(password)
            .filter(|password| password.len() <= MAX_PASSWORD_BYTES)
            .and_then(|password| std::str::from_utf8(password).ok())
            .ok_or_else(|| AuthRefused::Token("not a token".to_owned()))?;
        let claims = self.devices.authenticate(attempt.client_id, token).await?;
        // Checked by the port already; a broker that hands out another device's topics by a slip there would
        // be the worst kind of mistake, so it is checked where it counts as well.
        if claims.sub.to_string() != attempt.client_id {
            return Err(AuthRefused::ClientId.into());
        }
        let expires_at = Some(UnixMillis::from_unix_seconds(claims.exp));
        Ok(Granted { principal: Principal::Device(DeviceGrant::of(&claims)), expires_at })
    }
}

/// Client ids of devices, of the link and of monitors never meet, so nobody can take over another's session.
fn client_id_fits(username: &str, client_id: &str) -> bool {
    let is_link = client_id == LINK_USER;
    match username {
        LINK_USER => is_link,
        MONITOR_USER => !is_link && !is_device_id(client_id),
        _ => username == client_id,
    }
}

/// An id as devices write it. The broker makes up undashed ones for clients that bring none, which are others.
fn is_device_id(client_id: &str) -> bool {
    client_id.parse::<DeviceId>().is_ok_and(|id| id.to_string() == client_id)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use ostiary_common::claims::{AUDIENCE_DEVICE, DeviceClaims, device_acl};
    use ostiary_common::ids::{SiteId, TokenId};
    use ostiary_common::topics::{Channel, DeviceRoot};

    use super::super::acl::Denied;
    use super::*;

    struct OneDevice(DeviceRoot);

    #[async_trait]
    impl DeviceAuth for OneDevice {
        async fn authenticate(&self, client_id: &str, token: &str) -> Result<DeviceClaims, AuthRefused> {
            let root = self.0;
            match token {
                "good"
                    if client_id == root.device.to_string() || client_id == "00000000-0000-0000-0000-000000000000" =>
                {
                    Ok(DeviceClaims {
                        iss: "test".into(),
                        sub: root.device,
                        aud: AUDIENCE_DEVICE.into(),
                        site: root.site,
                        jti: TokenId::generate(),
                        iat: 0,
                        nbf: 0,
                        exp: 60,
                        acl: device_acl(&root),
                    })
                }
                _ => Err(AuthRefused::Token("bad".into())),
            }
        }
    }

    fn attempt<'a>(client_id: &'a str, username: &'a str, password: &'a str) -> Attempt<'a> {
        Attempt { client_id, username: Some(username), password: Some(password.as_bytes()), is_v5: true, will: None }
    }

    #[tokio::test]
    async fn lets_in_whom_it_should() {
        let root = DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() };
        let other = DeviceRoot { device: DeviceId::generate(), ..root };
        let checks = Credentials {
            devices: Arc::new(OneDevice(root)),
            link_secret: Some(Secret::new("link")),
            monitor_password: Some(Secret::new("look")),
        };
        let (id, nil) = (root.device.to_string(), "00000000-0000-0000-0000-000000000000");
        let check = async |attempt: Attempt<'_>, expected: Result<(), Refused>| {
            assert_eq!(checks.check(&attempt).await.map(|_| ()), expected, "{attempt:?}");
        };
        let token_refused = || Err(Refused::Device(AuthRefused::Token("bad".into())));
        check(attempt(&id, &id, "good"), Ok(())).await;
        check(attempt(&id, &id, "forged"), token_refused()).await;
        check(attempt(nil, nil, "good"), Err(Refused::Device(AuthRefused::ClientId))).await;
        check(attempt("x", &id, "good"), Err(Refused::ClientId)).await;
        check(attempt(LINK_USER, LINK_USER, "link"), Ok(())).await;
        check(attempt(LINK_USER, LINK_USER, "look"), Err(Refused::Password(LINK_USER))).await;
        check(attempt(&id, LINK_USER, "link"), Err(Refused::ClientId)).await;
        check(attempt("desk", MONITOR_USER, "look"), Ok(())).await;
        check(attempt("0197f2a01c3b7d2e9f001234567890ab", MONITOR_USER, "look"), Ok(())).await;
        check(attempt("desk", MONITOR_USER, ""), Err(Refused::Password(MONITOR_USER))).await;
        check(attempt(&id, MONITOR_USER, "look"), Err(Refused::ClientId)).await;
        check(attempt(LINK_USER, MONITOR_USER, "look"), Err(Refused::ClientId)).await;
        check(Attempt { username: None, ..attempt(&id, &id, "good") }, Err(Refused::Anonymous)).await;
        check(Attempt { password: None, ..attempt(&id, &id, "good") }, Err(Refused::Anonymous)).await;
        check(Attempt { is_v5: false, ..attempt(&id, &id, "good") }, Err(Refused::Protocol)).await;
        check(Attempt { is_v5: false, ..attempt("desk", MONITOR_USER, "look") }, Ok(())).await;
        let huge = "x".repeat(MAX_PASSWORD_BYTES + 1);
        check(attempt(&id, &id, &huge), Err(Refused::Device(AuthRefused::Token("not a token".into())))).await;
        let (own_status, foreign_status) = (root.topic(&Channel::Status), other.topic(&Channel::Status));
        let will = |topic| Some(Will { topic, retain: true, size_bytes: 10 });
        check(Attempt { will: will(&own_status), ..attempt(&id, &id, "good") }, Ok(())).await;
        check(Attempt { will: will(&foreign_status), ..attempt(&id, &id, "good") }, Err(Refused::Will(Denied::Topic)))
            .await;
        check(
            Attempt { will: will(&own_status), ..attempt("desk", MONITOR_USER, "look") },
            Err(Refused::Will(Denied::ReadOnly)),
        )
        .await;
    }
}
