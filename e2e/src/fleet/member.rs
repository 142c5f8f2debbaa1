//! One device of the fleet: it connects, says what it is, keeps its gallery current, sends what it sees, and comes back
//! after every cut, waiting longer each time as the daemon does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ostiary_common::envelope::Envelope;
use ostiary_common::ids::{MsgId, PackId};
use ostiary_common::topics::Channel;
use ostiary_common::wire::monitor::State;
use ostiary_common::wire::{
    EventAck, GalleryAck, GalleryChunk, GalleryNotice, GalleryRequest, GalleryWalk, HoldingProof, holding_statement,
};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{LastWill, Packet, Publish};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::board::{Board, Slot};
use super::holding::Holding;
use super::lot::Lot;
use super::socket::{Ended, Harbour, Socket};
use super::speech::{self, Speech};
use crate::device::{RawDevice, now};

/// The pack every device of the fleet has.
pub const PACK: &str = "ostiary-default@1";

/// How long connecting may take, as in the daemon.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// First pause after a lost connection and the longest, as in the daemon.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// Devices that hear the same notice spread their requests over this time, as in the daemon.
const NOTICE_JITTER: Duration = Duration::from_millis(250);
/// How long an answer to a gallery request may take, as in the daemon.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Chunks asked for at once.
const CHUNKS: u32 = 4;
/// How often health is said.
const HEALTH_EVERY: Duration = Duration::from_secs(60);
/// How often a ping shows that this side is there.
const PING_EVERY: Duration = Duration::from_secs(25);

/// What all devices are told to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Orders {
    /// Let visits end this often at each door.
    pub every: Option<Duration>,
    /// So many visits at a time.
    pub burst: u32,
    /// Rises when every device is to find `backlog` visits waiting.
    pub drains: u32,
    /// See `drains`.
    pub backlog: u32,
    /// End.
    pub end: bool,
}

/// One device.
#[derive(Debug)]
pub struct Member {
    /// Who it is.
    pub device: RawDevice,
    /// Its outbox.
    pub lot: Lot,
    /// Where its broker is.
    pub harbour: Arc<Harbour>,
    /// Where it writes what happens.
    pub board: Arc<Board>,
    /// Its place there.
    pub place: usize,
    /// What it is told.
    pub orders: watch::Receiver<Orders>,
    /// The gallery it holds.
    pub holding: Holding,
    /// Its session number.
    pub session: u64,
    /// Drains done so far.
    pub drained: u32,
    /// When the next visits end.
    pub next_visit: Option<Instant>,
    /// When it was switched on.
    pub born: Instant,
}

/// What belongs to one connection.
struct Call {
    socket: Socket,
    speech: Speech,
    /// When to ask for the gallery.
    ask_at: Option<Instant>,
    /// The request under way and the chunks it brought.
    asked: Option<(MsgId, u32)>,
    health_at: Instant,
    ping_at: Instant,
}

impl Member {
    /// Lives until told to end; gives its outbox back.
    pub async fn live(mut self) -> Lot {
        let mut pause = BACK_OFF.0;
        while !self.orders.borrow().end {
            let began = Instant::now();
            match self.connection().await {
                Ok(()) => break,
                Err(ended) => self.board.failed(&ended.to_string()),
            }
            self.slot().up.store(false, Ordering::Relaxed);
            self.board.sent_again.fetch_add(self.lot.begin_again(), Ordering::Relaxed);
            if began.elapsed() > CONNECT_WITHIN {
                pause = BACK_OFF.0;
            }
            self.rest(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
            pause = (pause * 2).min(BACK_OFF.1);
        }
        self.lot
    }

    /// A pause between connections; visits go on.
    async fn rest(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.orders.borrow().end {
            tokio::select! {
                () = sleep_until(end) => {}
                changed = self.orders.changed() => if changed.is_err() { return },
            }
        }
        self.see();
    }

    /// One connection. `Ok` when told to end.
    async fn connection(&mut self) -> Result<(), Ended> {
        let mut call = timeout(CONNECT_WITHIN, self.greet()).await.map_err(|_| Ended::Late)??;
        while !self.orders.borrow_and_update().end {
            self.see();
            self.speak(&mut call)?;
            self.slot().waiting.store(self.lot.waiting(), Ordering::Relaxed);
            let wake = self.wake_at(&call);
            tokio::select! {
                came = call.socket.exchange() => {
                    came?;
                    while let Some(packet) = call.socket.read()? {
                        self.hear(packet, &mut call)?;
                    }
                }
                () = sleep_until(wake) => {}
                _ = self.orders.changed() => {}
            }
        }
        Ok(())
    }

    async fn greet(&mut self) -> Result<Call, Ended> {
        self.session += 1;
        let root = self.device.root();
        let speech = Speech::new(root.device, self.session);
        let status = root.topic(&Channel::Status);
        let will = LastWill::new(&status, speech.status(State::Lost), QoS::AtLeastOnce, true, None);
        let client = root.device.to_string();
        let mut socket = Socket::open(&self.harbour, &client, self.device.token(), will).await?;
        socket.subscribe(root.subscribed_by_device())?;
        socket.publish(status, true, true, speech.status(State::Online))?;
        socket.publish(root.topic(&Channel::Info), true, true, speech::info())?;
        let (now, spread) = (Instant::now(), rand::random::<f64>());
        let health_at = now + HEALTH_EVERY.mul_f64(spread);
        let ping_at = now + PING_EVERY.mul_f64(0.5 + spread / 2.0);
        let mut call = Call { socket, speech, ask_at: Some(now), asked: None, health_at, ping_at };
        let reported = call.speech.envelope(speech::config()).map_err(codec)?;
        call.socket.publish(root.topic(&Channel::ConfigReported), true, true, reported)?;
        Ok(call)
    }

    /// Lets the visits that are due end.
    fn see(&mut self) {
        let orders = *self.orders.borrow();
        let now = Instant::now();
        let mut count = 0;
        if orders.drains > self.drained {
            self.drained = orders.drains;
            count += orders.backlog;
        }
        match (orders.every, self.next_visit) {
            (None, _) => self.next_visit = None,
            // Doors are not in step with each other.
            (Some(every), None) => self.next_visit = Some(now + every.mul_f64(rand::random())),
            (Some(every), Some(mut at)) => {
                while at <= now {
                    count += orders.burst;
                    at += every;
                }
                // A slower or faster pace counts from now.
                self.next_visit = Some(at.min(now + every));
            }
        }
        if count > 0 {
            self.lot.make(count, crate::device::now(), self.born.elapsed().as_millis() as u64);
            self.board.produced.fetch_add(count.into(), Ordering::Relaxed);
            self.slot().waiting.store(self.lot.waiting(), Ordering::Relaxed);
        }
    }

    /// Says what is due.
    fn speak(&mut self, call: &mut Call) -> Result<(), Ended> {
        let (now, root) = (Instant::now(), self.device.root());
        if self.lot.patience_ends().is_some_and(|at| at <= now) {
            self.board.sent_again.fetch_add(self.lot.begin_again(), Ordering::Relaxed);
        }
        while let Some(batch) = self.lot.next(now) {
            let bytes = call.speech.envelope(batch).map_err(codec)?;
            call.socket.publish(root.topic(&Channel::Events), false, true, bytes)?;
        }
        if call.ask_at.is_some_and(|at| at <= now) {
            self.ask(call, None)?;
        }
        if call.health_at <= now {
            call.health_at = now + HEALTH_EVERY;
            let health = speech::health(self.born.elapsed().as_secs_f64());
            call.socket.publish(root.topic(&Channel::Health), true, false, health)?;
        }
        if call.ping_at <= now {
            call.ping_at = now + PING_EVERY;
            call.socket.ping()?;
        }
        Ok(())
    }

    fn wake_at(&self, call: &Call) -> Instant {
        let due = [self.next_visit, self.lot.patience_ends(), call.ask_at];
        due.into_iter().flatten().fold(call.health_at.min(call.ping_at), Instant::min)
    }

    fn hear(&mut self, packet: Packet, call: &mut Call) -> Result<(), Ended> {
        match packet {
            Packet::Publish(publish) => {
                call.socket.confirm(&publish)?;
                self.message(&publish, call)
            }
            Packet::SubAck(_) => {
                self.slot().up.store(true, Ordering::Relaxed);
                Ok(())
            }
            Packet::Disconnect(said) => Err(Ended::Protocol(format!("sent away: {:?}", said.reason_code))),
            _ => Ok(()),
        }
    }

    fn message(&mut self, publish: &Publish, call: &mut Call) -> Result<(), Ended> {
        let topic = std::str::from_utf8(&publish.topic).unwrap_or_default();
        if topic.ends_with("/events/ack") {
            let ack = Envelope::<EventAck>::decode(&publish.payload).map_err(codec)?.body;
            let (settled, sent_at) = self.lot.acknowledged(&ack);
            self.board.acked.fetch_add(settled, Ordering::Relaxed);
            sent_at.into_iter().for_each(|at| self.board.acks.add(at.elapsed()));
            Ok(())
        } else if topic.ends_with("/gallery/notice") {
            let notice = Envelope::<GalleryNotice>::decode(&publish.payload).map_err(codec)?.body;
            if notice.rev > self.holding.rev && call.asked.is_none() {
                call.ask_at = Some(Instant::now() + NOTICE_JITTER.mul_f64(rand::random()));
            }
            Ok(())
        } else if topic.ends_with("/gallery/chunk") {
            let chunk = Envelope::<GalleryChunk>::decode(&publish.payload).map_err(codec)?.body;
            self.chunk(&chunk, call)
        } else {
            Ok(())
        }
    }

    fn ask(&self, call: &mut Call, resume: Option<GalleryWalk>) -> Result<(), Ended> {
        let request = MsgId::generate();
        call.asked = Some((request, 0));
        call.ask_at = Some(Instant::now() + ANSWER_WITHIN);
        let pack = PackId::parse(PACK).map_err(|error| Ended::Protocol(error.to_string()))?;
        let (rev, digest) = (self.holding.rev, self.holding.digest());
        let body = GalleryRequest { request, rev, digest, pack, resume, most_chunks: Some(CHUNKS) };
        let bytes = call.speech.envelope(body).map_err(codec)?;
        call.socket.publish(self.device.root().topic(&Channel::GalleryRequest), false, true, bytes)
    }

    fn chunk(&mut self, chunk: &GalleryChunk, call: &mut Call) -> Result<(), Ended> {
        let Some((request, taken)) = call.asked else { return Ok(()) };
        if chunk.request != request {
            return Ok(());
        }
        let opened = match &chunk.sealed {
            Some(sealed) => self.device.open(request, sealed).map_err(|error| Ended::Protocol(error.to_string()))?,
            None => Vec::new(),
        };
        let persons = if chunk.sealed.is_some() { &opened } else { &chunk.persons };
        call.asked = Some((request, taken + 1));
        match self.holding.take(chunk, persons) {
            None if taken + 1 >= CHUNKS => self.ask(call, chunk.walk),
            None => Ok(()),
            Some(right) => {
                call.asked = None;
                call.ask_at = None;
                if !right {
                    self.board.wrong_galleries.fetch_add(1, Ordering::Relaxed);
                    return self.ask(call, None);
                }
                self.slot().reach(self.holding.rev.0, self.board.now_us());
                self.say_held(call)
            }
        }
    }

    fn say_held(&self, call: &mut Call) -> Result<(), Ended> {
        let root = self.device.root();
        let (rev, digest, at) = (self.holding.rev, self.holding.digest(), now());
        let (persons, templates) = self.holding.counts();
        let signed = self.device.sign_bytes(&holding_statement(root.device, rev, &digest, at));
        let signature = signed.map_err(|error| Ended::Protocol(error.to_string()))?.into();
        let ack = GalleryAck { rev, digest, persons, templates, proof: Some(HoldingProof { at, signature }) };
        let bytes = call.speech.envelope(ack).map_err(codec)?;
        call.socket.publish(root.topic(&Channel::GalleryAck), false, true, bytes)
    }

    fn slot(&self) -> &Slot {
        &self.board.slots[self.place]
    }
}

fn codec(error: ostiary_common::codec::CodecError) -> Ended {
    Ended::Protocol(error.to_string())
}
