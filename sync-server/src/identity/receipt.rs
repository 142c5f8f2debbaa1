//! Receipts of erasures: a JSON Web Signature (RFC 7515, compact, EdDSA) that whoever holds the server's public keys
//! can check, today or in years, without the server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Header, decode, decode_header, encode};
use ostiary_common::digest::GalleryDigest;
use ostiary_common::ids::{DeviceId, ErasureId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use serde::{Deserialize, Serialize};

use super::holding;
use super::signing::SigningKeys;
use super::tokens::{ISSUER, TokenRefused, fixed_algorithm, invalid};
use crate::domain::erasure::{ConfirmationState, Erasure, ErasureDevice};

/// `aud` of every receipt, so that none can pass for a token.
const AUDIENCE: &str = "ostiary-erasure";
/// `typ` in the header.
const TYPE: &str = "erasure-receipt+jwt";

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`ISSUER`].
    pub iss: String,
    /// `AUDIENCE`.
    pub aud: String,
    /// When it was issued, Unix seconds.
    pub iat: u64,
    /// The erasure.
    pub erasure: ErasureId,
    /// The person: an id that stands for nobody any more.
    pub person: PersonId,
    /// `asked` or `expired`.
    pub reason: String,
    /// A device that holds this gallery revision or a later one holds the person no more.
    pub revision: u64,
    /// When the person's name, templates and key were deleted, RFC 3339.
    pub key_destroyed_at: String,
    /// When events no longer told the person, and the database's log held no copy of the key any more.
    pub cleared_at: Option<String>,
    /// How many events told of the person.
    pub events: u64,
    /// When nobody was outstanding; absent while somebody is.
    pub completed_at: Option<String>,
    /// Every device that was claimed when the person was removed.
    pub devices: Vec<ReceiptDevice>,
}

/// How one device stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptDevice {
    /// The device.
    pub device: DeviceId,
    /// Its name when the receipt was issued.
    pub name: String,
    /// `confirmed`, `unsigned`, `replaced`, `waiting` or `revoked`.
    pub state: String,
    /// When its word was taken in, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<String>,
    /// What it signed, where it signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ReceiptProof>,
}

/// A device's signature and all that is needed to check it: Ed25519 over
/// [`ostiary_common::wire::holding_statement`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptProof {
    /// The revision it held.
    pub revision: u64,
    /// The digest over what it held, hexadecimal.
    pub digest: String,
    /// Its own time, Unix milliseconds.
    pub at_ms: i64,
    /// The signature, base64.
    pub signature: String,
    /// Its public key, SPKI PEM.
    pub public_key_pem: String,
}

impl Receipt {
    /// What is known of an erasure now.
    pub fn new(erasure: &Erasure, devices: &[ErasureDevice], now: UnixMillis) -> Self {
        Self {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            iat: now.as_unix_seconds(),
            erasure: erasure.id,
            person: erasure.person,
            reason: erasure.reason.as_str().into(),
            revision: erasure.rev.0,
            key_destroyed_at: erasure.at.to_rfc3339(),
            cleared_at: erasure.cleared_at.map(|at| at.to_rfc3339()),
            events: erasure.events,
            completed_at: erasure.completed_at.map(|at| at.to_rfc3339()),
            devices: devices.iter().map(ReceiptDevice::from).collect(),
        }
    }

    /// Signed with the key that signs tokens at `now`.
    pub fn sign(&self, keys: &SigningKeys, now: UnixMillis) -> String {
        let signer = keys.signer(now);
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(signer.kid.to_owned());
        encode(&header, self, signer.key).expect("an Ed25519 key that was read signs plain JSON")
    }

    /// Checks a receipt; `find` knows the server's public keys by name. The devices' own signatures in it are checked
    /// by [`ReceiptDevice::check`].
    ///
    /// # Errors
    /// [`TokenRefused`] if it is no receipt, was altered, or is signed by another server.
    pub fn check(text: &str, find: impl Fn(&str) -> Option<DecodingKey>) -> Result<Self, TokenRefused> {
        let kid = decode_header(text).map_err(invalid)?.kid.ok_or(TokenRefused::UnknownKey)?;
        let key = find(&kid).ok_or(TokenRefused::UnknownKey)?;
        let mut validation = fixed_algorithm();
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["aud", "iss"]);
        Ok(decode::<Self>(text, &key, &validation).map_err(invalid)?.claims)
    }
}

impl ReceiptDevice {
    /// Whether the device's signature is its own and says what the receipt needs: `None` where there is none.
    pub fn check(&self, receipt: &Receipt) -> Option<bool> {
        let proof = self.proof.as_ref()?;
        let bytes = hex::decode(&proof.digest).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let (Some(digest), Ok(signature)) = (bytes, STANDARD.decode(&proof.signature)) else { return Some(false) };
        let held = (Revision(proof.revision), &GalleryDigest::from_bytes(digest));
        let said = (UnixMillis(proof.at_ms), signature.as_slice());
        let own = holding::check(self.device, &proof.public_key_pem, held, said).is_ok();
        Some(own && proof.revision >= receipt.revision)
    }
}

impl From<&ErasureDevice> for ReceiptDevice {
    fn from(from: &ErasureDevice) -> Self {
        let said = from.confirmation.as_ref();
        let proof = said.and_then(|said| {
            let (at, signature, key) = (said.said_at?, said.signature.as_ref()?, said.key_pem.clone()?);
            let (revision, digest) = (said.rev.0, said.digest.to_hex());
            Some(ReceiptProof {
                revision,
                digest,
                at_ms: at.0,
                signature: STANDARD.encode(signature),
                public_key_pem: key,
            })
        });
        let confirmed_at = said.map(|said| said.at.to_rfc3339());
        let state = ConfirmationState::as_str(from.state).to_owned();
        Self { device: from.device, name: from.name.clone(), state, confirmed_at, proof }
    }
}

#[cfg(test)]
mod tests {
    use ostiary_common::wire::holding_statement;
    use rcgen::{KeyPair, SigningKey};

    use super::*;
    use crate::domain::erasure::{Confirmation, ErasureCounts, ErasureReason};

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn keys(dir: &std::path::Path) -> SigningKeys {
        SigningKeys::open(dir, NOW).unwrap()
    }

    fn erasure() -> Erasure {
        Erasure {
            id: ErasureId::generate(),
            person: PersonId::generate(),
            rev: Revision(7),
            reason: ErasureReason::Asked,
            at: NOW,
            events: 2,
            cleared_at: Some(NOW),
            completed_at: Some(NOW),
            counts: ErasureCounts::default(),
        }
    }

    fn confirmed(rev: u64) -> ErasureDevice {
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let (device, digest) = (DeviceId::generate(), GalleryDigest::from_bytes([9; 32]));
        let signature = key.sign(&holding_statement(device, Revision(rev), &digest, NOW)).unwrap();
        let confirmation = Confirmation {
            rev: Revision(rev),
            digest,
            at: NOW,
            said_at: Some(NOW),
            signature: Some(signature),
            key_pem: Some(key.public_key_pem()),
        };
        let state = ConfirmationState::Confirmed;
        ErasureDevice { device, name: "front".into(), state, confirmation: Some(confirmation) }
    }

    #[test]
    fn can_be_checked_without_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (keys(&dir.path().join("a")), keys(&dir.path().join("b")));
        let find = |keys: &SigningKeys, kid: &str| keys.find(kid).map(|key| key.key.clone());
        let waiting = ErasureDevice { state: ConfirmationState::Waiting, confirmation: None, ..confirmed(7) };
        let receipt = Receipt::new(&erasure(), &[confirmed(7), waiting], NOW);
        let signed = receipt.sign(&ours, NOW);
        let read = Receipt::check(&signed, |kid| find(&ours, kid)).unwrap();
        assert_eq!(read, receipt);
        let checks: Vec<_> = read.devices.iter().map(|device| device.check(&read)).collect();
        assert_eq!(checks, [Some(true), None]);
        assert!(matches!(Receipt::check(&signed, |kid| find(&theirs, kid)), Err(TokenRefused::UnknownKey)));
        let parts: Vec<&str> = signed.split('.').collect();
        let altered = Receipt { events: 0, ..receipt }.sign(&theirs, NOW);
        let grafted = [parts[0], altered.split('.').nth(1).unwrap(), parts[2]].join(".");
        assert!(Receipt::check(&grafted, |kid| find(&ours, kid)).is_err());
    }

    #[test]
    fn a_device_that_signed_something_else_proves_nothing() {
        let check = |device: ErasureDevice, expected| {
            let receipt = Receipt::new(&erasure(), &[device], NOW);
            assert_eq!(receipt.devices[0].check(&receipt), Some(expected));
        };
        check(confirmed(7), true);
        check(confirmed(9), true);
        // From before the removal.
        check(confirmed(6), false);
        let mut other = confirmed(7);
        other.device = DeviceId::generate();
        check(other, false);
        let mut forged = confirmed(7);
        forged.confirmation.as_mut().unwrap().signature = Some(vec![0; 64]);
        check(forged, false);
    }
}
