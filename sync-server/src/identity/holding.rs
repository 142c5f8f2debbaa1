//! Checking a device's signed word about the gallery it holds.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::DeviceId;
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{Revision, holding_statement};

use super::authority::ed25519_key;

/// The word is not the device's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the device says it holds is not signed by its key")]
pub struct NotSigned;

/// Checks that the holder of this key (SPKI PEM) signed that `device` held a gallery of this revision and digest at
/// that time of its own.
///
/// # Errors
/// [`NotSigned`].
pub fn check(
    device: DeviceId,
    public_key_pem: &str,
    (rev, digest): (Revision, &GalleryDigest),
    (at, signature): (UnixMillis, &[u8]),
) -> Result<(), NotSigned> {
    let key = ed25519_key(public_key_pem).map_err(|_| NotSigned)?;
    let statement = holding_statement(device, rev, digest, at);
    UnparsedPublicKey::new(&ED25519, key).verify(&statement, signature).map_err(|_| NotSigned)
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, SigningKey};

    use super::*;

    #[test]
    fn only_the_devices_own_word_counts() {
        let (key, other) = (
            KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
        );
        let (device, rev, digest, at) =
            (DeviceId::generate(), Revision(7), GalleryDigest::from_bytes([3; 32]), UnixMillis(1_790_000_000_000));
        let signature = key.sign(&holding_statement(device, rev, &digest, at)).unwrap();
        let pem = key.public_key_pem();
        let said = |device, rev, digest, at| check(device, &pem, (rev, &digest), (at, &signature));
        assert_eq!(said(device, rev, digest, at), Ok(()));
        assert_eq!(said(DeviceId::generate(), rev, digest, at), Err(NotSigned));
        assert_eq!(said(device, Revision(8), digest, at), Err(NotSigned));
        assert_eq!(said(device, rev, GalleryDigest::default(), at), Err(NotSigned));
        assert_eq!(said(device, rev, digest, UnixMillis(at.0 + 1)), Err(NotSigned));
        assert_eq!(check(device, &other.public_key_pem(), (rev, &digest), (at, &signature)), Err(NotSigned));
        assert_eq!(check(device, "no key", (rev, &digest), (at, &signature)), Err(NotSigned));
        assert_eq!(check(device, &pem, (rev, &digest), (at, &[])), Err(NotSigned));
    }
}
