//! What the link makes of devices' words about their galleries, and what it sends them sealed, over the real store.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use ostiary_common::codec;
use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::{MsgId, PersonId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{
    GalleryAck, GalleryChunk, GalleryRequest, HoldingProof, PersonChange, Revision, holding_statement,
};
use ostiary_server::domain::device::ClaimCode;
use ostiary_server::domain::erasure::ConfirmationState;
use ostiary_server::link::{CoreParts, Courier, Incoming, Keep, LinkCore, Outbound, Patience, Receipt, SendError};
use ostiary_server::live::LiveCursor;
use ostiary_server::packs::served::ServedPacks;
use ostiary_server::ports::{Clock, DeviceStore, ErasureStore, GalleryKeyStore, GalleryStore, PersonStore};
use ostiary_server::refusals::refusal_log;
use ostiary_server::store::sql::SqlStore;
use rcgen::{KeyPair, SigningKey};

use crate::store::place::Place;
use crate::store::sample::{NOW, device, pack, person, sqlite, template};

struct Standing;

impl Clock for Standing {
    fn now(&self) -> UnixMillis {
        NOW
    }
}

/// Keeps what is sent.
#[derive(Default)]
struct Sent(Mutex<Vec<(String, Bytes)>>);

#[async_trait]
impl Outbound for Sent {
    async fn send(&self, topic: String, _: Keep, payload: Vec<u8>) -> Result<(), SendError> {
        self.0.lock().unwrap().push((topic, payload.into()));
        Ok(())
    }
}

struct Nobody;

#[async_trait]
impl Courier for Nobody {
    async fn settled(self: Box<Self>) {}
}

struct Bench {
    _place: Place,
    store: Arc<SqlStore>,
    sent: Arc<Sent>,
    core: LinkCore,
    root: DeviceRoot,
    key: KeyPair,
}

impl Bench {
    async fn new() -> Self {
        let (place, store) = sqlite().await;
        let store = Arc::new(store);
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let root = device(&*store, "cam").await.root();
        let expires_at = UnixMillis(NOW.0 + 1);
        let code = ClaimCode { device: root.device, code_hash: "code".into(), expires_at };
        store.put_claim_code(&code).await.unwrap();
        store.claim("code", &key.public_key_pem(), NOW).await.unwrap().unwrap();
        let (sent, clock): (_, Arc<dyn Clock>) = (Arc::new(Sent::default()), Arc::new(Standing));
        let core = LinkCore::new(&CoreParts {
            store: store.clone(),
            clock: clock.clone(),
            live: Arc::new(LiveCursor::new(0)),
            refusals: refusal_log(store.clone(), clock).0,
            doors: tokio::sync::mpsc::channel(1).0,
            outbound: sent.clone(),
            pack: pack(),
            served: ServedPacks::default(),
            patience: Patience::NONE,
        });
        Self { _place: place, store, sent, core, root, key }
    }

    fn incoming<B: Body>(&self, channel: &Channel, body: B) -> Incoming {
        let (device, msg_id) = (self.root.device, MsgId::generate());
        let envelope = Envelope { v: WIRE_VERSION, msg_id, device, session: 1, seq: 1, sent_at: NOW, body };
        let payload = envelope.encode().unwrap();
        Incoming { topic: self.root.topic(channel), payload: payload.into(), receipt: Receipt::to(Nobody) }
    }

    async fn enrolled(&self) -> PersonId {
        let someone = person("Ada");
        self.store.add_person(&someone).await.unwrap();
        self.store.add_template(&template(someone.id, 1)).await.unwrap();
        someone.id
    }

    fn proof(&self, rev: Revision, digest: &GalleryDigest) -> HoldingProof {
        let statement = holding_statement(self.root.device, rev, digest, NOW);
        HoldingProof { at: NOW, signature: self.key.sign(&statement).unwrap().into() }
    }

    async fn acknowledge(&mut self, ack: GalleryAck) {
        let message = self.incoming(&Channel::GalleryAck, ack);
        self.core.state(message).await;
    }

    async fn state_after(&self, person: PersonId) -> ConfirmationState {
        let erasure = self.store.erasure_of(person).await.unwrap().unwrap();
        self.store.erasure_devices(erasure.id).await.unwrap()[0].state
    }
}

#[tokio::test]
async fn only_a_good_word_confirms() {
    let mut bench = Bench::new().await;
    let ada = bench.enrolled().await;
    let rev = bench.store.remove_person(ada, NOW).await.unwrap().unwrap();
    let truth = bench.store.truth(bench.root.device, &pack()).await.unwrap();
    let ack = |rev, digest, proof| GalleryAck { rev, digest, persons: 0, templates: 0, proof };
    let other = GalleryDigest::from_bytes([1; 32]);
    let forged = HoldingProof { at: NOW, signature: vec![0; 64].into() };
    for bad in [
        ack(rev, truth.digest, Some(forged)),
        // A signature over something else than what is said.
        ack(rev, truth.digest, Some(bench.proof(rev, &other))),
        // Signed, but it is not what the device should hold.
        ack(rev, other, Some(bench.proof(rev, &other))),
        ack(Revision(rev.0 - 1), truth.digest, Some(bench.proof(Revision(rev.0 - 1), &truth.digest))),
    ] {
        bench.acknowledge(bad.clone()).await;
        assert_eq!(bench.state_after(ada).await, ConfirmationState::Waiting, "{bad:?}");
    }
    bench.acknowledge(ack(rev, truth.digest, Some(bench.proof(rev, &truth.digest)))).await;
    assert_eq!(bench.state_after(ada).await, ConfirmationState::Confirmed);
}

#[tokio::test]
async fn an_older_daemon_confirms_without_a_signature() {
    let mut bench = Bench::new().await;
    let ada = bench.enrolled().await;
    let rev = bench.store.remove_person(ada, NOW).await.unwrap().unwrap();
    let digest = bench.store.truth(bench.root.device, &pack()).await.unwrap().digest;
    bench.acknowledge(GalleryAck { rev, digest, persons: 0, templates: 0, proof: None }).await;
    assert_eq!(bench.state_after(ada).await, ConfirmationState::Unsigned);
}

#[tokio::test]
async fn chunks_are_sealed_once_the_device_has_a_key() {
    let mut bench = Bench::new().await;
    let ada = bench.enrolled().await;
    let open = bench.chunk().await;
    assert!(open.sealed.is_none() && open.persons[0].person == ada, "it was never given a key");
    let given = bench.store.give_gallery_key(bench.root.device).await.unwrap();
    let chunk = bench.chunk().await;
    let sealed = chunk.sealed.unwrap();
    assert!(chunk.persons.is_empty() && sealed.key == given.id && !sealed.deflated);
    let plain = given.key.open(chunk.request.as_bytes(), &sealed.bytes).unwrap();
    let persons: Vec<PersonChange> = codec::from_slice("persons", 1 << 20, &plain).unwrap();
    assert_eq!(persons, open.persons);
}

impl Bench {
    /// What the device is answered when it holds nothing.
    async fn chunk(&mut self) -> GalleryChunk {
        self.sent.0.lock().unwrap().clear();
        let request = GalleryRequest {
            request: MsgId::generate(),
            rev: Revision(0),
            digest: GalleryDigest::default(),
            pack: pack(),
            resume: None,
            most_chunks: None,
        };
        let message = self.incoming(&Channel::GalleryRequest, request);
        self.core.gallery(message).await;
        let (topic, payload) = self.sent.0.lock().unwrap().pop().unwrap();
        assert_eq!(topic, self.root.topic(&Channel::GalleryChunk));
        Envelope::<GalleryChunk>::decode(&payload).unwrap().body
    }
}
