//! Nonces for token renewal: they prove that a device signed just now, without believing its clock.
//!
//! A nonce is self-contained (device, end, a random part, and a MAC under a key of the installation), so nothing is kept
//! for a request anybody can make, and any server takes what another one gave. That it serves once is seen to where it is used: the assertion that
//! carries it is remembered until the nonce ends.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;
use rand::Rng;

use crate::sealing::DerivedKey;

/// How long a nonce may be used.
pub const NONCE_LIFE: Duration = Duration::from_secs(120);

const END_BYTES: usize = 8;
const RANDOM_BYTES: usize = 8;
const PLAIN_BYTES: usize = END_BYTES + RANDOM_BYTES;

/// Makes and checks nonces.
pub struct Nonces {
    key: DerivedKey,
}

impl Nonces {
    /// With the key that all servers of the installation have for this.
    pub const fn new(key: DerivedKey) -> Self {
        Self { key }
    }

    /// A nonce for `device`.
    pub fn issue(&self, device: DeviceId, now: UnixMillis) -> String {
        let mut nonce = now.plus(NONCE_LIFE).0.to_be_bytes().to_vec();
        nonce.extend(rand::rng().random::<[u8; RANDOM_BYTES]>());
        let tag = self.key.sign(&bound(device, &nonce));
        nonce.extend(tag);
        URL_SAFE_NO_PAD.encode(nonce)
    }

    /// When the nonce ends, if it is ours, for this device, and has not ended.
    pub fn check(&self, device: DeviceId, nonce: &str, now: UnixMillis) -> Option<UnixMillis> {
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (plain, tag) = bytes.split_at_checked(PLAIN_BYTES)?;
        if !self.key.is_signed(&bound(device, plain), tag) {
            return None;
        }
        let end = UnixMillis(i64::from_be_bytes(*plain.first_chunk()?));
        (now < end).then_some(end)
    }
}

fn bound(device: DeviceId, plain: &[u8]) -> Vec<u8> {
    [device.as_bytes().as_slice(), plain].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::RootKey;

    fn nonces(of: u8) -> Nonces {
        Nonces::new(RootKey::from_bytes([of; 32]).derived("nonces"))
    }

    #[test]
    fn serves_its_device_for_two_minutes() {
        let (nonces, device, now) = (nonces(1), DeviceId::generate(), UnixMillis(1_790_000_000_000));
        let nonce = nonces.issue(device, now);
        let check = |device, nonce: &str, after_s: u64| {
            nonces.check(device, nonce, now.plus(Duration::from_secs(after_s))).is_some()
        };
        assert!(check(device, &nonce, 119));
        assert!(!check(device, &nonce, 120));
        assert!(!check(DeviceId::generate(), &nonce, 1));
        assert!(!check(device, &nonce[1..], 1));
        assert!(!check(device, "", 1));
        assert!(check(device, &self::nonces(1).issue(device, now), 1), "given by another server");
        assert!(!check(device, &self::nonces(2).issue(device, now), 1), "of another installation");
        assert_ne!(nonces.issue(device, now), nonce);
    }
}
