//! The synchronisation against a model of the server.

use ostiary_common::digest::GalleryDigest;
use proptest::prelude::*;

use super::*;
use crate::domain::gallery_model::{ModelServer, pack, person, row};

/// The device's machine with what it keeps durably, and a clock.
struct Device {
    sync: GallerySync,
    kept: (GalleryHead, Holdings),
    now: Now,
    dice: Dice,
    /// Whether the disk takes writes.
    writes: bool,
}

fn device() -> Device {
    holding(GalleryHead::default(), Holdings::default())
}

fn holding(head: GalleryHead, holdings: Holdings) -> Device {
    let now = Now {
        monotonic: Duration::ZERO,
        wall: UnixMillis(1_000_000),
        synced: true,
        floor: UnixMillis(0),
        random: 0,
        queued: 0,
    };
    let sync = GallerySync::new(pack(), KeptGallery { head, holdings: holdings.clone() });
    Device { sync, kept: (head, holdings), now, dice: Dice::new(5), writes: true }
}

impl Device {
    fn after(&mut self, wait: Duration) -> &mut Self {
        self.now.monotonic += wait;
        self.now.wall = self.now.wall.plus(wait);
        self
    }

    /// Hands something in, makes durable what is to be, and returns everything else.
    fn hand(&mut self, input: SyncInput) -> Vec<SyncOutput> {
        let mut open = self.sync.handle(input, &self.now, &mut self.dice);
        let mut told = Vec::new();
        while let Some(output) = (!open.is_empty()).then(|| open.remove(0)) {
            let SyncOutput::Apply(step) = output else {
                told.push(output);
                continue;
            };
            if !self.writes {
                open.extend(self.sync.handle(SyncInput::NotApplied, &self.now, &mut self.dice));
                continue;
            }
            self.kept.0 = step.head;
            self.kept.1.take(&step);
            assert_eq!(self.kept.1.digest(), step.head.digest, "the head fits the persons kept with it");
            open.extend(self.sync.applied(&step, &self.now, &mut self.dice));
        }
        told
    }

    fn ask(&mut self, input: SyncInput) -> GalleryRequest {
        request_of(&self.hand(input)).expect("a request is made")
    }

    /// Feeds pages until the server has nothing more to say; returns all that is said.
    fn converse(&mut self, server: &ModelServer, mut request: GalleryRequest, per_chunk: usize) -> Vec<SyncOutput> {
        let mut said = Vec::new();
        loop {
            let outputs = self.feed(server.answer(&request, per_chunk));
            let next = request_of(&outputs);
            said.extend(outputs);
            request = match next {
                Some(next) => next,
                None if self.sync.head.walk.is_none() => return said,
                None => match request_of(&self.after(PAGE_EVERY).hand(SyncInput::Tick)) {
                    Some(paced) => paced,
                    None => return said,
                },
            }
        }
    }

    fn feed(&mut self, chunks: Vec<GalleryChunk>) -> Vec<SyncOutput> {
        chunks.into_iter().flat_map(|chunk| self.hand(SyncInput::Chunk(chunk, UnixMillis(77)))).collect()
    }

    /// The power goes and comes back.
    fn restarted(self) -> Self {
        let (head, holdings) = self.kept;
        Self { now: self.now, ..holding(head, holdings) }
    }

    fn digest(&self) -> GalleryDigest {
        self.sync.holdings.digest()
    }
}

fn request_of(outputs: &[SyncOutput]) -> Option<GalleryRequest> {
    outputs
        .iter()
        .find_map(|output| if let SyncOutput::Request(request) = output { Some(request.clone()) } else { None })
}

#[test]
fn a_new_device_gets_everything_then_only_changes() {
    let mut server = ModelServer::default();
    (1..=5).for_each(|n| server.set(n, &[(n * 10, 1)]));
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    assert_eq!((request.rev, request.most_chunks), (Revision(0), Some(PAGE_CHUNKS)));
    device.converse(&server, request, 2);
    assert_eq!((device.sync.rev(), device.digest()), (Revision(5), server.digest()));
    assert_eq!(device.sync.proven().at, Some(UnixMillis(77)), "by the server's clock");

    server.set(2, &[]);
    server.set(3, &[(30, 2), (31, 1)]);
    assert!(device.hand(SyncInput::Notice(Revision(7))).is_empty(), "the request is spread");
    let request = device.after(NOTICE_JITTER).ask(SyncInput::Tick);
    assert_eq!(request.rev, Revision(5));
    let said = device.converse(&server, request, 10);
    assert!(said.iter().any(|o| matches!(o, SyncOutput::Ack(ack) if ack.persons == 4 && ack.templates == 5)));
    assert_eq!(device.digest(), server.digest());
}

#[test]
fn a_long_walk_goes_page_by_page_and_on_after_a_restart() {
    let mut server = ModelServer::default();
    (1..=30).for_each(|n| server.set(n, &[(n, 1)]));
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    let page = server.answer(&request, 1);
    assert_eq!(page.len(), 8, "no more than asked for");
    let request = request_of(&device.feed(page)).expect("the next page is asked for");
    assert_eq!(request.resume.map(|walk| walk.after.rev), Some(Revision(8)));
    device.feed(server.answer(&request, 1)[..3].to_vec());

    let mut device = device.restarted();
    assert_eq!(device.sync.holdings.persons(), 11);
    // Somebody named already is gone, somebody else moves to the end of the order.
    server.set(2, &[]);
    server.set(20, &[(20, 2)]);
    let request = device.ask(SyncInput::Connected);
    assert_eq!(request.resume.map(|walk| walk.after.rev), Some(Revision(11)), "goes on where it stood");
    device.converse(&server, request, 1);
    assert_eq!((device.digest(), device.sync.rev()), (server.digest(), Revision(server.rev)));
}

#[test]
fn a_very_long_walk_is_taken_at_a_pace_the_server_bears() {
    let mut server = ModelServer::default();
    (1..=200).for_each(|n| server.set(n, &[(n, 1)]));
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    let before = device.now.monotonic;
    device.converse(&server, request, 1);
    assert_eq!(device.digest(), server.digest());
    assert_eq!(device.now.monotonic - before, PAGE_EVERY * (25 - PAGES_AT_ONCE), "25 pages");
}

#[test]
fn somebody_gone_is_forgotten_before_the_walk_ends() {
    let mut server = ModelServer::default();
    (1..=20).for_each(|n| server.set(n, &[(n, 1)]));
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    device.converse(&server, request, 50);
    server.set(7, &[]);
    (21..=40).for_each(|n| server.set(n, &[(n, 1)]));
    device.hand(SyncInput::Notice(Revision(server.rev)));
    let request = device.after(NOTICE_JITTER).ask(SyncInput::Tick);
    device.feed(server.answer(&request, 1)[..1].to_vec());
    assert!(!device.kept.1.holds(person(7)), "durably, with the first chunk");
    assert_eq!(device.sync.rev(), Revision(20), "the walk is not at its end");
}

#[test]
fn a_narrower_door_begins_anew_and_forgets_whom_it_is_not_told_of() {
    let mut server = ModelServer::default();
    (1..=20).for_each(|n| server.set(n, &[(n, 1)]));
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    let request = request_of(&device.feed(server.answer(&request, 1))).unwrap();
    server.narrow(&[1, 2, 15]);
    let page = server.answer(&request, 1);
    assert_eq!((page[0].kind, page[0].walk.unwrap().began), (ChunkKind::Snapshot, Revision(21)));
    let said = device.feed(page);
    let request = request_of(&said).unwrap();
    let said = device.converse(&server, request, 1);
    assert!(matches!(said[..], [.., SyncOutput::Ack(_)]), "{said:?}");
    assert_eq!((device.digest(), device.sync.holdings.persons()), (server.digest(), 17));
}

#[test]
fn foreign_and_disordered_chunks_change_nothing_and_time_asks_again() {
    let mut server = ModelServer::default();
    (1..=4).for_each(|n| server.set(n, &[(n, 1)]));
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    let chunks = server.answer(&request, 1);
    let foreign = GalleryChunk { request: MsgId::generate(), ..chunks[0].clone() };
    assert!(device.feed(vec![foreign, chunks[2].clone()]).is_empty());
    assert_eq!(device.sync.holdings.persons(), 0);
    device.feed(vec![chunks[0].clone(), chunks[0].clone(), chunks[3].clone()]);
    assert_eq!(device.sync.holdings.persons(), 1, "what came in its turn is held");
    assert!(device.after(ANSWER_TIMEOUT / 4).hand(SyncInput::Tick).is_empty());
    let again = device.after(ANSWER_TIMEOUT).ask(SyncInput::Tick);
    assert_ne!(again.request, request.request);
    device.converse(&server, again, 3);
    assert_eq!(device.digest(), server.digest());
}

#[test]
fn a_wrong_digest_leads_to_one_snapshot_and_then_patience() {
    let mut server = ModelServer::default();
    server.set(1, &[(1, 1)]);
    let mut held = Holdings::default();
    held.set(person(9), &[row(9, 9)], 0);
    let head = GalleryHead { rev: Revision(1), digest: held.digest(), ..GalleryHead::default() };
    let mut device = holding(head, held);
    let request = device.ask(SyncInput::Connected);
    server.set(2, &[(2, 1)]);
    let said = device.feed(server.answer(&request, 9));
    let snapshot = request_of(&said).expect("everything is asked for at once");
    assert_eq!((snapshot.rev, snapshot.resume), (Revision(0), None));
    let mut wrong = server.answer(&snapshot, 9);
    wrong[0].digest = GalleryDigest::default();
    let said = device.feed(wrong);
    assert!(matches!(said[..], [SyncOutput::Warn(_)]), "no request at once: {said:?}");
    assert_eq!(device.sync.rev(), Revision(1), "nothing is proven");
    let wake = device.sync.wake_at().expect("tries again later");
    assert!(wake >= Duration::from_secs(15));
    let request = device.after(wake).ask(SyncInput::Tick);
    device.converse(&server, request, 9);
    assert_eq!(device.digest(), server.digest());
}

#[test]
fn another_pack_is_refused_in_words() {
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    let mut chunks = ModelServer::default().answer(&request, 1);
    chunks[0].pack = PackId::parse("other@2").unwrap();
    let said = device.feed(chunks);
    assert!(matches!(&said[..], [SyncOutput::Warn(text)] if text.contains("other@2") && text.contains("test@1")));
}

#[test]
fn what_is_doubted_is_proven_by_a_snapshot_even_after_a_restart() {
    let mut server = ModelServer::default();
    server.set(1, &[(1, 1)]);
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    device.converse(&server, request, 1);
    assert_eq!(device.kept.0.proven_at, Some(UnixMillis(77)));
    device.hand(SyncInput::Disconnected);
    device.hand(SyncInput::Doubted);
    assert_eq!((device.kept.0.rev, device.kept.0.proven_at), (Revision(0), None));
    let mut device = device.restarted();
    let request = device.ask(SyncInput::Connected);
    assert_eq!(request.rev, Revision(0));
    device.converse(&server, request, 1);
    assert!(device.sync.proven().in_this_run.is_some());
}

#[test]
fn what_is_held_is_proven_again_from_time_to_time_without_wearing_the_card() {
    let mut server = ModelServer::default();
    server.set(1, &[(1, 1)]);
    let mut device = device();
    let request = device.ask(SyncInput::Connected);
    device.converse(&server, request, 1);
    let wake = device.sync.wake_at().unwrap();
    assert!(wake >= PROVE_EVERY / 2 && wake <= PROVE_EVERY * 2);
    device.writes = false;
    let request = device.after(wake).ask(SyncInput::Tick);
    let said = device.converse(&server, request, 1);
    assert!(matches!(said[..], [SyncOutput::Ack(_)]), "nothing is written: {said:?}");
    assert_eq!(device.sync.proven().in_this_run, Some(device.now.monotonic));
}

/// What happens in a history: a change at the server, then luck with the answer.
#[derive(Clone, Copy, Debug)]
struct Turn {
    who: u128,
    templates: u128,
    luck: u8,
}

proptest! {
    /// Any history of changes, narrowed doors, lost chunks, restarts, full disks and lost connections ends with both
    /// sides equal; and nothing is ever acknowledged that is not held.
    #[test]
    fn converges(
        history in proptest::collection::vec((1..30_u128, 0..4_u128, 0..8_u8), 1..60)
    ) {
        let (mut server, mut device) = (ModelServer::default(), device());
        for (who, templates, luck) in history {
            let Turn { who, templates, luck } = Turn { who, templates, luck };
            let rows: Vec<(u128, u32)> = (0..templates).map(|n| (who * 100 + n, u32::from(luck))).collect();
            if luck == 7 { server.narrow(&[who]) } else { server.set(who, &rows) }
            device.writes = luck != 6;
            let mut outputs = device.after(Duration::from_secs(100)).hand(SyncInput::Connected);
            outputs.extend(device.hand(SyncInput::Tick));
            for _ in 0..luck {
                let Some(request) = request_of(&outputs) else { break };
                let mut chunks = server.answer(&request, 1);
                if luck == 2 {
                    chunks.pop();
                }
                if luck == 3 {
                    chunks.rotate_left(1);
                }
                outputs = device.feed(chunks);
                for output in &outputs {
                    if let SyncOutput::Ack(ack) = output {
                        prop_assert_eq!(ack.digest, device.digest());
                        prop_assert!(ack.rev.0 <= server.rev);
                    }
                }
            }
            if luck == 4 {
                device.hand(SyncInput::Disconnected);
            }
            if luck == 5 {
                device = device.restarted();
            }
        }
        device.writes = true;
        device.after(Duration::from_secs(10_000)).hand(SyncInput::Disconnected);
        let request = device.ask(SyncInput::Connected);
        device.converse(&server, request, 3);
        if device.sync.proven().in_this_run.is_none() || device.digest() != server.digest() {
            // A snapshot that came out wrong is asked for again, later.
            let wake = device.sync.wake_at().unwrap();
            let request = device.after(wake).ask(SyncInput::Tick);
            device.converse(&server, request, 3);
        }
        prop_assert_eq!(device.digest(), server.digest());
        prop_assert_eq!(device.sync.rev(), Revision(server.rev));
        prop_assert_eq!(device.kept.1.digest(), server.digest(), "and durably");
    }
}
