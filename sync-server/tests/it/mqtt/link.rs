//! What the server makes of what devices send.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::ids::{BootId, DeviceId, EventId, MsgId, PackId, PersonId, StreamId, TemplateId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{Seen, State, Status, from_json, to_json};
use ostiary_common::wire::{
    Angle, ConfigDesired, DeviceReport, DeviceSettings, EventAck, EventBatch, EventRecord, EventTime, GalleryAck,
    GalleryChunk, GalleryNotice, GalleryRequest, LivenessPolicy, PersonChange, ReportKind, Revision, TemplateRow,
};
use ostiary_server::broker::LINK_USER;
use ostiary_server::domain::device::{DeviceState, HeldGallery};
use ostiary_server::domain::recognition::Share;
use ostiary_server::link::{self, Endpoint, Line, LinkConfig, LinkParts, Login, RunningLink};
use ostiary_server::packs::served::ServedPacks;
use ostiary_server::ports::LiveFeed;
use ostiary_server::refusals::refusal_log;
use rumqttc::v5::mqttbytes::v5::Packet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::client::{Client, PATIENCE, SILENCE};
use super::fake_store::FakeStore;
use super::world::{SystemClock, World};

const PACK: &str = "test@1";

/// Where the link says how far it is.
#[derive(Default)]
pub struct Cursor(AtomicI64);

impl LiveFeed for Cursor {
    fn committed(&self, cursor: i64) {
        self.0.store(cursor, Ordering::SeqCst);
    }
}

/// A link at work, and one device.
struct Server {
    world: World,
    link: RunningLink,
    live: Arc<Cursor>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    async fn start() -> Self {
        let world = World::start().await;
        let (link, live, shutdown, tasks) = start_link(&world);
        let mut server = Self { world, link, live, shutdown, tasks };
        server.connected(true).await;
        server
    }

    /// The link as after a crash: nothing of it survives but the store.
    async fn restart_link(&mut self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        (self.link, self.live, self.shutdown, self.tasks) = start_link(&self.world);
        self.connected(true).await;
    }

    async fn connected(&mut self, wanted: bool) {
        let mut connected = self.link.connected.clone();
        tokio::time::timeout(PATIENCE, connected.wait_for(|is| *is == wanted)).await.expect("in time").unwrap();
    }

    async fn device(&self) -> Camera {
        let root = self.world.store.add_active();
        Camera::connect(&self.world, root).await
    }

    async fn until(&self, what: &str, mut done: impl FnMut(&World) -> bool) {
        let started = Instant::now();
        while !done(&self.world) {
            assert!(started.elapsed() < PATIENCE, "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn start_link(world: &World) -> (RunningLink, Arc<Cursor>, CancellationToken, TaskTracker) {
    let endpoint =
        Endpoint { host: "127.0.0.1".to_owned(), port: world.broker.local_addr.port(), tls: Some(world.trust.clone()) };
    let user = Some((LINK_USER.to_owned(), world.link_secret.clone()));
    let login = Login { client_id: LINK_USER.to_owned(), user };
    start_link_to(endpoint, login, None, &world.store)
}

/// A link to any broker.
pub fn start_link_to(
    endpoint: Endpoint,
    login: Login,
    shared_group: Option<String>,
    store: &Arc<FakeStore>,
) -> (RunningLink, Arc<Cursor>, CancellationToken, TaskTracker) {
    let (live, shutdown, tasks) = (Arc::new(Cursor::default()), CancellationToken::new(), TaskTracker::new());
    let clock = Arc::new(SystemClock);
    let (refusals, writer) = refusal_log(store.clone(), clock.clone());
    tasks.spawn(writer.run(shutdown.clone()));
    let config = LinkConfig {
        line: Line::Mqtt { endpoint, login, shared_group },
        pack: PackId::parse(PACK).unwrap(),
        served: ServedPacks::default(),
    };
    let parts = LinkParts {
        store: store.clone(),
        clock,
        live: live.clone(),
        refusals,
        doors: tokio::sync::mpsc::channel(1).0,
        kick: Arc::new(|_| {}),
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    };
    (link::start(config, parts), live, shutdown, tasks)
}

/// A device that speaks the wire by hand.
pub struct Camera {
    pub client: Client,
    pub root: DeviceRoot,
    stream: StreamId,
}

impl Camera {
    async fn connect(world: &World, root: DeviceRoot) -> Self {
        Self::over(Client::device(world, root).await, root).await
    }

    /// A device over a connection that is there already.
    pub async fn over(mut client: Client, root: DeviceRoot) -> Self {
        for topic in root.subscribed_by_device() {
            client.subscribe(&topic).await;
        }
        Self { client, root, stream: StreamId::generate() }
    }

    pub fn batch(&self, seqs: impl IntoIterator<Item = u64>) -> EventBatch {
        EventBatch { stream: self.stream, events: seqs.into_iter().map(event).collect() }
    }

    pub async fn send<B: Body>(&self, channel: &Channel, body: B) {
        self.send_bytes(channel, self.envelope(body).encode().unwrap()).await;
    }

    pub async fn send_bytes(&self, channel: &Channel, bytes: Vec<u8>) {
        let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
        self.client.mqtt.publish(self.root.topic(channel), qos, false, bytes).await.unwrap();
    }

    pub fn envelope<B>(&self, body: B) -> Envelope<B> {
        let device = self.root.device;
        Envelope {
            v: WIRE_VERSION,
            msg_id: MsgId::generate(),
            device,
            session: 7,
            seq: 1,
            sent_at: UnixMillis(1_500),
            body,
        }
    }

    /// The next message on `channel`.
    /// The session named by the next message on a channel, whatever else it says.
    async fn session(&mut self, channel: &Channel) -> u64 {
        let topic = self.root.topic(channel);
        let named = |packet: &Packet| match packet {
            Packet::Publish(publish) if publish.topic == topic && *channel == Channel::EventsAck => {
                Some(Envelope::<EventAck>::decode(&publish.payload).unwrap().session)
            }
            Packet::Publish(publish) if publish.topic == topic => {
                Some(Envelope::<GalleryNotice>::decode(&publish.payload).unwrap().session)
            }
            _ => None,
        };
        self.client.next(named).await
    }

    async fn next<B: Body>(&mut self, channel: &Channel) -> B {
        let topic = self.root.topic(channel);
        let device = self.root.device;
        self.client
            .next(|packet| match packet {
                Packet::Publish(publish) if publish.topic == topic => {
                    let envelope = Envelope::<B>::decode(&publish.payload).unwrap();
                    assert_eq!(envelope.device, device);
                    Some(envelope.body)
                }
                _ => None,
            })
            .await
    }

    /// The next acknowledgement, without the name of the batch.
    pub async fn ack(&mut self) -> EventAck {
        EventAck { batch: None, ..self.named_ack().await }
    }

    async fn named_ack(&mut self) -> EventAck {
        self.next(&Channel::EventsAck).await
    }

    async fn expect_no_ack(&mut self) {
        if let Ok(ack) = tokio::time::timeout(SILENCE, self.ack()).await {
            panic!("acknowledged: {ack:?}");
        }
    }

    pub fn acked(&self, upto_seq: u64, resend_from: Option<u64>) -> EventAck {
        EventAck { stream: self.stream, upto_seq, resend_from, rejected: Vec::new(), batch: None }
    }
}

fn event(seq: u64) -> EventRecord {
    let boot = BootId(Uuid::from_u128(1));
    let time = EventTime { wall: UnixMillis(1_000), clock_synced: true, monotonic_ms: 5, boot };
    let report = DeviceReport { kind: ReportKind::Started, detail: String::new() };
    EventRecord { id: EventId::generate(), seq, time, visit: None, report: Some(report) }
}

fn visit(seq: u64) -> EventRecord {
    use ostiary_common::wire::{Candidate, Latency, LivenessReport, OutcomeKind, QualitySummary, VisitReport};
    let matched = Candidate { person: PersonId::generate(), template: TemplateId::generate(), similarity: 0.7 };
    let visit = VisitReport {
        outcome: OutcomeKind::Match,
        matched: Some(matched),
        nearest: None,
        reason: None,
        liveness: Some(LivenessReport { score: 0.9, threshold: 0.5, policy: LivenessPolicy::Report, cue: None }),
        threshold: 0.4,
        margin: 0.05,
        quality: QualitySummary::default(),
        frames: 3,
        embeddings: 1,
        gallery_rev: Revision(1),
        pack: PackId::parse(PACK).unwrap(),
        latency: Latency::default(),
        embedding: None,
        crop_jpeg: None,
    };
    EventRecord { visit: Some(visit), report: None, ..event(seq) }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_stored_once_and_acknowledged_however_often_they_come() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    let batch = camera.batch(1..=3);
    for _ in 0..3 {
        camera.send(&Channel::Events, batch.clone()).await;
        assert_eq!(camera.ack().await, camera.acked(3, None));
    }
    camera.send(&Channel::Events, camera.batch(4..=5)).await;
    assert_eq!(camera.ack().await, camera.acked(5, None));
    assert_eq!(server.world.store.look().events.len(), 5);
    assert_eq!(server.live.0.load(Ordering::SeqCst), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_it_is_committed() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    server.world.store.open(false);
    camera.send(&Channel::Events, camera.batch(1..=3)).await;
    camera.expect_no_ack().await;
    server.world.store.open(true);
    assert_eq!(camera.ack().await, camera.acked(3, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_commit_loses_nothing_and_one_after_it_doubles_nothing() {
    let mut server = Server::start().await;
    let mut camera = server.device().await;
    let batch = camera.batch(1..=3);
    server.world.store.open(false);
    camera.send(&Channel::Events, batch.clone()).await;
    camera.expect_no_ack().await;
    server.restart_link().await;
    server.world.store.open(true);
    camera.send(&Channel::Events, batch.clone()).await;
    assert_eq!(camera.ack().await, camera.acked(3, None));
    server.restart_link().await;
    camera.send(&Channel::Events, batch).await;
    assert_eq!(camera.ack().await, camera.acked(3, None));
    assert_eq!(server.world.store.look().events.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_store_is_tried_again() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    server.world.store.look().failing = 2;
    camera.send(&Channel::Events, camera.batch(1..=2)).await;
    assert_eq!(camera.ack().await, camera.acked(2, None));
    assert_eq!(server.world.store.look().commits, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_devices_share_a_commit() {
    let server = Server::start().await;
    let mut cameras = Vec::new();
    for _ in 0..8 {
        cameras.push(server.device().await);
    }
    server.world.store.open(false);
    for camera in &cameras {
        for seq in 1..=4 {
            camera.send(&Channel::Events, camera.batch([seq])).await;
        }
    }
    tokio::time::sleep(SILENCE).await;
    server.world.store.open(true);
    for camera in &mut cameras {
        while camera.ack().await.upto_seq < 4 {}
    }
    let contents = server.world.store.look();
    assert_eq!(contents.events.len(), 32);
    assert!(contents.commits <= 4, "{} commits for 32 batches", contents.commits);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_is_asked_for() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    let whole = camera.batch(1..=6);
    let part = |range: std::ops::Range<usize>| EventBatch { events: whole.events[range].to_vec(), ..whole.clone() };
    camera.send(&Channel::Events, part(0..2)).await;
    assert_eq!(camera.ack().await, camera.acked(2, None));
    camera.send(&Channel::Events, part(4..6)).await;
    assert_eq!(camera.ack().await, camera.acked(2, Some(3)));
    camera.send(&Channel::Events, part(4..6)).await;
    assert_eq!(camera.ack().await, camera.acked(2, None), "not asked again at once");
    camera.send(&Channel::Events, part(2..6)).await;
    assert_eq!(camera.ack().await, camera.acked(6, None));
    assert_eq!(server.world.store.look().events.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_good_batch_is_refused_audited_and_stops_nothing() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    let good = camera.envelope(camera.batch(1..=2));
    let bytes = good.encode().unwrap();
    let foreign = Envelope { device: DeviceId::generate(), ..good.clone() };
    let newer = Envelope { v: 9, ..good.clone() };
    let bad = [
        ("malformed", bytes[..bytes.len() / 2].to_vec()),
        ("malformed", b"not CBOR".to_vec()),
        ("too_large", vec![0; EventBatch::MAX_BYTES + 1_000]),
        ("version", newer.encode().unwrap()),
        ("foreign_device", foreign.encode().unwrap()),
        ("batch", camera.envelope(camera.batch([1, 3])).encode().unwrap()),
        ("batch", camera.envelope(camera.batch([])).encode().unwrap()),
    ];
    let reasons: Vec<&str> = bad.iter().map(|(reason, _)| *reason).collect();
    for (_, bytes) in bad {
        camera.send_bytes(&Channel::Events, bytes).await;
    }
    camera.expect_no_ack().await;
    server.until("refusals are audited", |world| world.store.audited("ingest.refused").len() == reasons.len()).await;
    let found = server.world.store.audited("ingest.refused");
    for (entry, reason) in found.iter().zip(&reasons) {
        assert!(entry.detail.starts_with(reason), "{reason}: {}", entry.detail);
        assert_eq!(entry.actor, format!("device:{}", camera.root.device));
    }
    camera.send_bytes(&Channel::Events, bytes).await;
    assert_eq!(camera.ack().await, camera.acked(2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_taken_is_named_and_holds_nothing_up() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    let mut batch = camera.batch(1..=2);
    let mut bad = visit(3);
    bad.visit.as_mut().unwrap().threshold = f32::NAN;
    batch.events.extend([bad, event(4)]);
    for _ in 0..2 {
        camera.send(&Channel::Events, batch.clone()).await;
        let ack = camera.ack().await;
        assert_eq!((ack.upto_seq, ack.resend_from, ack.rejected.len()), (4, None, 1), "it leaves no hole");
        assert!(ack.rejected[0].seq == 3 && ack.rejected[0].reason.contains("impossible threshold"), "{ack:?}");
    }
    assert_eq!(server.world.store.look().events.len(), 3);
    server.until("it is audited", |world| world.store.audited("events.rejected").len() == 2).await;
    camera.send(&Channel::Events, camera.batch([5])).await;
    assert_eq!(camera.ack().await, camera.acked(5, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_that_is_still_connected_is_not_heard() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    server.world.store.change(camera.root.device, |device| device.state = DeviceState::Revoked);
    camera.send(&Channel::Events, camera.batch(1..=2)).await;
    camera.expect_no_ack().await;
    assert!(server.world.store.look().events.is_empty());
    server.until("it is audited", |world| !world.store.audited("ingest.refused").is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_comes_back_after_a_broker_restart() {
    let mut server = Server::start().await;
    let camera = server.device().await;
    let root = camera.root;
    server.world.restart_broker().await;
    server.connected(true).await;
    camera.client.vanish();
    let mut camera = Camera::connect(&server.world, root).await;
    server.connected(true).await;
    camera.send(&Channel::Events, camera.batch(1..=2)).await;
    assert_eq!(camera.ack().await, camera.acked(2, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_of_an_old_session_is_ignored() {
    let server = Server::start().await;
    let camera = server.device().await;
    let id = camera.root.device;
    let status = |state, session| to_json(&Status { state, session, since: UnixMillis(0), version: "1.2".into() });
    camera.send_bytes(&Channel::Status, status(State::Online, 7)).await;
    camera.send_bytes(&Channel::Status, status(State::Lost, 6)).await;
    camera
        .send_bytes(
            &Channel::Info,
            br#"{"version":"1","hardware":"b","system":"s","camera":"c","model_pack":"p"}"#.to_vec(),
        )
        .await;
    camera.send_bytes(&Channel::Health, br#"{"ostiary_frames_total":5}"#.to_vec()).await;
    server.until("health is kept", |world| world.store.look().devices[&id].presence.health_json.is_some()).await;
    let presence = server.world.store.look().devices[&id].presence.clone();
    assert_eq!((presence.state.as_str(), presence.session), ("online", 7));
    assert!(presence.info_json.unwrap().contains("hardware"));
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_are_told_with_names() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    let mut monitor = Client::monitor(&server.world).await;
    monitor.subscribe("ostiary/v1/+/+/seen").await;
    let batch = EventBatch { stream: camera.stream, events: vec![event(1), visit(2)] };
    camera.send(&Channel::Events, batch.clone()).await;
    camera.ack().await;
    let seen: Seen = from_json(&monitor.message().await.payload).unwrap();
    assert_eq!((seen.event, seen.name.as_deref()), (batch.events[1].id, Some("Ada")));
    assert_eq!(seen.door_name, "Front");
    assert_eq!((seen.decision_to_published_ms, seen.held_back), (Some(500), false));
    assert_eq!(seen.published_at.as_deref(), Some("1970-01-01T00:00:01.5Z"));
    assert_eq!(seen.liveness.map(|live| live.policy), Some(LivenessPolicy::Report));
    assert!(seen.stored_at.is_some() && seen.captured_at.is_some() && seen.quality.is_some());
    monitor.expect_silence().await;
}

fn person(rev: u64, templates: usize) -> PersonChange {
    let template = || TemplateRow {
        id: TemplateId::generate(),
        version: 1,
        angle: Angle::Frontal,
        embedding: vec![1; 2048].into(),
    };
    PersonChange {
        person: PersonId::generate(),
        rev: Revision(rev),
        templates: (0..templates).map(|_| template()).collect(),
    }
}

fn request(rev: u64, pack: &str) -> GalleryRequest {
    let pack = PackId::parse(pack).unwrap();
    GalleryRequest {
        request: MsgId::generate(),
        rev: Revision(rev),
        digest: GalleryDigest::default(),
        pack,
        resume: None,
        most_chunks: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gallery_comes_in_chunks_and_a_wrong_one_is_noticed() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    {
        let mut contents = server.world.store.look();
        contents.gallery = (1..=200).map(|rev| person(rev, 2)).collect();
        contents.revision = 200;
    }
    let asked = request(0, PACK);
    camera.send(&Channel::GalleryRequest, asked.clone()).await;
    let (mut persons, mut digest) = (0, GalleryDigest::default());
    for index in 0.. {
        let chunk: GalleryChunk = camera.next(&Channel::GalleryChunk).await;
        assert_eq!((chunk.request, chunk.index), (asked.request, index));
        persons += chunk.persons.len();
        let templates = chunk.persons.iter().flat_map(|person| &person.templates);
        templates.for_each(|template| digest.add(template.id, template.version));
        if chunk.last {
            assert_eq!((chunk.digest, chunk.to_rev), (digest, Revision(200)));
            assert!(index >= 3, "800 KiB do not fit into {} chunks", index + 1);
            break;
        }
    }
    assert_eq!(persons, 200);

    let ack = |digest| GalleryAck { rev: Revision(200), digest, persons: 200, templates: 400, proof: None };
    camera.send(&Channel::GalleryAck, ack(GalleryDigest::default())).await;
    assert_eq!(camera.next::<GalleryNotice>(&Channel::GalleryNotice).await, GalleryNotice { rev: Revision(200) });
    camera.send(&Channel::GalleryAck, ack(digest)).await;
    let id = camera.root.device;
    server
        .until("what it holds is kept", |world| {
            world.store.look().devices[&id].held.is_some_and(|held| held.digest == digest)
        })
        .await;
}

/// After a card was set back, the server may show a session of the life before: it names it wherever the device may not
/// know, and the device gets over it.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_counts_too_low_is_told_the_session_that_is_shown() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    let status = |state, session| to_json(&Status { state, session, since: UnixMillis(0), version: "1.2".into() });
    camera.send_bytes(&Channel::Status, status(State::Online, 7)).await;
    camera.send_bytes(&Channel::Status, status(State::Lost, 9)).await;
    assert_eq!(camera.session(&Channel::GalleryNotice).await, 9, "lost in another session than it was there with");
    camera.send_bytes(&Channel::Status, status(State::Online, 8)).await;
    assert_eq!(camera.session(&Channel::GalleryNotice).await, 9, "there with a session that does not count");
    camera.send(&Channel::Events, camera.batch(1..=1)).await;
    assert_eq!(camera.session(&Channel::EventsAck).await, 9, "whatever the batch says");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_another_pack_is_not_answered() {
    let server = Server::start().await;
    let mut camera = server.device().await;
    camera.send(&Channel::GalleryRequest, request(0, "other@2")).await;
    server.until("it is audited", |world| !world.store.audited("gallery.pack").is_empty()).await;
    camera.send(&Channel::GalleryRequest, request(0, PACK)).await;
    let chunk: GalleryChunk = camera.next(&Channel::GalleryChunk).await;
    assert!(chunk.last && chunk.persons.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_once_to_every_active_device_they_concern() {
    let server = Server::start().await;
    let (mut one, mut two, mut third) = (server.device().await, server.device().await, server.device().await);
    server.world.store.look().revision = 20;
    let held = HeldGallery {
        rev: Revision(20),
        digest: GalleryDigest::default(),
        persons: 0,
        templates: 0,
        at: UnixMillis(0),
    };
    server.world.store.change(third.root.device, |device| device.held = Some(held));
    for rev in 1..=20 {
        server.link.devices.gallery_changed(Revision(rev));
    }
    for camera in [&mut one, &mut two] {
        assert_eq!(camera.next::<GalleryNotice>(&Channel::GalleryNotice).await, GalleryNotice { rev: Revision(20) });
    }
    one.client.expect_silence().await;
    third.client.expect_silence().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn desired_configuration_waits_for_the_device_also_after_a_broker_restart() {
    let mut server = Server::start().await;
    let root = server.world.store.add_active();
    server.world.store.change(root.device, |device| {
        device.config_version = 3;
        device.config.match_threshold = Some(0.5);
        device.inherited.door.target_fpir = Some(Share::parse(0.001).unwrap());
        device.inherited.installation.liveness = Some(LivenessPolicy::Block);
    });
    server.link.devices.config_changed(root.device);
    for _ in 0..2 {
        let mut camera = Camera::connect(&server.world, root).await;
        let desired: ConfigDesired = camera.next(&Channel::ConfigDesired).await;
        assert_eq!((desired.version, desired.settings.match_threshold), (3, Some(0.5)));
        let DeviceSettings { target_fpir, liveness, .. } = desired.settings;
        assert_eq!(
            (target_fpir, liveness),
            (Some(0.001), Some(LivenessPolicy::Block)),
            "its door's, the installation's"
        );
        camera.client.vanish();
        server.world.restart_broker().await;
        server.connected(true).await;
    }
}
