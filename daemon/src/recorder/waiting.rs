//! Events on their way to the disk: empty but for moments, unless the disk refuses.

use std::collections::VecDeque;
use std::time::Instant;

use crossbeam_channel::Sender;

use crate::cache::{Dropped, EventDraft};

/// What an event takes in memory beside its picture and words, bytes, roughly.
const EVENT_BYTES: usize = 1024;

/// An event that waits.
#[derive(Clone, Debug)]
pub struct Waiter {
    pub draft: EventDraft,
    /// When its visit was decided.
    pub decided: Option<Instant>,
}

/// Events in the order they are to be written.
#[derive(Debug, Default)]
pub struct Waiting {
    events: VecDeque<Waiter>,
    /// Who is to be told once nothing waits.
    told: Vec<Sender<()>>,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn push(&mut self, waiter: Waiter) {
        self.events.push_back(waiter);
    }

    /// `settled` is told once nothing waits.
    pub fn tell_when_settled(&mut self, settled: Sender<()>) {
        self.told.push(settled);
    }

    /// Tells those who wait for it that nothing waits, if that is so.
    pub fn tell_settled(&mut self) {
        if self.events.is_empty() {
            for settled in self.told.drain(..) {
                // Who has stopped waiting needs no answer.
                let _ = settled.try_send(());
            }
        }
    }

    /// Copies of the first ones, at most `most`.
    pub fn first(&self, most: usize) -> (Vec<EventDraft>, Vec<Option<Instant>>) {
        self.events.iter().take(most).map(|waiter| (waiter.draft.clone(), waiter.decided)).unzip()
    }

    /// The first ones are on disk.
    pub fn written(&mut self, count: usize) {
        self.events.drain(..count.min(self.events.len()));
    }

    /// Drops until `most_bytes` are kept: pictures, the oldest first; then the words of reports; then whole events.
    pub fn shrink(&mut self, most_bytes: usize) -> Dropped {
        let mut dropped = Dropped::default();
        let mut bytes: usize = self.events.iter().map(|waiter| EVENT_BYTES + extra_bytes(&waiter.draft)).sum();
        for takes_words in [false, true] {
            for waiter in &mut self.events {
                if bytes <= most_bytes {
                    return dropped;
                }
                bytes -= strip(&mut waiter.draft, takes_words, &mut dropped);
            }
        }
        while bytes > most_bytes && self.events.pop_front().is_some() {
            bytes -= EVENT_BYTES;
            dropped.events += 1;
        }
        dropped
    }
}

fn extra_bytes(draft: &EventDraft) -> usize {
    let picture = draft.visit.as_ref().and_then(|visit| visit.crop_jpeg.as_ref()).map_or(0, |crop| crop.len());
    picture + draft.report.as_ref().map_or(0, |report| report.detail.len())
}

/// Takes picture or words; how many bytes they were.
fn strip(draft: &mut EventDraft, takes_words: bool, dropped: &mut Dropped) -> usize {
    let before = extra_bytes(draft);
    match (draft.visit.as_mut(), draft.report.as_mut()) {
        (Some(visit), _) => dropped.media += u64::from(visit.crop_jpeg.take().is_some()),
        (_, Some(report)) if takes_words && before > 0 => {
            report.detail.clear();
            dropped.reports += 1;
        }
        _ => {}
    }
    before - extra_bytes(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::testing::{report, visit};

    #[test]
    fn pictures_go_first_then_words_then_the_oldest() {
        let check = |most_bytes: usize, expected: [u64; 3]| {
            let mut waiting = Waiting::default();
            for n in 0..8 {
                let draft = if n % 4 == 3 { report(&"w".repeat(500)) } else { visit(4000) };
                waiting.push(Waiter { draft, decided: None });
            }
            let dropped = waiting.shrink(most_bytes);
            assert_eq!([dropped.media, dropped.reports, dropped.events], expected, "{most_bytes}");
            assert_eq!(waiting.len() as u64, 8 - expected[2]);
        };
        check(1 << 20, [0, 0, 0]);
        check(30_000, [1, 0, 0]);
        check(9_000 + 192, [6, 0, 0]);
        check(8_192, [6, 2, 0]);
        check(4_096, [6, 2, 4]);
        check(0, [6, 2, 8]);
    }
}
