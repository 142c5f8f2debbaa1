//! The core message by message, over a disk in memory.

use std::time::Duration;

use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::{Body, Envelope, WIRE_VERSION};
use ostiary_common::identity::{GalleryKey, Secret};
use ostiary_common::ids::{DeviceId, EnrollmentId, EventId, GalleryKeyId, MsgId, PackId, SiteId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, CommandKind, DeviceRoot};
use ostiary_common::wire::monitor::{Info, Status, from_json};
use ostiary_common::wire::{
    Command, CommandResult, CommandStatus, ConfigDesired, ConfigReported, DeviceSettings, EnrollAck, EnrollCancel,
    EnrollProgress, EnrollResult, EnrollStart, EnrollState, EventAck, EventBatch, GalleryAck, GalleryChunk,
    GalleryNotice, GalleryRequest, HoldingProof, ReportKind, Revision, holding_statement,
};

use super::test_disk::MemoryDisk;
use super::{Action, CoreParts, DeviceCore, GuideWord, Input, KeptGallery, Now, Signer, TrustRules};
use crate::domain::gallery_model::{ModelServer, pack};

/// Signs by repeating.
struct Echo;

impl Signer for Echo {
    fn sign(&self, statement: &[u8]) -> Option<Vec<u8>> {
        Some(statement.to_vec())
    }
}

pub fn root() -> DeviceRoot {
    DeviceRoot { site: SiteId(uuid::Uuid::from_u128(1)), device: DeviceId(uuid::Uuid::from_u128(2)) }
}

pub fn core(disk: &MemoryDisk) -> DeviceCore<MemoryDisk> {
    let gallery = KeptGallery { head: disk.contents.borrow().head, holdings: disk.holdings() };
    let parts = CoreParts {
        root: root(),
        pack: pack(),
        info: Info::default(),
        gallery,
        in_force: DeviceSettings::default(),
        ack_timeout: Duration::from_secs(10),
        trust: TrustRules::default(),
        signer: Some(Box::new(Echo)),
        introduction: None,
    };
    DeviceCore::new(parts, disk.clone()).unwrap()
}

pub const fn start() -> Now {
    let wall = UnixMillis(1_000_000_000);
    Now { monotonic: Duration::ZERO, wall, synced: true, floor: UnixMillis(0), random: 1, queued: 0 }
}

/// A core with its disk and clock.
struct Bench {
    disk: MemoryDisk,
    core: DeviceCore<MemoryDisk>,
    now: Now,
    said: Vec<Action>,
}

fn bench() -> Bench {
    let disk = MemoryDisk::new(StreamId(uuid::Uuid::from_u128(7)));
    Bench { core: core(&disk), disk, now: start(), said: Vec::new() }
}

impl Bench {
    fn handle(&mut self, input: Input<'_>) -> Vec<Action> {
        self.now.random += 1;
        let actions = self.core.handle(input, &self.now);
        self.said.extend(actions.iter().cloned());
        actions
    }

    fn connect(&mut self) {
        let (session, _) = self.core.next_session(0, &self.now);
        self.handle(Input::Connected { session });
    }

    fn wait(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.wall = self.now.wall.plus(time);
        self.handle(Input::Tick);
    }

    fn hear<B: Body>(&mut self, channel: &Channel, body: B) -> Vec<Action> {
        self.hear_at(self.now.wall, channel, body)
    }

    fn hear_at<B: Body>(&mut self, sent_at: UnixMillis, channel: &Channel, body: B) -> Vec<Action> {
        self.hear_of(0, sent_at, channel, body)
    }

    /// A message of a server that has heard of this session.
    fn hear_of<B: Body>(&mut self, session: u64, sent_at: UnixMillis, channel: &Channel, body: B) -> Vec<Action> {
        let (msg_id, device) = (MsgId::generate(), root().device);
        let envelope = Envelope { v: WIRE_VERSION, msg_id, device, session, seq: 1, sent_at, body };
        let (topic, payload) = (root().topic(channel), envelope.encode().unwrap());
        self.handle(Input::Message { topic: topic.as_bytes(), payload: &payload })
    }

    /// The bodies published on a channel since the last look.
    fn said<B: Body>(&mut self, channel: &Channel) -> Vec<B> {
        let topic = root().topic(channel);
        let is_it = |action: &Action| matches!(action, Action::Publish(message) if message.topic == topic);
        let (found, rest): (Vec<Action>, Vec<Action>) = self.said.drain(..).partition(is_it);
        self.said = rest;
        let body = |action| {
            let Action::Publish(message) = action else { unreachable!("only those were kept") };
            Envelope::<B>::decode(&message.payload).unwrap().body
        };
        found.into_iter().map(body).collect()
    }

    fn sync(&mut self, server: &ModelServer) {
        for request in self.said::<GalleryRequest>(&Channel::GalleryRequest) {
            for chunk in server.answer(&request, 4) {
                self.hear(&Channel::GalleryChunk, chunk);
            }
        }
    }

    fn reports(&mut self) -> Vec<ReportKind> {
        self.said.drain(..).filter_map(|a| if let Action::Report(kind, _) = a { Some(kind) } else { None }).collect()
    }
}

fn ack(stream: StreamId, upto_seq: u64) -> EventAck {
    EventAck { stream, upto_seq, resend_from: None, rejected: Vec::new(), batch: None }
}

#[test]
fn what_is_held_is_said_with_proof() {
    let (mut bench, mut server) = (bench(), ModelServer::default());
    server.set(1, &[(1, 1)]);
    bench.connect();
    bench.sync(&server);
    let ack = bench.said::<GalleryAck>(&Channel::GalleryAck).remove(0);
    let at = bench.now.wall;
    let signature = holding_statement(root().device, ack.rev, &server.digest(), at).into();
    assert_eq!((ack.rev.0, ack.digest, ack.proof), (1, server.digest(), Some(HoldingProof { at, signature })));
}

#[test]
fn a_restored_card_begins_a_new_stream_with_what_waits_and_a_doubted_gallery() {
    let (mut bench, mut server) = (bench(), ModelServer::default());
    server.set(1, &[(1, 1)]);
    bench.connect();
    bench.sync(&server);
    let ids: Vec<EventId> = (0..3).map(|_| EventId::generate()).collect();
    ids.iter().for_each(|id| bench.disk.append(*id));
    bench.wait(Duration::from_secs(1));
    let old = bench.said::<EventBatch>(&Channel::Events).remove(0).stream;
    // The server has seen more of this stream than the card has given.
    bench.hear(&Channel::EventsAck, ack(old, 90));
    assert!(!bench.core.trust(&bench.now).may_match(), "nobody is matched before the server has spoken");
    let batch = bench.said::<EventBatch>(&Channel::Events).remove(0);
    assert_ne!(batch.stream, old);
    let found: Vec<(u64, EventId)> = batch.events.iter().map(|event| (event.seq, event.id)).collect();
    assert_eq!(found, (1..).zip(ids).collect::<Vec<_>>(), "the same events under new numbers");
    let request = bench.said::<GalleryRequest>(&Channel::GalleryRequest).remove(0);
    assert_eq!(request.rev.0, 0);
    assert_eq!(bench.reports(), [ReportKind::Restored, ReportKind::GalleryStale]);
    for chunk in server.answer(&request, 1) {
        bench.hear(&Channel::GalleryChunk, chunk);
    }
    assert!(bench.core.trust(&bench.now).may_match());
}

#[test]
fn a_session_the_card_has_forgotten_asks_for_one_token_and_doubts_the_gallery_once() {
    let (mut bench, mut server) = (bench(), ModelServer::default());
    server.set(1, &[(1, 1)]);
    bench.connect();
    bench.sync(&server);
    let mut notice = |session| {
        let actions =
            bench.hear_of(session, bench.now.wall, &Channel::GalleryNotice, GalleryNotice { rev: Revision(1) });
        let asks = actions.iter().filter(|action| matches!(action, Action::NewToken)).count();
        (asks, bench.said::<GalleryRequest>(&Channel::GalleryRequest).len(), bench.reports())
    };
    assert_eq!(notice(1), (0, 0, vec![]), "its own");
    assert_eq!(notice(7), (1, 1, vec![ReportKind::Restored, ReportKind::GalleryStale]), "of a life before");
    assert_eq!(notice(7), (0, 0, vec![]), "asked already");
    assert_eq!(notice(8), (1, 0, vec![]), "another late word");
}

#[test]
fn who_is_doubted_says_that_it_is_there() {
    let mut bench = bench();
    bench.connect();
    let mut online = |session, rev| {
        let notice = GalleryNotice { rev: Revision(rev) };
        let actions = bench.hear_of(session, bench.now.wall, &Channel::GalleryNotice, notice);
        let topic = root().topic(&Channel::Status);
        actions.iter().filter(|action| matches!(action, Action::Publish(message) if message.topic == topic)).count()
    };
    assert_eq!(online(1, 0), 1, "nothing new");
    assert_eq!(online(1, 5), 0, "news");
    assert_eq!(online(6, 0), 0, "not with a session that does not count");
}

#[test]
fn a_device_that_was_away_for_months_purges_before_it_matches() {
    let (mut bench, mut server) = (bench(), ModelServer::default());
    (1..=3).for_each(|n| server.set(n, &[(n, 1)]));
    bench.connect();
    bench.sync(&server);
    let disk = MemoryDisk::of(bench.disk.after_power_cut());
    bench = Bench { core: core(&disk), disk, now: start(), said: Vec::new() };
    bench.now.wall = bench.now.wall.plus(Duration::from_secs(90 * 24 * 3600));
    bench.handle(Input::Tick);
    assert_eq!(bench.reports(), [ReportKind::GalleryStale]);
    assert!(!bench.core.trust(&bench.now).may_match());
    server.set(2, &[]);
    bench.connect();
    let request = bench.said::<GalleryRequest>(&Channel::GalleryRequest).remove(0);
    let actions: Vec<Action> =
        server.answer(&request, 1).into_iter().flat_map(|chunk| bench.hear(&Channel::GalleryChunk, chunk)).collect();
    let purged = actions.iter().position(|a| matches!(a, Action::Search(step) if step.changes[0].templates.is_empty()));
    let proven = actions.iter().position(|a| matches!(a, Action::Proven(_)));
    assert!(purged.unwrap() < proven.unwrap(), "{actions:?}");
    assert!(bench.core.trust(&bench.now).may_match());
}

#[test]
fn a_gallery_sealed_with_an_unknown_key_asks_for_one_token() {
    let mut bench = bench();
    let mut server = ModelServer::default();
    server.set(1, &[(1, 1)]);
    bench.connect();
    let mut chunk = server.answer(&bench.said(&Channel::GalleryRequest)[0], 1).remove(0);
    let bytes = vec![0; 60].into();
    let key = GalleryKeyId::generate();
    chunk.sealed = Some(ostiary_common::wire::SealedPersons { key, deflated: false, bytes });
    let asks = |actions: &[Action]| actions.iter().filter(|action| matches!(action, Action::NewToken)).count();
    assert_eq!(asks(&bench.hear(&Channel::GalleryChunk, chunk.clone())), 1);
    bench.wait(Duration::from_secs(60));
    chunk.request = bench.said::<GalleryRequest>(&Channel::GalleryRequest)[0].request;
    assert_eq!(asks(&bench.hear(&Channel::GalleryChunk, chunk)), 0, "once");

    let key = GalleryKey { id: key, key: Secret("not base64".into()) };
    let actions = bench.handle(Input::Token { gallery_key: Some(&key), restored: false, root: root() });
    assert!(matches!(actions[..], [Action::Refused(_)]));
}

#[test]
fn settings_are_reported_once_they_are_in_force_and_only_if_they_are_kept() {
    let mut bench = bench();
    bench.connect();
    bench.said::<ConfigReported>(&Channel::ConfigReported);
    let settings = DeviceSettings { send_crops: Some(false), ..DeviceSettings::default() };
    let desired = ConfigDesired { version: 3, settings: settings.clone(), pack: None };
    *bench.disk.writes.borrow_mut() = false;
    let actions = bench.hear(&Channel::ConfigDesired, desired.clone());
    assert!(matches!(actions[..], [Action::Report(ReportKind::DiskFailed, _)]), "{actions:?}");
    *bench.disk.writes.borrow_mut() = true;
    let actions = bench.hear(&Channel::ConfigDesired, desired);
    assert_eq!(actions, [Action::Pack(None), Action::Enforce(settings.clone())]);
    bench.handle(Input::InForce(&settings));
    let reported = bench.said::<ConfigReported>(&Channel::ConfigReported).remove(0);
    assert_eq!((reported.version, reported.settings), (3, settings));
}

#[test]
fn commands_are_told_late_by_the_servers_clock_where_the_own_cannot_be_believed() {
    let mut bench = bench();
    bench.now.synced = false;
    bench.now.wall = UnixMillis(5);
    bench.connect();
    let stream = StreamId::generate();
    bench.hear_at(UnixMillis(1_000_000), &Channel::EventsAck, ack(stream, 0));
    bench.wait(Duration::from_secs(100));
    let command = |not_after| Command::new(MsgId::generate(), UnixMillis(not_after));
    let restart = Channel::Command(CommandKind::Restart);
    let mut status = |command: &Command| {
        let actions = bench.hear_at(UnixMillis(0), &restart, command.clone());
        let done = actions.iter().filter(|action| matches!(action, Action::Perform(CommandKind::Restart))).count();
        let result = Channel::CommandResult(CommandKind::Restart);
        (bench.said::<CommandResult>(&result).remove(0).status, done)
    };
    assert_eq!(status(&command(1_050_000)), (CommandStatus::Expired, 0));
    let timely = command(1_200_000);
    assert_eq!(status(&timely), (CommandStatus::Done, 1));
    assert_eq!(status(&timely), (CommandStatus::Done, 0), "answered, not done again");
}

/// What is to be done, beside taking note of the server's time.
fn deeds(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|action| !matches!(action, Action::HeardTime(_))).collect()
}

#[test]
fn what_a_door_took_is_kept_and_handed_over_until_it_is_dealt_with() {
    let mut bench = bench();
    bench.connect();
    let id = EnrollmentId::generate();
    let not_after = bench.now.wall.plus(Duration::from_secs(20));
    let start = EnrollStart { id, not_after, time_limit_s: 30, angles: Vec::new() };
    assert_eq!(deeds(bench.hear(&Channel::EnrollStart, start.clone())), [Action::Guide(start.clone())]);
    assert_eq!(deeds(bench.hear(&Channel::EnrollStart, start)), [], "it came twice");
    let result = EnrollResult {
        id,
        state: EnrollState::Complete,
        detail: String::new(),
        ended_at: bench.now.wall,
        shots: Vec::new(),
        liveness: None,
    };
    bench.handle(Input::Disconnected);
    bench.handle(Input::Guided(&GuideWord::Result(result.clone())));
    assert_eq!(bench.said::<EnrollResult>(&Channel::EnrollResult), [], "nobody is there to take it");
    assert_eq!(bench.disk.contents.borrow().enrollment, Some(result.clone()), "it is kept");
    // After a restart as well.
    bench.core = core(&bench.disk);
    bench.connect();
    assert_eq!(bench.said::<EnrollResult>(&Channel::EnrollResult), std::slice::from_ref(&result));
    bench.wait(Duration::from_secs(25));
    assert_eq!(bench.said::<EnrollResult>(&Channel::EnrollResult), [result], "said again");
    bench.hear(&Channel::EnrollAck, EnrollAck { id });
    assert_eq!(bench.disk.contents.borrow().enrollment, None);
    bench.wait(Duration::from_secs(60));
    assert_eq!(bench.said::<EnrollResult>(&Channel::EnrollResult), []);
}

#[test]
fn how_it_goes_is_said_at_most_once_and_a_cancelled_session_is_silent() {
    let mut bench = bench();
    bench.connect();
    let id = EnrollmentId::generate();
    let not_after = bench.now.wall.plus(Duration::from_secs(20));
    bench.hear(&Channel::EnrollStart, EnrollStart { id, not_after, time_limit_s: 30, angles: Vec::new() });
    let progress = EnrollProgress {
        id,
        state: EnrollState::Running,
        wanted: None,
        taken: Vec::new(),
        problem: None,
        hint: "Hold still.".into(),
        held: 0.5,
        quality: None,
    };
    let word = GuideWord::Progress(progress);
    let said = bench.handle(Input::Guided(&word));
    assert!(matches!(&said[..], [Action::Publish(message)] if !message.reliable), "{said:?}");
    assert_eq!(deeds(bench.hear(&Channel::EnrollCancel, EnrollCancel { id })), [Action::StopGuiding(id)]);
    assert_eq!(bench.handle(Input::Guided(&word)), []);
}

#[test]
fn health_and_events_wait_for_room_and_the_last_words_do_not() {
    let mut bench = bench();
    bench.disk.append(EventId::generate());
    bench.now.queued = 100;
    let (session, _) = bench.core.next_session(41, &bench.now);
    let actions = bench.handle(Input::Connected { session });
    assert!(session == 42 && !actions.iter().any(|action| matches!(action, Action::Health { .. })));
    assert!(bench.said::<EventBatch>(&Channel::Events).is_empty());
    bench.now.queued = 0;
    assert!(bench.core.wake_at() <= bench.now.monotonic + Duration::from_secs(1));
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.said::<EventBatch>(&Channel::Events).len(), 1);
    assert!(bench.said.iter().any(|action| matches!(action, Action::Health { .. })));
    let actions = bench.handle(Input::Stopping);
    let [Action::Publish(message)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(from_json::<Status>(&message.payload).unwrap().session, 42);
    assert_eq!(from_json::<Status>(&bench.core.will(42, &bench.now).payload).unwrap().session, 42);
}

#[test]
fn a_full_disk_keeps_nobody_from_connecting() {
    let mut bench = bench();
    *bench.disk.writes.borrow_mut() = false;
    let (first, actions) = bench.core.next_session(0, &bench.now);
    assert!(matches!(actions[..], [Action::Report(ReportKind::DiskFailed, _)]));
    let (second, actions) = bench.core.next_session(0, &bench.now);
    assert_eq!(second, first, "a number that is not written down is not left behind");
    assert!(actions.is_empty(), "told once");
    let mut server = ModelServer::default();
    server.set(1, &[(1, 1)]);
    bench.handle(Input::Connected { session: second });
    bench.sync(&server);
    assert_eq!(bench.core.holdings().digest(), GalleryDigest::default(), "nothing is held that is not kept");
    assert!(bench.said::<GalleryAck>(&Channel::GalleryAck).is_empty());
}

#[test]
fn another_packs_gallery_is_held_beside_and_removals_are_said_once_it_is_as_new() {
    let other = PackId::parse("other@2").unwrap();
    let (mut bench, mut server) = (bench(), ModelServer::default());
    server.set(1, &[(1, 1)]);
    server.set(2, &[(2, 1)]);
    bench.connect();
    bench.sync(&server);
    assert_eq!(bench.said::<GalleryAck>(&Channel::GalleryAck).len(), 1);

    let held = (other.clone(), KeptGallery::default());
    let said = bench.handle(Input::Beside(Some(&held)));
    assert!(said.contains(&Action::Filled(None)));
    bench.answer(&server, &other);
    let filled = Action::Filled(Some(other.clone()));
    assert!(bench.said.contains(&filled));
    assert!(bench.handle(Input::Beside(Some(&held))).contains(&filled), "asked again, it is still there");
    assert!(bench.said::<GalleryAck>(&Channel::GalleryAck).is_empty(), "nobody is told of it as of what is in use");

    // Somebody is removed: the gallery in use is new first, and may still lie in the other.
    server.set(1, &[]);
    bench.hear(&Channel::GalleryNotice, GalleryNotice { rev: Revision(server.rev) });
    bench.wait(Duration::from_secs(1));
    let requests = bench.answer(&server, &pack());
    assert_eq!(bench.core.holdings().persons(), 1);
    assert!(bench.said::<GalleryAck>(&Channel::GalleryAck).is_empty(), "that would be the proof that they are gone");
    bench.answer_these(&server, requests);
    assert_eq!(bench.said::<GalleryAck>(&Channel::GalleryAck).len(), 1);

    assert!(bench.handle(Input::Beside(None)).contains(&Action::Filled(None)));
}

impl Bench {
    /// Answers what was asked about a pack; gives back what was asked about others.
    fn answer(&mut self, server: &ModelServer, pack: &PackId) -> Vec<GalleryRequest> {
        let asked = self.said::<GalleryRequest>(&Channel::GalleryRequest);
        let (these, others) = asked.into_iter().partition(|request| request.pack == *pack);
        self.answer_these(server, these);
        others
    }

    fn answer_these(&mut self, server: &ModelServer, requests: Vec<GalleryRequest>) {
        for request in requests {
            for chunk in server.answer(&request, 4) {
                self.hear(&Channel::GalleryChunk, GalleryChunk { pack: request.pack.clone(), ..chunk });
            }
        }
    }
}
