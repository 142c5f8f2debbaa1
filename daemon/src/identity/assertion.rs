//! What is signed with the device's key: the assertion that buys a new token (RFC 7523 style), fresh by the server's
//! nonce, not by the clock; and statements of what the device holds.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ostiary_common::claims::{AUDIENCE_TOKEN_ENDPOINT, DeviceAssertion};
use ostiary_common::ids::{DeviceId, TokenId};
use ostiary_common::time::UnixMillis;
use rcgen::{KeyPair, SigningKey};

use crate::ports::Signer;

/// Signs the assertion of `device` over `nonce` with its Ed25519 key.
pub fn sign(
    device: DeviceId,
    nonce: String,
    key_pem: &str,
    now: UnixMillis,
) -> Result<String, jsonwebtoken::errors::Error> {
    let assertion = DeviceAssertion {
        iss: device,
        sub: device,
        aud: AUDIENCE_TOKEN_ENDPOINT.to_owned(),
        jti: TokenId::generate(),
        iat: now.as_unix_seconds(),
        nonce,
    };
    let key = EncodingKey::from_ed_pem(key_pem.as_bytes())?;
    jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &assertion, &key)
}

/// Signs statements with the device's key.
pub struct DeviceSigner(Option<KeyPair>);

impl DeviceSigner {
    /// With the key in `key_pem`; one that cannot be read signs nothing, and is complained of with the next token.
    pub fn new(key_pem: &str) -> Self {
        Self(KeyPair::from_pem(key_pem).ok())
    }
}

impl Signer for DeviceSigner {
    fn sign(&self, statement: &[u8]) -> Option<Vec<u8>> {
        self.0.as_ref()?.sign(statement).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};

    #[test]
    fn the_servers_side_can_check_it() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let device = DeviceId::generate();
        let jwt = sign(device, "nonce".into(), &key.serialize_pem(), UnixMillis(5_000)).unwrap();
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[AUDIENCE_TOKEN_ENDPOINT]);
        rules.set_required_spec_claims(&["aud"]);
        let public = DecodingKey::from_ed_pem(key.public_key_pem().as_bytes());
        let claims = jsonwebtoken::decode::<DeviceAssertion>(&jwt, &public.unwrap(), &rules).unwrap().claims;
        assert_eq!((claims.sub, claims.nonce.as_str(), claims.iat), (device, "nonce", 5));
    }
}
