//! The pin: only a server whose certificate is valid under the pinned CA is taken.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Test CA");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn leaf(ca: &Ca, name: &str) -> CertificateDer<'static> {
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.signed_by(&KeyPair::generate().unwrap(), ca).unwrap().der().clone()
}

fn hash(der: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(der.as_ref()).into()
}

#[test]
fn only_the_pinned_ca_and_what_it_signed_for_this_name() {
    let (pinned, other) = (ca(), ca());
    let der = |ca: &Ca| ca.der().clone();
    let check = |pin: [u8; 32], leaf: CertificateDer<'_>, chain: &[CertificateDer<'_>], expected: Result<(), &str>| {
        let verifier = PinnedCa { pin, provider: Arc::new(aws_lc_rs::default_provider()) };
        let name = ServerName::try_from("door.test").unwrap();
        let now = FlooredTime(UnixMillis(0)).current_time().unwrap();
        let found = verifier.verify_server_cert(&leaf, chain, &name, &[], now).map(drop).map_err(|e| e.to_string());
        match (&found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(part)) if found.contains(part) => {}
            _ => panic!("expected {expected:?}, found {found:?}"),
        }
    };
    let pin = hash(pinned.der());
    check(pin, leaf(&pinned, "door.test"), &[der(&pinned)], Ok(()));
    check(pin, leaf(&other, "door.test"), &[der(&other)], Err(PIN_MISMATCH));
    check(pin, leaf(&pinned, "door.test"), &[], Err(PIN_MISMATCH));
    // Showing the pinned certificate is not enough: the server's own must be signed by it.
    check(pin, leaf(&other, "door.test"), &[der(&pinned), der(&other)], Err("invalid peer certificate"));
    check(pin, leaf(&pinned, "else.test"), &[der(&pinned)], Err("not valid for name"));
    // A leaf pinned by mistake is no CA.
    let own = leaf(&pinned, "door.test");
    check(hash(&own), own.clone(), &[der(&pinned)], Err(PIN_MISMATCH));
}

#[test]
fn a_clock_in_the_past_is_lifted_to_the_floor() {
    let far = UnixMillis(4_102_444_800_000);
    assert_eq!(FlooredTime(far).current_time().unwrap().as_secs(), far.as_unix_seconds());
    assert!(FlooredTime(UnixMillis(0)).current_time().unwrap().as_secs() > 1_700_000_000);
}

#[test]
fn what_is_no_certificate_is_refused_in_words() {
    for pem in ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(client_config(pem, UnixMillis(0)).is_err(), "{pem}");
    }
}
