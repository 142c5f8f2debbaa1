//! What tokens say. Signing and checking is done by the programs (with `jsonwebtoken`); the words are here.

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, SiteId, TokenId};
use crate::topics::DeviceRoot;

/// `aud` of device tokens: the MQTT broker and the device API.
pub const AUDIENCE_DEVICE: &str = "ostiary-device";
/// `aud` of a device's signed assertion when it asks for a new token.
pub const AUDIENCE_TOKEN_ENDPOINT: &str = "ostiary-device-token";
/// `aud` of access tokens of people and services.
pub const AUDIENCE_API: &str = "ostiary-api";

/// A device token: lets one device onto the broker, below its own root, until `exp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceClaims {
    /// The server's issuer name.
    pub iss: String,
    /// The device; also its MQTT client id and user name.
    pub sub: DeviceId,
    /// [`AUDIENCE_DEVICE`].
    pub aud: String,
    /// The site the device belongs to.
    pub site: SiteId,
    /// Unique token id, for revocation.
    pub jti: TokenId,
    /// Issued at, Unix seconds.
    pub iat: u64,
    /// Not valid before, Unix seconds.
    pub nbf: u64,
    /// Not valid from here on, Unix seconds.
    pub exp: u64,
    /// What the device may publish and read, in the form EMQX and RMQTT enforce.
    pub acl: Vec<AclRule>,
}

/// A device's proof that it holds its key (RFC 7523 style), signed by the device (Ed25519).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceAssertion {
    /// The device.
    pub iss: DeviceId,
    /// The device.
    pub sub: DeviceId,
    /// [`AUDIENCE_TOKEN_ENDPOINT`].
    pub aud: String,
    /// Unique, accepted once while the server remembers it.
    pub jti: TokenId,
    /// Issued at, Unix seconds by the device's clock; the server does not rely on it, a board may boot in 1970.
    pub iat: u64,
    /// A nonce the server handed out just before; what proves freshness instead of the clock.
    pub nonce: String,
}

/// One rule of an `acl` claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclRule {
    /// `allow` or `deny`.
    pub permission: AclPermission,
    /// `publish` or `subscribe`.
    pub action: AclAction,
    /// A topic filter.
    pub topic: String,
}

/// Whether a rule allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AclPermission {
    /// May.
    Allow,
    /// May not.
    Deny,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AclAction {
    /// Sending.
    Publish,
    /// Receiving.
    Subscribe,
}

/// The rules of a device at `root`: it publishes what devices publish and reads what is meant for devices, both below
/// its own root only; beside that it describes itself to Home Assistant and hears that it started; and nothing else.
#[must_use]
pub fn device_acl(root: &DeviceRoot) -> Vec<AclRule> {
    let rule = |action, topic| AclRule { permission: AclPermission::Allow, action, topic };
    let publish = root.published_by_device().into_iter().map(|topic| rule(AclAction::Publish, topic));
    let subscribe = root.subscribed_by_device().into_iter().map(|topic| rule(AclAction::Subscribe, topic));
    publish.chain(subscribe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home_assistant::{BIRTH_TOPIC, discovery_topic};

    #[test]
    fn a_device_is_allowed_nothing_outside_its_root() {
        let root = DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() };
        let rules = device_acl(&root);
        assert!(!rules.is_empty());
        for rule in &rules {
            let describes = rule.topic == discovery_topic(root.device) && rule.action == AclAction::Publish;
            let hears_birth = rule.topic == BIRTH_TOPIC && rule.action == AclAction::Subscribe;
            let is_own = rule.topic.starts_with(&format!("{root}/"));
            assert!(is_own || describes || hears_birth, "{rule:?}");
            assert!(!rule.topic.ends_with("/#"), "no rule opens the whole root: {rule:?}");
        }
        let acks = format!("{root}/events/ack");
        assert!(
            !rules.iter().any(|r| r.action == AclAction::Publish && r.topic == acks),
            "a device cannot acknowledge itself"
        );
    }
}
