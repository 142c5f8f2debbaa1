//! Forged tokens do not get in: each row is one way to try.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ostiary_common::claims::{AUDIENCE_API, AUDIENCE_DEVICE, AUDIENCE_TOKEN_ENDPOINT, DeviceAssertion, DeviceClaims};
use ostiary_common::identity::{Posting, Standing, TokenRequest, TokenResponse};
use ostiary_common::ids::{DeviceId, SiteId, StreamId, TokenId, UserId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::Revision;
use ostiary_server::domain::account::SessionId;
use ostiary_server::domain::device::{ClaimCode, Device, DeviceState};
use ostiary_server::identity::authority::Authority;
use ostiary_server::identity::device_auth::TokenAuth;
use ostiary_server::identity::devices::{DeviceIdentity, RenewError};
use ostiary_server::identity::nonce::Nonces;
use ostiary_server::identity::signing::SigningKeys;
use ostiary_server::identity::tokens::{ISSUER, TokenLives, TokenRefused, Tokens, UserClaims};
use ostiary_server::ports::{AuthRefused, Clock, DeviceAuth, DeviceStore, EventStore, LifeStore};
use ostiary_server::sealing::MasterKey;
use ostiary_server::store::sql::{SqlStore, StoreUrl};
use rcgen::KeyPair;
use serde_json::json;
use tempfile::TempDir;

use crate::store::sample::{NOW, batch, device, report};

/// A clock that stands still.
struct Stopped(UnixMillis);

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> UnixMillis {
        self.0
    }
}

fn request(assertion: String) -> TokenRequest {
    TokenRequest { assertion, csr_pem: None, standing: None }
}

struct World {
    _dir: TempDir,
    store: Arc<SqlStore>,
    tokens: Arc<Tokens>,
    authority: Arc<Authority>,
    /// The server's key, for what only an insider could sign.
    server_key: EncodingKey,
    server_public: Vec<u8>,
    kid: String,
    device: Device,
    device_key: KeyPair,
}

const LIVES: TokenLives = TokenLives { device: Duration::from_secs(3600), access: Duration::from_secs(900) };

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(
            SqlStore::open(&StoreUrl::sqlite(&dir.path().join("t.sqlite")), &MasterKey::from_bytes([7; 32]))
                .await
                .unwrap(),
        );
        let keys = SigningKeys::open(&dir.path().join("keys"), NOW).unwrap();
        let path = std::fs::read_dir(dir.path().join("keys")).unwrap().next().unwrap().unwrap().path();
        let server = KeyPair::from_pem(&std::fs::read_to_string(path).unwrap()).unwrap();
        let kid = keys.signer(NOW).kid.to_owned();
        let device_key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let made = device(&*store, "cam").await;
        let code = ClaimCode { device: made.id, code_hash: "c".into(), expires_at: NOW.plus(LIVES.device) };
        store.put_claim_code(&code).await.unwrap();
        let device = store.claim("c", &device_key.public_key_pem(), NOW).await.unwrap().unwrap();
        Self {
            tokens: Arc::new(Tokens::new(keys, LIVES, store.installation())),
            authority: Arc::new(Authority::open(dir.path(), NOW).unwrap()),
            server_key: EncodingKey::from_ed_der(server.serialized_der()),
            server_public: server.public_key_raw().to_vec(),
            kid,
            store,
            device,
            device_key,
            _dir: dir,
        }
    }

    fn auth(&self, now: UnixMillis) -> TokenAuth {
        TokenAuth { tokens: self.tokens.clone(), store: self.store.clone(), clock: Arc::new(Stopped(now)) }
    }

    fn identity(&self) -> DeviceIdentity {
        DeviceIdentity {
            store: self.store.clone(),
            lives: self.store.clone(),
            clock: Arc::new(Stopped(NOW)),
            authority: self.authority.clone(),
            tokens: self.tokens.clone(),
            nonces: Nonces::new(ostiary_server::sealing::RootKey::from_bytes([7; 32]).derived("nonces")),
            broker_url: "mqtts://localhost:1".into(),
            code_life: Duration::from_secs(60),
        }
    }

    /// A proof of the device for `identity`.
    fn proof(&self, identity: &DeviceIdentity) -> String {
        let (id, nonce) = (self.device.id, identity.nonce(self.device.id));
        let aud = AUDIENCE_TOKEN_ENDPOINT.to_owned();
        let claims = DeviceAssertion { iss: id, sub: id, aud, jti: TokenId::generate(), iat: 0, nonce };
        let key = EncodingKey::from_ed_der(self.device_key.serialized_der());
        encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap()
    }

    fn claims(&self) -> DeviceClaims {
        let now = NOW.as_unix_seconds();
        DeviceClaims {
            iss: ISSUER.into(),
            sub: self.device.id,
            aud: AUDIENCE_DEVICE.into(),
            site: self.device.site,
            jti: TokenId::generate(),
            iat: now,
            nbf: now,
            exp: now + 600,
            acl: Vec::new(),
        }
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        Header { kid: Some(self.kid.clone()), ..Header::new(algorithm) }
    }

    fn signed(&self, claims: &DeviceClaims) -> String {
        encode(&self.header(Algorithm::EdDSA), claims, &self.server_key).unwrap()
    }

    /// The same claims without a signature, as `alg: none` has it.
    fn unsigned(&self) -> String {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
        let header = BASE64.encode(json!({"alg": "none", "typ": "JWT", "kid": self.kid}).to_string());
        let claims = BASE64.encode(serde_json::to_string(&self.claims()).unwrap());
        format!("{header}.{claims}.")
    }

    async fn check(&self, what: &str, token: &str, now: UnixMillis, let_in: bool) {
        let found = self.auth(now).authenticate(&self.device.id.to_string(), token).await;
        assert_eq!(found.is_ok(), let_in, "{what}: {found:?}");
    }
}

#[tokio::test]
async fn a_token_that_was_right_is_refused_when_its_time_is_over_or_its_key_is_gone() {
    let world = World::new().await;
    let ends = NOW.plus(LIVES.access);
    let issued = world.tokens.issue_user(UserId::generate(), SessionId::generate(), ends, NOW);
    for _ in 0..2 {
        assert!(world.tokens.check_user(&issued.token, NOW).is_ok());
    }
    assert_eq!(world.tokens.check_user(&issued.token, ends), Err(TokenRefused::Expired));
    let other = tempfile::tempdir().unwrap();
    world.tokens.replace_keys(SigningKeys::open(other.path(), NOW).unwrap());
    assert_eq!(world.tokens.check_user(&issued.token, NOW), Err(TokenRefused::UnknownKey));
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let world = World::new().await;
    let edited = |edit: fn(&mut DeviceClaims)| {
        let mut claims = world.claims();
        edit(&mut claims);
        world.signed(&claims)
    };
    let good = world.tokens.issue_device(&world.device, NOW).token;
    world.check("issued", &good, NOW, true).await;
    world.check("made by hand, to see that the rows below fail for their own reason", &edited(|_| ()), NOW, true).await;

    world.check("no algorithm", &world.unsigned(), NOW, false).await;
    let symmetric = EncodingKey::from_secret(&world.server_public);
    let confused = encode(&world.header(Algorithm::HS256), &world.claims(), &symmetric).unwrap();
    world.check("the public key taken for a secret", &confused, NOW, false).await;
    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other = EncodingKey::from_ed_der(other.serialized_der());
    let foreign = encode(&world.header(Algorithm::EdDSA), &world.claims(), &other).unwrap();
    world.check("another key under our name", &foreign, NOW, false).await;
    let nameless = encode(&Header::new(Algorithm::EdDSA), &world.claims(), &world.server_key).unwrap();
    world.check("a key without a name", &nameless, NOW, false).await;
    world.check("another audience", &edited(|c| c.aud = AUDIENCE_API.into()), NOW, false).await;
    world.check("another issuer", &edited(|c| c.iss = "someone".into()), NOW, false).await;
    world.check("another site", &edited(|c| c.site = SiteId::generate()), NOW, false).await;
    world.check("another device", &edited(|c| c.sub = DeviceId::generate()), NOW, false).await;
    world
        .check(
            "a user's",
            &world.tokens.issue_user(UserId::generate(), SessionId::generate(), UnixMillis(i64::MAX), NOW).token,
            NOW,
            false,
        )
        .await;
    let (head, tail) = good.split_at(good.len() / 2);
    world.check("altered", &format!("{head}{}{}", other_than(&tail[..1]), &tail[1..]), NOW, false).await;
    world.check("cut", head, NOW, false).await;
    world.check("nothing", "", NOW, false).await;

    let at = |seconds: u64| NOW.plus(Duration::from_secs(seconds));
    world.check("in its last second", &good, at(3599), true).await;
    world.check("expired", &good, at(3600), false).await;
    world.check("a clock set back a little", &edited(|c| c.nbf += 300), NOW, true).await;
    world.check("not valid yet", &edited(|c| c.nbf += 301), NOW, false).await;
}

#[tokio::test]
async fn a_good_token_is_for_its_own_device_while_that_is_active() {
    let world = World::new().await;
    let token = world.tokens.issue_device(&world.device, NOW).token;
    let as_other = world.auth(NOW).authenticate(&DeviceId::generate().to_string(), &token).await;
    assert_eq!(as_other.unwrap_err(), AuthRefused::ClientId);
    world.store.revoke_device(world.device.id, NOW).await.unwrap();
    let revoked = world.auth(NOW).authenticate(&world.device.id.to_string(), &token).await;
    assert_eq!(revoked.unwrap_err(), AuthRefused::Device("revoked"));
    let again = World::new().await;
    let old = again.tokens.issue_device(&again.device, NOW).token;
    let later = NOW.plus(Duration::from_secs(5));
    let code = ClaimCode { device: again.device.id, code_hash: "d".into(), expires_at: NOW.plus(LIVES.device) };
    again.store.put_claim_code(&code).await.unwrap();
    again.store.claim("d", &again.device_key.public_key_pem(), later).await.unwrap().unwrap();
    again.check("of the board that was replaced", &old, later, false).await;
    again.check("of the new board", &again.tokens.issue_device(&again.device, later).token, later, true).await;
    let stranger = device(&*world.store, "unclaimed").await;
    assert_eq!(stranger.state, DeviceState::Pending);
    let token = world.tokens.issue_device(&stranger, NOW).token;
    let pending = world.auth(NOW).authenticate(&stranger.id.to_string(), &token).await;
    assert_eq!(pending.unwrap_err(), AuthRefused::Device("pending"));
}

#[tokio::test]
async fn a_users_token_is_not_a_devices_and_ends() {
    let world = World::new().await;
    let token = world.tokens.issue_user(UserId::generate(), SessionId::generate(), UnixMillis(i64::MAX), NOW).token;
    assert!(world.tokens.check_user(&token, NOW).is_ok());
    let over = NOW.plus(LIVES.access);
    assert_eq!(world.tokens.check_user(&token, over), Err(TokenRefused::Expired));
    let before = UnixMillis(NOW.0 - 301_000);
    assert_eq!(world.tokens.check_user(&token, before), Err(TokenRefused::NotYet));
    let device = world.tokens.issue_device(&world.device, NOW).token;
    assert!(matches!(world.tokens.check_user(&device, NOW), Err(TokenRefused::Invalid(_))));
}

/// A letter of base64 that is not `letter`.
fn other_than(letter: &str) -> char {
    if letter == "A" { 'B' } else { 'A' }
}

/// Each row is one way to pass for somebody.
#[tokio::test]
async fn forged_access_tokens_of_people_are_refused() {
    let world = World::new().await;
    let (user, session) = (UserId::generate(), SessionId::generate());
    let far = UnixMillis(i64::MAX);
    let good = world.tokens.issue_user(user, session, far, NOW).token;
    let now = NOW.as_unix_seconds();
    let claims = || UserClaims {
        iss: format!("{ISSUER}:{}", world.store.installation()),
        sub: user,
        aud: AUDIENCE_API.into(),
        sid: session,
        jti: TokenId::generate(),
        iat: now,
        nbf: now,
        exp: now + 900,
    };
    let sign =
        |algorithm, claims: &UserClaims, key: &EncodingKey| encode(&world.header(algorithm), claims, key).unwrap();
    let edited = |edit: fn(&mut UserClaims)| {
        let mut claims = claims();
        edit(&mut claims);
        sign(Algorithm::EdDSA, &claims, &world.server_key)
    };
    let check = |what: &str, token: &str, let_in: bool| {
        let found = world.tokens.check_user(token, NOW);
        assert_eq!(found.is_ok(), let_in, "{what}: {found:?}");
    };
    check("issued", &good, true);
    check("made by hand, to see that the rows below fail for their own reason", &edited(|_| ()), true);
    check("no algorithm", &world.unsigned(), false);
    let symmetric = EncodingKey::from_secret(&world.server_public);
    check("the public key taken for a secret", &sign(Algorithm::HS256, &claims(), &symmetric), false);
    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other = EncodingKey::from_ed_der(other.serialized_der());
    check("another key under our name", &sign(Algorithm::EdDSA, &claims(), &other), false);
    let nameless = encode(&Header::new(Algorithm::EdDSA), &claims(), &world.server_key).unwrap();
    check("a key without a name", &nameless, false);
    check("another audience", &edited(|c| c.aud = AUDIENCE_DEVICE.into()), false);
    check("no installation", &edited(|c| c.iss = ISSUER.into()), false);
    let elsewhere = edited(|c| c.iss = format!("{ISSUER}:{}", uuid::Uuid::now_v7()));
    check("another installation's, with a copy of our keys", &elsewhere, false);
    check("expired", &edited(|c| c.exp = c.iat), false);
    check("not valid yet", &edited(|c| c.nbf += 301), false);
    check("a device's", &world.tokens.issue_device(&world.device, NOW).token, false);
    let (head, tail) = good.split_at(good.len() / 2);
    check("altered", &format!("{head}{}{}", other_than(&tail[..1]), &tail[1..]), false);
    check("cut", head, false);
    check("nothing", "", false);
    let short = world.tokens.issue_user(user, session, NOW.plus(Duration::from_secs(60)), NOW);
    assert_eq!(short.expires_at, NOW.plus(Duration::from_secs(60)), "no longer than its session");
}

#[tokio::test]
async fn a_device_renews_by_its_key_once_per_proof() {
    let world = World::new().await;
    let identity = world.identity();
    let id = world.device.id;
    let assertion = |nonce: String, sub: DeviceId, aud: &str, key: &KeyPair| {
        let claims = DeviceAssertion { iss: id, sub, aud: aud.into(), jti: TokenId::generate(), iat: 0, nonce };
        let key = EncodingKey::from_ed_der(key.serialized_der());
        encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap()
    };
    let nonce = || identity.nonce(id);
    let good = assertion(nonce(), id, AUDIENCE_TOKEN_ENDPOINT, &world.device_key);
    let good = request(good);
    let renewed = identity.renew(&good).await.unwrap();
    assert_eq!(renewed.device.id, id);
    world.check("renewed", &renewed.response.token, NOW, true).await;
    assert!(matches!(identity.renew(&good).await, Err(RenewError::Nonce)), "a proof serves once");

    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let stranger = identity.nonce(DeviceId::generate());
    for (what, forged) in [
        ("another key", assertion(nonce(), id, AUDIENCE_TOKEN_ENDPOINT, &other)),
        ("another audience", assertion(nonce(), id, AUDIENCE_DEVICE, &world.device_key)),
        ("another subject", assertion(nonce(), DeviceId::generate(), AUDIENCE_TOKEN_ENDPOINT, &world.device_key)),
        ("another device's nonce", assertion(stranger, id, AUDIENCE_TOKEN_ENDPOINT, &world.device_key)),
        ("no nonce", assertion(String::new(), id, AUDIENCE_TOKEN_ENDPOINT, &world.device_key)),
        ("nothing", String::new()),
    ] {
        assert!(identity.renew(&request(forged)).await.is_err(), "{what}");
    }
    world.store.revoke_device(id, NOW).await.unwrap();
    let late = assertion(nonce(), id, AUDIENCE_TOKEN_ENDPOINT, &world.device_key);
    assert!(matches!(identity.renew(&request(late)).await, Err(RenewError::Device("revoked"))));
}

#[tokio::test]
async fn a_device_with_an_old_memory_is_told_so_and_every_device_where_it_belongs() {
    let world = World::new().await;
    let (identity, id, stream) = (world.identity(), world.device.id, StreamId::generate());
    world.store.put_presence(id, "online", 7, "1.0", NOW).await.unwrap();
    let sent = batch(id, stream, (1..=3).map(report).collect());
    world.store.ingest(&sent).await.unwrap();
    let check = async |stream, session, last_seq, expected: bool| {
        let standing = Some(Standing { session, stream, last_seq, gallery_rev: Revision(0) });
        let request = TokenRequest { standing, ..request(world.proof(&identity)) };
        let renewed = identity.renew(&request).await.unwrap();
        assert_eq!(renewed.response.restored, expected, "{standing:?} {:?}", renewed.behind);
        assert_eq!(renewed.behind.is_some(), expected);
        assert_eq!(renewed.response.session_floor, 7);
        renewed.response
    };
    let told = check(stream, 7, 3, false).await;
    let posting = Posting { site: world.device.site, door: world.device.door, name: "cam".into() };
    assert_eq!(told.posting, Some(posting));
    check(stream, 8, 9, false).await;
    check(stream, 7, 2, true).await;
    check(StreamId::generate(), 7, 0, false).await;
    check(StreamId::generate(), 6, 0, true).await;
    // Who says nothing of it is not doubted.
    let silent = identity.renew(&request(world.proof(&identity))).await.unwrap();
    assert!(!silent.response.restored);
    let key = |response: &TokenResponse| response.gallery_key.as_ref().map(|key| key.id);
    assert_eq!(key(&silent.response), key(&told), "who was given a key is given it again");
}

#[tokio::test]
async fn a_new_certificate_is_given_for_the_devices_own_key_only() {
    let world = World::new().await;
    let identity = world.identity();
    let csr = |key: &KeyPair| rcgen::CertificateParams::default().serialize_request(key).unwrap().pem().unwrap();
    let renew = async |csr_pem: String| {
        let request = TokenRequest { csr_pem: Some(csr_pem), ..request(world.proof(&identity)) };
        identity.renew(&request).await.unwrap()
    };
    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    for (what, bad) in [("another key's", csr(&other)), ("nonsense", "no request".into())] {
        let renewed = renew(bad).await;
        assert!(renewed.response.certificate_pem.is_none() && !renewed.has_new_certificate, "{what}");
        world.check(what, &renewed.response.token, NOW, true).await;
    }
    for revoked in [0, 0, 1] {
        let renewed = renew(csr(&world.device_key)).await;
        assert!(renewed.response.certificate_pem.unwrap().contains("BEGIN CERTIFICATE"));
        assert_eq!(world.store.revoked_certificates(NOW).await.unwrap().len(), revoked);
    }
}

#[tokio::test]
async fn a_clock_set_back_since_the_claim_does_not_shut_the_device_out() {
    let world = World::new().await;
    let before = UnixMillis(NOW.0 - 86_400_000);
    let token = world.tokens.issue_device(&world.device, before).token;
    world.check("issued a day before the claim, by a clock set back", &token, before, true).await;
}
