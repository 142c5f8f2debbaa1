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
        assert!(client_config(pem, TlsTime::WALL).is_err(), "{pem}");
    }
}

#[test]
fn a_clock_that_leapt_ahead_does_not_shut_the_server_out_but_a_believed_one_does() {
    let ca = ca();
    let mut params = CertificateParams::new(vec!["door.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 10, 1);
    params.not_after = rcgen::date_time_ymd(2027, 10, 1);
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &ca).unwrap().der().clone();
    let at = |year, month| unix_time(UnixMillis(rcgen::date_time_ymd(year, month, 1).unix_timestamp() * 1000));
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let check = |floor: UnixTime, wall: UnixTime, expected: bool| {
        let lenient = LeaptAhead { verifier: Arc::clone(&verifier), floor };
        let name = ServerName::try_from("door.test").unwrap();
        let found = lenient.verify_server_cert(&leaf, &[], &name, &[], wall);
        assert_eq!(found.is_ok(), expected, "{floor:?} {wall:?} {found:?}");
        let other = ServerName::try_from("else.test").unwrap();
        assert!(lenient.verify_server_cert(&leaf, &[], &other, &[], wall).is_err(), "the name counts all the same");
    };
    check(at(2026, 11), at(2026, 12), true);
    check(at(2026, 11), at(2035, 1), true);
    check(at(2028, 1), at(2035, 1), false);
    check(at(2026, 1), at(2035, 1), false);
    assert!(
        verifier.verify_server_cert(&leaf, &[], &ServerName::try_from("door.test").unwrap(), &[], at(2035, 1)).is_err()
    );
}
