//! Checking a device's signed assertion, the proof that it holds its key.

use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{DecodingKey, decode};
use ostiary_common::claims::{AUDIENCE_TOKEN_ENDPOINT, DeviceAssertion};
use ostiary_common::ids::DeviceId;

use super::authority::ed25519_key;
use super::tokens::{TokenRefused, fixed_algorithm, invalid};

/// Who the assertion says it is from. Not to be believed before [`check`]; it tells which key to check with.
///
/// # Errors
/// [`TokenRefused::Invalid`] if it is no assertion.
pub fn claimed_sender(assertion: &str) -> Result<DeviceId, TokenRefused> {
    Ok(insecure_decode::<DeviceAssertion>(assertion).map_err(invalid)?.claims.iss)
}

/// Checks signature, algorithm, audience, and that it speaks of its signer. Nonce and single use are the
/// caller's to check.
///
/// # Errors
/// [`TokenRefused`].
pub fn check(assertion: &str, device: DeviceId, public_key_pem: &str) -> Result<DeviceAssertion, TokenRefused> {
    let key = ed25519_key(public_key_pem).map_err(|e| TokenRefused::Invalid(e.to_string()))?;
    let mut validation = fixed_algorithm();
    validation.set_audience(&[AUDIENCE_TOKEN_ENDPOINT]);
    validation.set_issuer(&[device.to_string()]);
    validation.sub = Some(device.to_string());
    validation.set_required_spec_claims(&["aud", "iss", "sub"]);
    Ok(decode::<DeviceAssertion>(assertion, &DecodingKey::from_ed_der(&key), &validation).map_err(invalid)?.claims)
}
