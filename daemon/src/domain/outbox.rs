//! When to send which events: a window over the durable outbox, moved on by the server's acknowledgements.
//!
//! Pure: the shell tells what happened and when, and asks [`OutboxFlow::next`] what to do. Nothing is
//! deleted but on an [`EventAck`] for the present stream; a broker's PUBACK means nothing here.

use std::collections::VecDeque;
use std::time::Duration;

use ostiary_common::ids::StreamId;
use ostiary_common::wire::{AckedBatch, EventAck};

use super::backoff::Backoff;

/// How much may be under way, and how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Events in one batch, at most.
    pub batch_events: u64,
    /// Events sent and not yet acknowledged, at most.
    pub window_events: u64,
    /// Bytes sent and not yet acknowledged; the batch that passes it is the last.
    pub window_bytes: u64,
    /// While others are under way, an event waits so long for company in its batch.
    pub linger: Duration,
    /// Least wait for an acknowledgement before sending again; at most twice as long with jitter, doubling up to ten
    /// times.
    pub ack_timeout: Duration,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxStep {
    /// Send a batch that begins at `from` and has at most `max_events` events.
    Send {
        /// First number to send.
        from: u64,
        /// Room left in the batch and the window.
        max_events: u64,
    },
    /// Nothing before this time, unless something happens.
    WaitUntil(Duration),
    /// Nothing until something happens.
    Idle,
}

/// What an acknowledgement means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckNews {
    /// Nothing new.
    Nothing,
    /// Everything up to here may be deleted.
    Delete(u64),
    /// The server has numbers that this run has not sent it, or that this outbox has never given, or another event at a
    /// number: either acknowledgements were lost before a restart, or the card was set back and gives numbers twice. A
    /// new stream tells them apart: whatever the server has under the same event ids it does not take again.
    Ahead {
        /// Numbers were never given, or given to other events: the card was set back for sure.
        is_set_back: bool,
    },
}

/// A batch that was sent and is not deleted.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    name: AckedBatch,
    bytes: u64,
    /// The server has said that it has this very batch.
    is_stored: bool,
}

/// The sending side of one stream. Times are durations since any fixed origin.
#[derive(Debug)]
pub struct OutboxFlow {
    stream: StreamId,
    limits: OutboxLimits,
    connected: bool,
    /// Everything up to here is stored by the server.
    acked: u64,
    /// Everything up to here was sent on this connection and is under way.
    sent: u64,
    /// Everything up to here was sent in this run of the program, or acknowledged before.
    told: u64,
    /// The last number in the outbox.
    last: u64,
    /// Whether the server's mark is known to lie within what this run has told it. Until then a single batch is under
    /// way, always the same one, so that the first word of the server can only mean that one.
    established: bool,
    /// Where that batch ends.
    probe: Option<u64>,
    batches: VecDeque<UnderWay>,
    /// When the present wait for an acknowledgement ends.
    deadline: Option<Duration>,
    /// Since when there is something that was not sent.
    gathering: Option<Duration>,
    retry: Backoff,
}

impl OutboxFlow {
    /// A flow over a stream whose numbers `first_unacked..=last` are in the outbox.
    #[must_use]
    pub fn new(stream: StreamId, first_unacked: u64, last: u64, limits: OutboxLimits) -> Self {
        let acked = first_unacked.saturating_sub(1);
        Self {
            stream,
            limits,
            connected: false,
            acked,
            sent: acked,
            told: acked,
            last: last.max(acked),
            established: false,
            probe: None,
            batches: VecDeque::new(),
            deadline: None,
            gathering: None,
            retry: Backoff::new(limits.ack_timeout * 2, limits.ack_timeout * 20),
        }
    }

    /// A connection stands: everything not acknowledged goes out again.
    pub fn connected(&mut self) {
        self.connected = true;
        self.again_from(self.acked);
        self.retry.reset();
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.connected = false;
        self.again_from(self.acked);
    }

    /// The outbox now ends at `last`.
    pub fn appended(&mut self, last: u64, now: Duration) {
        if last > self.last {
            self.last = last;
            self.gathering.get_or_insert(now);
        }
    }

    /// Events up to and including `upto` were dropped for want of disk space; they can never be sent.
    pub fn dropped(&mut self, upto: u64) {
        self.moved_to(upto.min(self.last));
    }

    /// A batch of `bytes` was handed to the connection. One that ends behind the outbox is none of it.
    pub fn sent(&mut self, name: AckedBatch, bytes: u64, now: Duration, jitter: f64) {
        let upto = name.last;
        if !(self.sent + 1..=self.last).contains(&upto) {
            return;
        }
        self.sent = upto;
        self.told = self.told.max(upto);
        self.probe.get_or_insert(upto);
        self.batches.push_back(UnderWay { name, bytes, is_stored: false });
        self.gathering = (upto < self.last).then_some(now);
        self.await_word(now, jitter);
    }

    /// The server's word.
    pub fn acknowledged(&mut self, ack: &EventAck) -> AckNews {
        if ack.stream != self.stream {
            return AckNews::Nothing;
        }
        if ack.upto_seq > self.told {
            return AckNews::Ahead { is_set_back: ack.upto_seq > self.last };
        }
        let upto = match &ack.batch {
            Some(name) if self.is_of_another_life(name) => return AckNews::Ahead { is_set_back: true },
            Some(name) => self.stored(name),
            // An older server names numbers only.
            None => ack.upto_seq,
        };
        self.established = true;
        let is_news = upto > self.acked;
        if is_news {
            self.moved_to(upto);
            self.retry.reset();
            self.deadline = None;
        }
        if let Some(from) = ack.resend_from {
            self.again_from(from.saturating_sub(1).max(self.acked).min(self.sent));
        }
        if is_news { AckNews::Delete(upto) } else { AckNews::Nothing }
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Duration, jitter: f64) -> OutboxStep {
        if !self.connected || self.acked == self.last {
            return OutboxStep::Idle;
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.again_from(self.acked);
        }
        if self.sent > self.acked {
            self.await_word(now, jitter);
        }
        match self.sends_at(now) {
            Some(at) if at <= now => OutboxStep::Send { from: self.sent + 1, max_events: self.room() },
            at => [at, self.deadline].into_iter().flatten().min().map_or(OutboxStep::Idle, OutboxStep::WaitUntil),
        }
    }

    /// Everything up to here is stored by the server, or gone.
    #[must_use]
    pub const fn acked(&self) -> u64 {
        self.acked
    }

    /// Events not yet acknowledged.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.last - self.acked
    }

    /// Whether the server has another event at the end of a batch that is under way.
    fn is_of_another_life(&self, name: &AckedBatch) -> bool {
        self.batches.iter().any(|own| own.name.last == name.last && own.name.id != name.id)
    }

    /// The server has this batch; returns up to where it has everything by such words. A batch cut otherwise than those
    /// under way says nothing: each of these has an answer of its own.
    fn stored(&mut self, name: &AckedBatch) -> u64 {
        let same = self.batches.iter_mut().filter(|own| own.name.last == name.last && own.name.first >= name.first);
        same.for_each(|own| own.is_stored = true);
        let stored = self.batches.iter().take_while(|own| own.is_stored).last();
        stored.map_or(self.acked, |own| own.name.last)
    }

    /// When the next batch goes out; `None` if not before an acknowledgement.
    fn sends_at(&self, now: Duration) -> Option<Duration> {
        let unsent = self.last - self.sent;
        if unsent == 0 || self.room() == 0 {
            return None;
        }
        // On an idle link an event never waits; behind others it waits for company, but not long.
        if self.batches.is_empty() || unsent >= self.limits.batch_events {
            return Some(now);
        }
        Some(self.gathering.map_or(now, |since| since + self.limits.linger))
    }

    /// Events that may be sent in one batch now.
    fn room(&self) -> u64 {
        let bytes: u64 = self.batches.iter().map(|batch| batch.bytes).sum();
        if bytes >= self.limits.window_bytes {
            return 0;
        }
        let window = self.limits.window_events.saturating_sub(self.sent - self.acked).min(self.limits.batch_events);
        let probe = self.probe.filter(|_| !self.established);
        probe.map_or(window, |upto| window.min(upto.saturating_sub(self.sent)))
    }

    fn moved_to(&mut self, upto: u64) {
        self.acked = self.acked.max(upto);
        self.sent = self.sent.max(self.acked);
        self.told = self.told.max(self.acked);
        self.probe = self.probe.filter(|probe| *probe > self.acked);
        while self.batches.front().is_some_and(|batch| batch.name.last <= self.acked) {
            self.batches.pop_front();
        }
    }

    /// Everything behind `upto` is to be sent again.
    fn again_from(&mut self, upto: u64) {
        self.sent = upto;
        self.batches.retain(|batch| batch.name.last <= upto);
        self.deadline = None;
        self.gathering = None;
    }

    fn await_word(&mut self, now: Duration, jitter: f64) {
        if self.deadline.is_none() {
            self.deadline = Some(now + self.retry.next(jitter));
        }
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
