//! When to send which events: a window over the durable outbox, moved on by the server's acknowledgements.
//!
//! Pure: the shell tells what happened and when, and asks [`OutboxFlow::next`] what to do. Nothing is
//! deleted but on an [`EventAck`] for the present stream; a broker's PUBACK means nothing here.

use std::time::Duration;

use ostiary_common::ids::StreamId;
use ostiary_common::wire::EventAck;

use super::backoff::Backoff;

/// How much may be under way, and how long to wait for an acknowledgement.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Events sent and not yet acknowledged, at most.
    pub window_events: u64,
    /// First wait for an acknowledgement before sending again; doubles up to ten times this.
    pub ack_timeout: Duration,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxStep {
    /// Send a batch that begins at `from` and has at most `max_events` events.
    Send {
        /// First number to send.
        from: u64,
        /// Room left in the window.
        max_events: u64,
    },
    /// Nothing before this time, unless something happens.
    WaitUntil(Duration),
    /// Nothing until something happens.
    Idle,
}

/// The sending side of one stream. Times are durations since any fixed origin.
#[derive(Debug)]
pub struct OutboxFlow {
    stream: StreamId,
    limits: OutboxLimits,
    connected: bool,
    /// Everything up to here is stored by the server.
    acked: u64,
    /// Everything up to here was sent on this connection.
    sent: u64,
    /// The last number in the outbox.
    last: u64,
    /// When the present wait for an acknowledgement ends.
    deadline: Option<Duration>,
    retry: Backoff,
}

impl OutboxFlow {
    /// A flow over a stream whose numbers `first_unacked..=last` are in the outbox.
    pub fn new(stream: StreamId, first_unacked: u64, last: u64, limits: OutboxLimits) -> Self {
        let acked = first_unacked.saturating_sub(1);
        let retry = Backoff::new(limits.ack_timeout, limits.ack_timeout * 10);
        Self { stream, limits, connected: false, acked, sent: acked, last, deadline: None, retry }
    }

    /// A connection stands: everything not acknowledged goes out again.
    pub const fn connected(&mut self) {
        self.connected = true;
        self.sent = self.acked;
        self.deadline = None;
        self.retry.reset();
    }

    /// The connection is gone.
    pub const fn disconnected(&mut self) {
        self.connected = false;
        self.deadline = None;
    }

    /// The outbox now ends at `last`.
    pub fn appended(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// Events up to and including `upto` were dropped for want of disk space; they can never be sent.
    pub fn dropped(&mut self, upto: u64) {
        self.acked = self.acked.max(upto.min(self.last));
        self.sent = self.sent.max(self.acked);
    }

    /// A batch that ends at `upto` was handed to the connection.
    pub fn sent(&mut self, upto: u64, now: Duration, jitter: f64) {
        self.sent = self.sent.max(upto.min(self.last));
        if self.deadline.is_none() {
            self.deadline = Some(now + self.retry.next(jitter).max(self.limits.ack_timeout));
        }
    }

    /// The server's word. Returns up to which number the outbox may be deleted, if that is news.
    pub fn acknowledged(&mut self, ack: &EventAck) -> Option<u64> {
        if ack.stream != self.stream {
            return None;
        }
        let upto = ack.upto_seq.min(self.last);
        let news = upto > self.acked;
        if news {
            self.acked = upto;
            self.sent = self.sent.max(upto);
            self.retry.reset();
            self.deadline = None;
        }
        if let Some(from) = ack.resend_from {
            self.sent = self.sent.min(from.saturating_sub(1)).max(self.acked);
        }
        news.then_some(upto)
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Duration, jitter: f64) -> OutboxStep {
        if !self.connected || self.acked == self.last {
            return OutboxStep::Idle;
        }
        let under_way = self.sent - self.acked;
        if under_way > 0 {
            match self.deadline {
                // More was sent since the last acknowledgement: that one's wait begins now.
                None => self.deadline = Some(now + self.retry.next(jitter).max(self.limits.ack_timeout)),
                Some(deadline) if now >= deadline => {
                    self.sent = self.acked;
                    self.deadline = None;
                    return self.next(now, jitter);
                }
                Some(_) => {}
            }
        }
        if self.sent < self.last && under_way < self.limits.window_events {
            return OutboxStep::Send { from: self.sent + 1, max_events: self.limits.window_events - under_way };
        }
        self.deadline.map_or(OutboxStep::Idle, OutboxStep::WaitUntil)
    }

    /// Events not yet acknowledged.
    pub const fn waiting(&self) -> u64 {
        self.last - self.acked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn flow(last: u64) -> OutboxFlow {
        let limits = OutboxLimits { window_events: 4, ack_timeout: SECOND };
        OutboxFlow::new(StreamId(uuid::Uuid::nil()), 1, last, limits)
    }

    fn ack(upto_seq: u64) -> EventAck {
        EventAck { stream: StreamId(uuid::Uuid::nil()), upto_seq, resend_from: None, rejected: Vec::new() }
    }

    #[test]
    fn sends_within_the_window_and_again_after_the_wait() {
        let mut flow = flow(6);
        assert_eq!(flow.next(Duration::ZERO, 1.0), OutboxStep::Idle, "not connected");
        flow.connected();
        assert_eq!(flow.next(Duration::ZERO, 1.0), OutboxStep::Send { from: 1, max_events: 4 });
        flow.sent(4, Duration::ZERO, 1.0);
        assert_eq!(flow.next(Duration::ZERO, 1.0), OutboxStep::WaitUntil(SECOND));
        assert_eq!(flow.next(SECOND, 1.0), OutboxStep::Send { from: 1, max_events: 4 });
        flow.sent(4, SECOND, 1.0);
        assert_eq!(flow.next(SECOND, 1.0), OutboxStep::WaitUntil(3 * SECOND), "the wait doubles");
        assert_eq!(flow.acknowledged(&ack(3)), Some(3));
        assert_eq!(flow.next(SECOND, 1.0), OutboxStep::Send { from: 5, max_events: 3 });
        assert_eq!(flow.acknowledged(&ack(3)), None, "a repeated acknowledgement is no news");
        assert_eq!(flow.acknowledged(&ack(6)), Some(6));
        assert_eq!(flow.next(SECOND, 1.0), OutboxStep::Idle);
    }

    #[test]
    fn another_streams_word_and_numbers_never_given_delete_nothing() {
        let mut flow = flow(2);
        flow.connected();
        let foreign = EventAck { stream: StreamId::generate(), ..ack(2) };
        assert_eq!(flow.acknowledged(&foreign), None);
        assert_eq!(flow.acknowledged(&ack(99)), Some(2), "never beyond the end");
    }

    #[test]
    fn a_hole_is_sent_again_at_once() {
        let mut flow = flow(4);
        flow.connected();
        flow.sent(4, Duration::ZERO, 1.0);
        assert_eq!(flow.acknowledged(&EventAck { resend_from: Some(2), ..ack(1) }), Some(1));
        assert_eq!(flow.next(Duration::ZERO, 1.0), OutboxStep::Send { from: 2, max_events: 4 });
    }

    #[test]
    fn a_new_connection_starts_at_the_lowest_unacknowledged() {
        let mut flow = flow(4);
        flow.connected();
        flow.sent(4, Duration::ZERO, 1.0);
        flow.acknowledged(&ack(2));
        flow.disconnected();
        assert_eq!(flow.next(9 * SECOND, 1.0), OutboxStep::Idle);
        flow.connected();
        assert_eq!(flow.next(9 * SECOND, 1.0), OutboxStep::Send { from: 3, max_events: 4 });
    }

    proptest! {
        /// A server that stores what comes in order and a link that loses messages and connections at will:
        /// in the end everything arrives, in order, whatever was lost on the way.
        #[test]
        fn all_arrives_over_a_lossy_link(total in 1..40_u64, luck in proptest::collection::vec(0..6_u8, 400)) {
            let mut flow = flow(total);
            let (mut stored, mut now) = (0_u64, Duration::ZERO);
            flow.connected();
            for (step, luck) in luck.into_iter().chain(std::iter::repeat_n(5, 400)).enumerate() {
                now += SECOND * 11;
                if luck == 0 && step < 400 {
                    flow.disconnected();
                    flow.connected();
                }
                if let OutboxStep::Send { from, max_events } = flow.next(now, 0.5) {
                    let upto = (from + max_events - 1).min(total);
                    flow.sent(upto, now, 0.5);
                    if luck != 1 && from <= stored + 1 {
                        stored = stored.max(upto);
                    }
                    if luck > 2 {
                        flow.acknowledged(&ack(stored));
                    }
                }
            }
            prop_assert_eq!(stored, total);
            prop_assert_eq!(flow.waiting(), 0);
        }
    }
}
