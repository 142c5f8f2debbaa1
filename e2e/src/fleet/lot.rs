//! A device's outbox: events made, sent and acknowledged, in their order. As the daemon's, but in memory, since here
//! nobody pulls the plug on devices. Pure: time comes in.

use std::collections::VecDeque;
use std::time::Duration;

use ostiary_common::ids::{BootId, EventId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::wire::{EventAck, EventBatch, EventRecord, EventTime, MAX_EVENTS_PER_BATCH};
use tokio::time::Instant;

use crate::device::visit_with_crop;

/// Events under way without an acknowledgement, as in the daemon.
const WINDOW: usize = 4 * MAX_EVENTS_PER_BATCH;
/// How long an acknowledgement may take before everything is sent again, as in the daemon.
const ACK_WITHIN: Duration = Duration::from_secs(10);

/// What was made of a device's events, to be compared with the store in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The sum of their ids, modulo 2¹²⁸: the same number of events with another sum are other events.
    pub id_sum: u128,
}

impl Tally {
    /// Counts an event.
    pub fn add(&mut self, id: EventId) {
        self.count += 1;
        self.id_sum = self.id_sum.wrapping_add(u128::from_be_bytes(*id.as_bytes()));
    }
}

/// The outbox of one device.
#[derive(Debug)]
pub struct Lot {
    /// The stream its numbers count in.
    pub stream: StreamId,
    /// Everything made so far.
    pub tally: Tally,
    boot: BootId,
    pattern: EventRecord,
    /// Not acknowledged yet, in order.
    waiting: VecDeque<EventRecord>,
    /// How many of `waiting` are under way.
    sent: usize,
    /// The last number and the time of each batch under way.
    under_way: VecDeque<(u64, Instant)>,
}

impl Default for Lot {
    fn default() -> Self {
        Self {
            stream: StreamId::generate(),
            tally: Tally::default(),
            boot: BootId::generate(),
            pattern: visit_with_crop(0, 0),
            waiting: VecDeque::new(),
            sent: 0,
            under_way: VecDeque::new(),
        }
    }
}

impl Lot {
    /// Makes `count` visits that end now.
    pub fn make(&mut self, count: u32, wall: UnixMillis, monotonic_ms: u64) {
        for _ in 0..count {
            let id = EventId::generate();
            self.tally.add(id);
            let time = EventTime { wall, clock_synced: true, monotonic_ms, boot: self.boot };
            self.waiting.push_back(EventRecord { id, seq: self.tally.count, time, ..self.pattern.clone() });
        }
    }

    /// The next batch to send, if there is one and room for it.
    pub fn next(&mut self, now: Instant) -> Option<EventBatch> {
        let room = WINDOW.saturating_sub(self.sent).min(MAX_EVENTS_PER_BATCH);
        let events: Vec<EventRecord> = self.waiting.range(self.sent..).take(room).cloned().collect();
        let last = events.last()?.seq;
        self.sent += events.len();
        self.under_way.push_back((last, now));
        Some(EventBatch { stream: self.stream, events })
    }

    /// Takes the server's word. Gives how many events it settles and when each batch settled was sent.
    pub fn acknowledged(&mut self, ack: &EventAck) -> (u64, Vec<Instant>) {
        if ack.stream != self.stream {
            return (0, Vec::new());
        }
        let settled = self.waiting.partition_point(|event| event.seq <= ack.upto_seq);
        self.waiting.drain(..settled);
        self.sent = self.sent.saturating_sub(settled);
        let done = self.under_way.partition_point(|(last, _)| *last <= ack.upto_seq);
        let times = self.under_way.drain(..done).map(|(_, at)| at).collect();
        if ack.resend_from.is_some() {
            self.begin_again();
        }
        (settled as u64, times)
    }

    /// Everything not acknowledged goes out again. Gives how many batches were under way.
    pub fn begin_again(&mut self) -> u64 {
        self.sent = 0;
        let batches = self.under_way.len() as u64;
        self.under_way.clear();
        batches
    }

    /// When the oldest batch under way has waited long enough for an answer.
    #[must_use]
    pub fn patience_ends(&self) -> Option<Instant> {
        self.under_way.front().map(|(_, at)| *at + ACK_WITHIN)
    }

    /// Events not acknowledged yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(lot: &Lot, upto_seq: u64, resend_from: Option<u64>) -> EventAck {
        EventAck { stream: lot.stream, upto_seq, resend_from, rejected: Vec::new(), batch: None }
    }

    fn numbers(batch: Option<EventBatch>) -> Vec<u64> {
        batch.map(|batch| batch.events.iter().map(|event| event.seq).collect()).unwrap_or_default()
    }

    #[test]
    fn sends_in_order_within_the_window_and_again_after_a_cut() {
        let (mut lot, now) = (Lot::default(), Instant::now());
        lot.make(300, UnixMillis(0), 0);
        let sent: Vec<Vec<u64>> =
            std::iter::from_fn(|| Some(numbers(lot.next(now)))).take_while(|b| !b.is_empty()).collect();
        assert_eq!(sent.concat(), (1..=256).collect::<Vec<_>>(), "the window");
        let ack_64 = ack(&lot, 64, None);
        assert_eq!(lot.acknowledged(&ack_64).0, 64);
        assert_eq!(numbers(lot.next(now)), (257..=300).collect::<Vec<_>>());
        assert_eq!(lot.begin_again(), 4);
        assert_eq!(numbers(lot.next(now))[0], 65);
        let all = ack(&lot, 300, None);
        assert_eq!(lot.acknowledged(&all), (236, vec![now]));
        assert_eq!((lot.waiting(), lot.tally.count), (0, 300));
        let foreign = EventAck { stream: StreamId::generate(), ..all };
        assert_eq!(lot.acknowledged(&foreign).0, 0);
    }
}
