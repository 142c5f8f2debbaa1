//! The driver against a made-up server, message by message, without a socket.

use ostiary_common::digest::GalleryDigest;
use ostiary_common::envelope::Body;
use ostiary_common::ids::{DeviceId, SiteId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::CommandKind;
use ostiary_common::wire::{
    ChunkKind, Command, CommandResult, CommandStatus, ConfigReported, DeviceSettings, GalleryAck, GalleryChunk,
    GalleryRequest, PersonChange, Revision,
};

use super::driver::*;
use super::resting::Resting;
use crate::cache::EventDraft;
use crate::config::Config;
use crate::recorder::{Record, Recorder};
use crate::sync::Outgoing;
use crate::testing::{DIMENSION, Nobody, pack, shared, template};
use ostiary_common::envelope::{Envelope, WIRE_VERSION};
use ostiary_common::ids::{EventId, MsgId};
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{Health, Info, State, Status, from_json};
use ostiary_common::wire::{ConfigDesired, DeviceReport, EventAck, EventBatch, RejectedEvent, ReportKind};
use std::sync::Arc;

struct Bench {
    dir: tempfile::TempDir,
    driver: Driver,
    reports: crossbeam_channel::Receiver<Record>,
    root: DeviceRoot,
}

fn bench() -> Bench {
    let root = DeviceRoot { site: SiteId::generate(), device: DeviceId::generate() };
    open(tempfile::tempdir().unwrap(), root)
}

fn open(dir: tempfile::TempDir, root: DeviceRoot) -> Bench {
    let config = Arc::new(Config::default());
    let (shared, holdings) = shared(dir.path(), &config);
    let (recorder, reports) = Recorder::new();
    let parts = DriverParts {
        shared,
        recorder,
        root,
        config,
        dimension: DIMENSION,
        info: Info::default(),
        holdings,
        attendant: Box::new(Nobody),
        introduction: None,
    };
    Bench { dir, driver: Driver::new(parts).unwrap(), reports, root }
}

impl Bench {
    /// The power goes and comes back.
    fn power_cut(self) -> Self {
        let Self { dir, driver, root, .. } = self;
        drop(driver);
        open(dir, root)
    }

    fn append(&self, count: u32) {
        for n in 0..count {
            let report = DeviceReport { kind: ReportKind::Started, detail: format!("event {n}") };
            let time = self.driver.shared.clock.event_time();
            let draft = EventDraft { id: EventId::generate(), time, visit: None, report: Some(report) };
            self.driver.shared.cache.outbox.append(draft).unwrap();
        }
    }

    /// The payloads published on a channel since the last look.
    fn said(&mut self, channel: &Channel) -> Vec<Vec<u8>> {
        self.driver.tick();
        let topic = self.root.topic(channel);
        let (said, rest): (Vec<Outgoing>, Vec<Outgoing>) =
            self.driver.outgoing.drain(..).partition(|message| message.topic == topic);
        self.driver.outgoing = rest.into();
        said.into_iter().map(|message| message.payload).collect()
    }

    fn said_body<B: Body>(&mut self, channel: &Channel) -> Vec<B> {
        let device = self.root.device;
        self.said(channel)
            .iter()
            .map(|payload| {
                let envelope = Envelope::<B>::decode(payload).unwrap();
                assert_eq!(envelope.device, device);
                envelope.body
            })
            .collect()
    }

    fn hear<B: Body>(&mut self, channel: &Channel, body: B) {
        self.hear_for(self.root.device, channel, body);
    }

    fn hear_for<B: Body>(&mut self, device: DeviceId, channel: &Channel, body: B) {
        let envelope = Envelope {
            v: WIRE_VERSION,
            msg_id: MsgId::generate(),
            device,
            session: 0,
            seq: 1,
            sent_at: UnixMillis(0),
            body,
        };
        self.driver.incoming(self.root.topic(channel).as_bytes(), &envelope.encode().unwrap());
    }

    fn refusals(&self) -> u64 {
        self.driver.shared.telemetry.messages_refused.get()
    }
}

#[test]
fn on_connect_it_says_who_it_is_and_what_it_holds() {
    let mut bench = bench();
    bench.driver.connected(7);
    let status: Status = from_json(&bench.said(&Channel::Status)[0]).unwrap();
    assert_eq!((status.state, status.session), (State::Online, 7));
    assert_eq!(bench.said(&Channel::Info).len(), 1);
    let health: Health = from_json(&bench.said(&Channel::Health)[0]).unwrap();
    assert!(health.metrics.contains_key("ostiary_outbox_events"));
    assert_eq!(bench.said_body::<ConfigReported>(&Channel::ConfigReported)[0].version, 0);
    let request = &bench.said_body::<GalleryRequest>(&Channel::GalleryRequest)[0];
    assert_eq!((request.rev, request.digest, &request.pack), (Revision(0), GalleryDigest::default(), &pack()));
    assert!(bench.said(&Channel::Health).is_empty(), "not again before its time");
}

#[test]
fn events_stay_until_the_server_has_stored_them() {
    let mut bench = bench();
    bench.append(100);
    bench.driver.connected(1);
    let batches = bench.said_body::<EventBatch>(&Channel::Events);
    let seqs: Vec<u64> = batches.iter().flat_map(|b| b.events.iter().map(|e| e.seq)).collect();
    assert_eq!(seqs, (1..=64).collect::<Vec<_>>(), "one batch until the server has said where it stands");
    let stream = batches[0].stream;
    bench.hear(
        &Channel::EventsAck,
        EventAck { stream, upto_seq: 64, resend_from: None, rejected: Vec::new(), batch: None },
    );
    let next = bench.said_body::<EventBatch>(&Channel::Events).remove(0);
    assert_eq!((next.events[0].seq, next.events.len()), (65, 36));

    let mut bench = bench.power_cut();
    assert!(!bench.driver.is_drained());
    bench.driver.connected(2);
    let batches = bench.said_body::<EventBatch>(&Channel::Events);
    assert_eq!((batches[0].stream, batches[0].events[0].seq), (stream, 65), "the rest is sent again");
    bench.hear(
        &Channel::EventsAck,
        EventAck { stream, upto_seq: 100, resend_from: None, rejected: Vec::new(), batch: None },
    );
    assert!(bench.driver.is_drained());
    assert_eq!(bench.driver.shared.cache.outbox.len(), 0);
}

#[test]
fn an_event_the_server_does_not_take_is_given_up_and_reported() {
    let mut bench = bench();
    bench.append(3);
    bench.driver.connected(1);
    let stream = bench.said_body::<EventBatch>(&Channel::Events)[0].stream;
    let rejected = vec![RejectedEvent { seq: 2, reason: "an impossible quality".into() }];
    bench.hear(&Channel::EventsAck, EventAck { stream, upto_seq: 3, resend_from: None, rejected, batch: None });
    assert!(bench.driver.is_drained(), "nothing is sent again");
    assert_eq!(bench.driver.shared.telemetry.messages_refused.get(), 1);
}

#[test]
fn a_gallery_is_taken_proven_kept_and_searched() {
    let mut bench = bench();
    bench.driver.connected(1);
    let request = bench.said_body::<GalleryRequest>(&Channel::GalleryRequest).remove(0);
    let (person, row) = template(0);
    let chunk = GalleryChunk {
        request: request.request,
        kind: ChunkKind::Snapshot,
        to_rev: Revision(5),
        index: 0,
        last: true,
        digest: GalleryDigest::of([(row.id, row.version)]),
        pack: pack(),
        persons: vec![PersonChange { person, rev: Revision(5), templates: vec![row] }],
        walk: None,
        sealed: None,
    };
    bench.hear(&Channel::GalleryChunk, chunk.clone());
    let ack = &bench.said_body::<GalleryAck>(&Channel::GalleryAck)[0];
    assert_eq!((ack.rev, ack.digest, ack.persons, ack.templates), (Revision(5), chunk.digest, 1, 1));
    assert_eq!(bench.driver.shared.gallery.load().index.len(), 1);

    let mut bench = bench.power_cut();
    assert_eq!(bench.driver.shared.gallery.load().index.persons(), 1, "known with the network gone");
    bench.driver.connected(2);
    assert_eq!(bench.said_body::<GalleryRequest>(&Channel::GalleryRequest)[0].rev, Revision(5));
}

#[test]
fn settings_are_kept_used_and_never_go_back() {
    let mut bench = bench();
    bench.driver.connected(1);
    bench.said(&Channel::ConfigReported);
    let wish = |version, match_threshold| ConfigDesired {
        version,
        settings: DeviceSettings { match_threshold: Some(match_threshold), ..DeviceSettings::default() },
        pack: None,
    };
    bench.hear(&Channel::ConfigDesired, wish(3, 0.95));
    let reported = &bench.said_body::<ConfigReported>(&Channel::ConfigReported)[0];
    assert_eq!((reported.version, reported.settings.match_threshold), (3, Some(0.95)));
    bench.hear(&Channel::ConfigDesired, wish(2, 0.5));
    assert!(bench.said(&Channel::ConfigReported).is_empty(), "older is discarded");
    bench.hear(&Channel::ConfigDesired, wish(4, 7.0));
    let refused = &bench.said_body::<ConfigReported>(&Channel::ConfigReported)[0];
    assert!(refused.error.as_ref().is_some_and(|error| error.contains("match_threshold")));
    assert_eq!(refused.settings.match_threshold, Some(0.95), "what was in force stays");
    let bench = bench.power_cut();
    let in_force = bench.driver.shared.settings.load().rules.decision.threshold;
    assert_eq!(in_force, 0.95);
}

#[test]
fn commands_are_done_once_and_answered_each_time() {
    let mut bench = bench();
    bench.driver.connected(1);
    let command = Command::new(MsgId::generate(), UnixMillis(i64::MAX));
    let channel = Channel::Command(CommandKind::Resync);
    let results = Channel::CommandResult(CommandKind::Resync);
    bench.said(&Channel::GalleryRequest);
    for _ in 0..2 {
        bench.hear(&channel, command.clone());
    }
    let answers = bench.said_body::<CommandResult>(&results);
    assert!(answers.iter().all(|answer| answer.id == command.id && answer.status == CommandStatus::Done));
    assert_eq!(answers.len(), 2);
    assert_eq!(bench.said(&Channel::GalleryRequest).len(), 1, "done once");
    let mut bench = bench.power_cut();
    bench.driver.connected(2);
    let restart = Channel::Command(CommandKind::Restart);
    bench.hear(&restart, command.clone());
    assert_eq!(bench.driver.wish, None, "the same id is remembered over a restart");
    bench.hear(&restart, Command { id: MsgId::generate(), ..command });
    assert_eq!(bench.driver.wish, Some(Wish::Restart));
}

#[test]
fn a_device_forgets_only_once_it_rests_and_nothing_waits() {
    let mut bench = bench();
    bench.driver.connected(1);
    let resting = Resting::default();
    assert!(!bench.driver.is_wish_due(&resting), "nothing was asked");
    bench.append(1);
    let stream = bench.said_body::<EventBatch>(&Channel::Events)[0].stream;
    let command = Command::new(MsgId::generate(), UnixMillis(i64::MAX));
    bench.hear(&Channel::Command(CommandKind::Reset), command);
    assert!(!bench.driver.is_wish_due(&resting), "it still watches");
    resting.rests();
    assert!(!bench.driver.is_wish_due(&resting), "an event still waits");
    bench.hear(
        &Channel::EventsAck,
        EventAck { stream, upto_seq: 1, resend_from: None, rejected: Vec::new(), batch: None },
    );
    assert!(bench.driver.is_wish_due(&resting));
}

#[test]
fn what_cannot_be_understood_is_counted_and_reported_never_fatal() {
    let mut bench = bench();
    bench.driver.connected(1);
    let topic = bench.root.topic(&Channel::EventsAck);
    let stream = bench.driver.shared.cache.outbox.stream();
    let bodies: [Vec<u8>; 4] = [
        vec![],
        b"not cbor".to_vec(),
        vec![0; 100_000],
        ostiary_common::codec::to_vec("t", 100, &std::collections::BTreeMap::from([("v", 9_u64)])).unwrap(),
    ];
    for body in bodies {
        bench.driver.incoming(topic.as_bytes(), &body);
    }
    bench.driver.incoming(b"ostiary/v1/else/where/events/ack", b"");
    bench.driver.incoming(&[0xff, 0xfe], b"");
    bench.driver.incoming(bench.root.topic(&Channel::Seen).as_bytes(), b"{}");
    bench.hear_for(
        DeviceId::generate(),
        &Channel::EventsAck,
        EventAck { stream, upto_seq: 9, resend_from: None, rejected: Vec::new(), batch: None },
    );
    assert_eq!(bench.refusals(), 8);
    let reports = bench.reports.try_iter().count();
    assert!((1..8).contains(&reports), "reported, but not in floods: {reports}");
}
