//! What comes with a token is kept and used.

use super::*;
use crate::config::Config;
use crate::testing::shared;
use ostiary_common::ids::{DeviceId, DoorId, SiteId};

fn claimed(dir: &std::path::Path) -> TokenKeeper {
    let key_pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    let identity = Identity {
        device: DeviceId::generate(),
        site: SiteId::generate(),
        door: DoorId::generate(),
        name: "cam".into(),
        server_url: "https://localhost:1".into(),
        broker_url: "mqtts://localhost:2".into(),
        ca_pem: String::new(),
        certificate_pem: "first certificate".into(),
    };
    IdentityFiles::new(dir).replace(&identity, &key_pem, &Secrets::default()).unwrap();
    again(dir)
}

fn again(dir: &std::path::Path) -> TokenKeeper {
    TokenKeeper::load(IdentityFiles::new(dir), false).unwrap()
}

fn response(token: &str) -> TokenResponse {
    TokenResponse {
        token: token.into(),
        expires_at: UnixMillis(3_600_000),
        server_time: UnixMillis(0),
        session_floor: 9,
        gallery_key: None,
        restored: false,
        posting: None,
        certificate_pem: None,
    }
}

#[test]
fn a_move_is_taken_over_in_one_piece_and_old_tokens_go_with_the_old_site() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, _) = shared(dir.path(), &Config::default());
    let mut keeper = claimed(dir.path());
    let now = shared.clock.moment();
    keeper.renewed(response("old"), &shared);
    keeper.accepted(Slot::Candidate);
    let posting = Posting { site: SiteId::generate(), door: DoorId::generate(), name: "cam at the gate".into() };
    let moved = TokenResponse { posting: Some(posting.clone()), ..response("new") };
    keeper.renewed(moved, &shared);
    assert_eq!(keeper.root(), DeviceRoot { site: posting.site, device: keeper.identity().device });
    assert_eq!((keeper.usable(now), keeper.token()), (Some(Slot::Candidate), Some("new")));
    keeper.refused(Slot::Candidate);
    assert_eq!(keeper.usable(now), None, "the old site's token is not tried");
    let kept = again(dir.path());
    let Identity { site, door, name, .. } = kept.identity();
    assert_eq!((*site, *door, name), (posting.site, posting.door, &posting.name));
}

#[test]
fn a_new_certificate_is_kept_and_promoted_after_it_worked() {
    let dir = tempfile::tempdir().unwrap();
    let (shared, _) = shared(dir.path(), &Config::default());
    let mut keeper = claimed(dir.path());
    let renew = |keeper: &mut TokenKeeper, pem: &str| {
        keeper.renewed(TokenResponse { certificate_pem: Some(pem.into()), ..response("t") }, &shared);
    };
    renew(&mut keeper, "second certificate");
    let mut keeper = again(dir.path());
    assert_eq!(keeper.certificate(), (Slot::Candidate, "second certificate"));
    keeper.unreachable();
    assert_eq!(keeper.certificate(), (Slot::Current, "first certificate"));
    keeper.unreachable();
    keeper.accepted(Slot::Candidate);
    assert_eq!(again(dir.path()).certificate(), (Slot::Current, "second certificate"));
    renew(&mut keeper, "no certificate at all");
    keeper.unreachable();
    keeper.accepted(Slot::Current);
    assert_eq!(again(dir.path()).certificate(), (Slot::Current, "second certificate"), "given up");
}
