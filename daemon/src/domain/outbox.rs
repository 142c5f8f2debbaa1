//! When to send which events: a window over the durable outbox, moved on by the server's acknowledgements.
//!
//! Pure: the shell tells what happened and when, and asks [`OutboxFlow::next`] what to do. Nothing is
//! deleted but on an [`EventAck`] for the present stream; a broker's PUBACK means nothing here.

use std::collections::VecDeque;
use std::time::Duration;

use ostiary_common::ids::StreamId;
use ostiary_common::wire::EventAck;

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
    /// The server has numbers this outbox has never given: the device was restored from an old image.
    Beyond,
}

/// A batch that was sent and is not acknowledged.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    upto: u64,
    bytes: u64,
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
    /// Whether the server's mark is known to lie within what this run has told it.
    established: bool,
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

    /// A batch of `bytes` that ends at `upto` was handed to the connection.
    pub fn sent(&mut self, upto: u64, bytes: u64, now: Duration, jitter: f64) {
        let upto = upto.min(self.last);
        if upto <= self.sent {
            return;
        }
        self.sent = upto;
        self.told = self.told.max(upto);
        self.batches.push_back(UnderWay { upto, bytes });
        self.gathering = (upto < self.last).then_some(now);
        self.await_word(now, jitter);
    }

    /// The server's word.
    ///
    /// Only what this run has sent is ever deleted: after a restart the server's mark may lie ahead because
    /// acknowledgements were lost, or because numbers were given twice by a card that was set back; in the second
    /// case the server does not have these events yet.
    pub fn acknowledged(&mut self, ack: &EventAck) -> AckNews {
        if ack.stream != self.stream {
            return AckNews::Nothing;
        }
        if ack.upto_seq > self.last {
            return AckNews::Beyond;
        }
        self.established |= ack.upto_seq <= self.told;
        let upto = ack.upto_seq.min(self.told);
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

    /// Events not yet acknowledged.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.last - self.acked
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
        let is_probing = !self.established && !self.batches.is_empty();
        if is_probing || bytes >= self.limits.window_bytes {
            return 0;
        }
        self.limits.window_events.saturating_sub(self.sent - self.acked).min(self.limits.batch_events)
    }

    fn moved_to(&mut self, upto: u64) {
        self.acked = self.acked.max(upto);
        self.sent = self.sent.max(self.acked);
        self.told = self.told.max(self.acked);
        while self.batches.front().is_some_and(|batch| batch.upto <= self.acked) {
            self.batches.pop_front();
        }
    }

    /// Everything behind `upto` is to be sent again.
    fn again_from(&mut self, upto: u64) {
        self.sent = upto;
        self.batches.retain(|batch| batch.upto <= upto);
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
