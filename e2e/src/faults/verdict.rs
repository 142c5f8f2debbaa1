//! What came of it: the two books compared, and the galleries.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::books::StoredEvent;
use super::tally::{Kills, Tried};

/// What a storm did, and what it did to the events.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// The seed.
    pub seed: u64,
    /// Events written down by devices, by their own word.
    pub events: u64,
    /// Programs killed.
    pub kills: Kills,
    /// Other faults by name.
    pub faults: BTreeMap<String, u64>,
    /// Changes of who is enrolled.
    pub changes: u64,
    /// Written down and not in the store.
    pub lost: u64,
    /// In the store more than once, be it under two ids.
    pub doubled: u64,
    /// In the store in another order than they were written down in.
    pub misplaced: u64,
    /// Numbers that are missing in a stream.
    pub holes: u64,
    /// Devices that do not hold exactly what they may.
    pub held_wrongly: u64,
    /// In the store, though the device was killed before it could say that they were durable.
    pub unsaid: u64,
    /// Caches that had to be set aside.
    pub quarantines: u64,
    /// Programs that ended by themselves.
    pub deaths: u64,
    /// How long it took, draining included.
    pub seconds: u64,
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.misplaced + self.holes + self.held_wrongly + self.quarantines == 0
    }

    /// Adds what was tried.
    pub fn tried(&mut self, tried: &Tried) {
        self.kills = tried.kills;
        self.faults = tried.faults.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        self.changes = tried.changes;
        self.deaths = tried.deaths.len() as u64;
    }

    /// Compares the books of one device. With `marked`, its visits carry marks that never repeat.
    pub fn compare(&mut self, written: &[String], stored: &[StoredEvent], marked: bool) {
        let by_id: BTreeMap<&str, &StoredEvent> = stored.iter().map(|event| (event.id.as_str(), event)).collect();
        let found: Vec<&StoredEvent> = written.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect();
        let said: BTreeSet<&str> = written.iter().map(String::as_str).collect();
        self.events += written.len() as u64;
        self.lost += (written.len() - found.len()) as u64;
        self.unsaid += by_id.keys().filter(|id| !said.contains(*id)).count() as u64;
        self.doubled += (stored.len() - by_id.len()) as u64;
        if marked {
            let marks: Vec<_> = by_id.values().filter_map(|event| event.mark).collect();
            self.doubled += (marks.len() - marks.iter().collect::<BTreeSet<_>>().len()) as u64;
        }
        self.misplaced += misplaced(&found);
        self.holes += holes(stored);
    }
}

/// How often a number does not rise within its stream.
fn misplaced(found: &[&StoredEvent]) -> u64 {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut fallen = 0;
    for event in found {
        let before = last.insert(&event.stream, event.seq);
        fallen += u64::from(before.is_some_and(|before| before >= event.seq));
    }
    fallen
}

/// Numbers between the first and the last of a stream that are not there. A device's first stream begins with 1. A later
/// one begins with events that waited, under the ids they had; those that were stored already stand where they stood,
/// and their new numbers are missing, rightly, before the first that was new.
fn holes(stored: &[StoredEvent]) -> u64 {
    let mut streams: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for event in stored {
        streams.entry(&event.stream).or_default().insert(event.seq);
    }
    let eldest = stored.first().map(|event| event.stream.as_str());
    let missing = |(stream, numbers): (&&str, &BTreeSet<u64>)| {
        let begin = if Some(*stream) == eldest { 1 } else { numbers.first().copied().unwrap_or(1) };
        numbers.last().map_or(0, |last| last + 1 - begin - numbers.len() as u64)
    };
    streams.iter().map(missing).sum()
}

/// A verdict as one line of JSON.
///
/// # Errors
/// None in practice: numbers and texts can be written.
pub fn report(verdict: &Verdict) -> serde_json::Result<String> {
    serde_json::to_string(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, stream: &str, seq: u64, mark: u64) -> StoredEvent {
        StoredEvent { id: id.into(), stream: stream.into(), seq, mark: Some((mark, mark)) }
    }

    /// Expected: lost, doubled, misplaced, holes, unsaid.
    fn check(written: &[&str], stored: &[StoredEvent], expected: [u64; 5]) {
        let written: Vec<String> = written.iter().map(|id| (*id).to_owned()).collect();
        let mut found = Verdict::default();
        found.compare(&written, stored, true);
        let found = [found.lost, found.doubled, found.misplaced, found.holes, found.unsaid];
        assert_eq!(found, expected, "{written:?} {stored:?}");
    }

    #[test]
    fn books_are_compared() {
        let [a, b, c] = [event("a", "s", 1, 7), event("b", "s", 2, 8), event("c", "s", 3, 9)];
        check(&["a", "b"], &[a.clone(), b.clone()], [0, 0, 0, 0, 0]);
        check(&["a", "b"], &[b.clone(), a.clone()], [0, 0, 0, 0, 0]);
        check(&["a"], &[a.clone(), b.clone()], [0, 0, 0, 0, 1]);
        check(&["a", "b", "c"], &[a.clone(), c.clone()], [1, 0, 0, 1, 0]);
        check(&["a"], &[a.clone(), a.clone()], [0, 1, 0, 0, 0]);
        check(&["b", "a"], &[a.clone(), b], [0, 0, 1, 0, 0]);
        check(&["a", "b"], &[a.clone(), event("b", "t", 1, 8)], [0, 0, 0, 0, 0]);
        check(&["a", "b"], &[a, event("b", "s", 2, 7)], [0, 1, 0, 0, 0]);
        check(&[], &[], [0, 0, 0, 0, 0]);
        check(&["c"], &[c], [0, 0, 0, 2, 0]);
        let carried = [event("a", "s", 1, 7), event("b", "t", 5, 8), event("c", "t", 7, 9)];
        check(&["a", "b", "c"], &carried, [0, 0, 0, 1, 0]);
    }
}
