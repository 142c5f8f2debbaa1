//! The synchronisation against a model of the server.

use proptest::prelude::*;

use super::*;
use ostiary_common::wire::Angle;

const T0: Duration = Duration::ZERO;

fn pack() -> PackId {
    PackId::parse("test@1").unwrap()
}

fn person(n: u128) -> PersonId {
    PersonId(uuid::Uuid::from_u128(n))
}

fn change(n: u128, templates: &[(u128, u32)]) -> PersonChange {
    let row = |&(id, version): &(u128, u32)| TemplateRow {
        id: TemplateId(uuid::Uuid::from_u128(id)),
        version,
        angle: Angle::Frontal,
        embedding: vec![1; 16].into(),
    };
    PersonChange { person: person(n), rev: Revision(1), templates: templates.iter().map(row).collect() }
}

/// The server's gallery and its answers.
#[derive(Default)]
struct Server {
    rev: u64,
    persons: BTreeMap<PersonId, (u64, Vec<TemplateRow>)>,
}

impl Server {
    fn set(&mut self, change: PersonChange) {
        self.rev += 1;
        self.persons.insert(change.person, (self.rev, change.templates));
    }

    fn digest(&self) -> GalleryDigest {
        GalleryDigest::of(self.persons.values().flat_map(|(_, rows)| rows).map(|row| (row.id, row.version)))
    }

    fn answer(&self, request: &GalleryRequest, per_chunk: usize) -> Vec<GalleryChunk> {
        let kind = if request.rev == Revision(0) { ChunkKind::Snapshot } else { ChunkKind::Changes };
        let changed: Vec<PersonChange> = self
            .persons
            .iter()
            .filter(|(_, (rev, _))| *rev > request.rev.0)
            .map(|(id, (rev, rows))| PersonChange { person: *id, rev: Revision(*rev), templates: rows.clone() })
            .collect();
        let mut parts: Vec<Vec<PersonChange>> = changed.chunks(per_chunk).map(<[_]>::to_vec).collect();
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let count = parts.len();
        let chunk = |(index, persons)| GalleryChunk {
            request: request.request,
            kind,
            to_rev: Revision(self.rev),
            index: u32::try_from(index).unwrap(),
            last: index + 1 == count,
            digest: self.digest(),
            pack: pack(),
            persons,
            walk: None,
            sealed: None,
        };
        parts.into_iter().enumerate().map(chunk).collect()
    }
}

fn device() -> GallerySync {
    GallerySync::new(pack(), Revision(0), Holdings::default())
}

fn request_of(outputs: &[SyncOutput]) -> GalleryRequest {
    outputs
        .iter()
        .find_map(|output| if let SyncOutput::Request(request) = output { Some(request.clone()) } else { None })
        .expect("a request is made")
}

/// Feeds chunks and applies what comes of them; returns the last acknowledgement.
fn feed(device: &mut GallerySync, chunks: Vec<GalleryChunk>, now: Duration) -> Vec<SyncOutput> {
    let mut all = Vec::new();
    for chunk in chunks {
        for output in device.handle(SyncInput::Chunk(chunk), now, 0.5) {
            if let SyncOutput::Apply(update) = &output {
                all.push(device.applied(update));
            }
            all.push(output);
        }
    }
    all
}

#[test]
fn a_new_device_gets_everything_then_only_changes() {
    let mut server = Server::default();
    (1..=5).for_each(|n| server.set(change(n, &[(n * 10, 1)])));
    let mut device = device();
    let request = request_of(&device.handle(SyncInput::Connected, T0, 0.0));
    assert_eq!(request.rev, Revision(0));
    feed(&mut device, server.answer(&request, 2), T0);
    assert_eq!((device.rev(), device.holdings.digest()), (Revision(5), server.digest()));

    server.set(change(2, &[]));
    server.set(change(3, &[(30, 2), (31, 1)]));
    assert!(device.handle(SyncInput::Notice(Revision(7)), T0, 0.5).is_empty(), "the request is spread");
    let request = request_of(&device.handle(SyncInput::Tick, NOTICE_JITTER, 0.0));
    assert_eq!(request.rev, Revision(5));
    let outputs = feed(&mut device, server.answer(&request, 10), T0);
    assert!(outputs.iter().any(|o| matches!(o, SyncOutput::Ack(ack) if ack.persons == 4 && ack.templates == 5)));
    assert_eq!(device.holdings.digest(), server.digest());
}

#[test]
fn foreign_and_disordered_chunks_change_nothing_and_time_asks_again() {
    let mut server = Server::default();
    (1..=4).for_each(|n| server.set(change(n, &[(n, 1)])));
    let mut device = device();
    let request = request_of(&device.handle(SyncInput::Connected, T0, 0.0));
    let chunks = server.answer(&request, 1);
    let foreign = GalleryChunk { request: MsgId::generate(), ..chunks[0].clone() };
    assert!(feed(&mut device, vec![foreign], T0).is_empty());
    assert!(feed(&mut device, vec![chunks[0].clone(), chunks[2].clone(), chunks[3].clone()], T0).is_empty());
    assert_eq!(device.rev(), Revision(0));
    assert!(device.handle(SyncInput::Tick, ANSWER_TIMEOUT / 2, 0.0).is_empty());
    let again = request_of(&device.handle(SyncInput::Tick, ANSWER_TIMEOUT, 0.0));
    assert_ne!(again.request, request.request);
    feed(&mut device, server.answer(&again, 3), T0);
    assert_eq!(device.holdings.digest(), server.digest());
}

#[test]
fn a_wrong_digest_leads_to_one_snapshot_and_then_patience() {
    let mut server = Server::default();
    server.set(change(1, &[(1, 1)]));
    let mut held = Holdings::default();
    held.set(person(9), &change(9, &[(9, 9)]).templates);
    let mut device = GallerySync::new(pack(), Revision(1), held);
    let request = request_of(&device.handle(SyncInput::Connected, T0, 0.0));
    server.set(change(2, &[(2, 1)]));
    let outputs = feed(&mut device, server.answer(&request, 9), T0);
    let snapshot = request_of(&outputs);
    assert_eq!(snapshot.rev, Revision(0));
    let mut wrong = server.answer(&snapshot, 9);
    wrong[0].digest = GalleryDigest::default();
    let outputs = feed(&mut device, wrong, T0);
    assert!(matches!(outputs[..], [SyncOutput::Warn(_)]), "no request at once: {outputs:?}");
    let wake = device.wake_at().expect("tries again later");
    assert!(wake >= Duration::from_secs(15));
    let request = request_of(&device.handle(SyncInput::Tick, wake, 0.0));
    feed(&mut device, server.answer(&request, 9), wake);
    assert_eq!(device.holdings.digest(), server.digest());
}

#[test]
fn another_pack_is_refused_in_words() {
    let mut device = device();
    let request = request_of(&device.handle(SyncInput::Connected, T0, 0.0));
    let mut chunks = Server::default().answer(&request, 1);
    chunks[0].pack = PackId::parse("other@2").unwrap();
    let outputs = feed(&mut device, chunks, T0);
    assert!(matches!(&outputs[..], [SyncOutput::Warn(text)] if text.contains("other@2") && text.contains("test@1")));
}

proptest! {
    /// Any history of changes, lost chunks and lost connections ends with both sides equal.
    #[test]
    fn converges(history in proptest::collection::vec((1..8_u128, 0..4_u128, 0..4_u8), 1..30)) {
        let (mut server, mut device, mut now) = (Server::default(), device(), T0);
        for (who, templates, luck) in history {
            let rows: Vec<(u128, u32)> = (0..templates).map(|n| (who * 100 + n, u32::from(luck))).collect();
            server.set(change(who, &rows));
            now += Duration::from_secs(100);
            let mut outputs = device.handle(SyncInput::Connected, now, 0.5);
            outputs.extend(device.handle(SyncInput::Tick, now, 0.5));
            if let Some(SyncOutput::Request(request)) = outputs.first() {
                let mut chunks = server.answer(request, 1 + usize::from(luck));
                if luck == 0 {
                    chunks.pop();
                }
                feed(&mut device, chunks, now);
            }
            if luck == 1 {
                device.handle(SyncInput::Disconnected, now, 0.5);
            }
        }
        now += Duration::from_secs(10_000);
        device.handle(SyncInput::Disconnected, now, 0.5);
        let request = request_of(&device.handle(SyncInput::Connected, now, 0.5));
        feed(&mut device, server.answer(&request, 3), now);
        prop_assert_eq!(device.holdings.digest(), server.digest());
        prop_assert_eq!(device.rev(), Revision(server.rev));
    }
}
