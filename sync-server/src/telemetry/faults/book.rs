//! What occurred since it was written down last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostiary_common::time::UnixMillis;

use crate::domain::fault::{FaultGroup, FaultKind, Fingerprint, cut, template};

/// Kinds of faults kept between two times of writing; what goes beyond is counted as dropped.
const MAX_OPEN: usize = 200;
/// Longest stack kept, in characters.
const MAX_STACK: usize = 4_000;

/// One line of the log, as far as it tells a fault.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// What kind.
    pub kind: FaultKind,
    /// The part of the program.
    pub target: String,
    /// The words.
    pub message: String,
    /// Names of what it happened within, innermost first.
    pub frames: Vec<String>,
    /// The same with what is known of each.
    pub stack: String,
}

/// Adds up occurrences.
#[derive(Default)]
pub struct FaultBook {
    open: Mutex<HashMap<Fingerprint, FaultGroup>>,
}

impl FaultBook {
    /// Notes an occurrence.
    pub fn note(&self, occurrence: Occurrence, now: UnixMillis) {
        let Occurrence { kind, target, message, frames, stack } = occurrence;
        let template = template(&message);
        let fingerprint = Fingerprint::of(kind, &target, &template, &frames);
        let stack = stack.chars().take(MAX_STACK).collect();
        self.add(FaultGroup {
            fingerprint,
            kind,
            target,
            template,
            message: cut(&message),
            stack,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            count: 1,
            first_at: now,
            last_at: now,
            resolved: None,
        });
    }

    /// Takes what came together.
    pub fn take(&self) -> Vec<FaultGroup> {
        self.open().drain().map(|(_, fault)| fault).collect()
    }

    /// Puts back what could not be written down.
    pub fn put_back(&self, faults: Vec<FaultGroup>) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }

    fn add(&self, fault: FaultGroup) {
        let mut open = self.open();
        if let Some(known) = open.get_mut(&fault.fingerprint) {
            let is_later = fault.last_at >= known.last_at;
            let (count, first_at) = (known.count + fault.count, known.first_at.min(fault.first_at));
            if is_later {
                *known = fault;
            }
            (known.count, known.first_at) = (count, first_at);
        } else if open.len() < MAX_OPEN {
            open.insert(fault.fingerprint.clone(), fault);
        } else {
            ::metrics::counter!("ostiary_server_faults_dropped_total").increment(fault.count);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Fingerprint, FaultGroup>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrence(message: &str) -> Occurrence {
        let (kind, target, message) = (FaultKind::Error, "link".into(), message.to_owned());
        Occurrence { kind, target, stack: message.clone(), message, frames: vec!["http".into()] }
    }

    #[test]
    fn adds_up_and_keeps_the_last_words() {
        let book = FaultBook::default();
        for (at, message) in [(5, "batch 1 lost"), (6, "batch 2 lost"), (7, "store gone")] {
            book.note(occurrence(message), UnixMillis(at));
        }
        let mut faults = book.take();
        faults.sort_by_key(|fault| fault.last_at);
        let told = |fault: &FaultGroup| (fault.count, fault.first_at.0, fault.last_at.0, fault.message.clone());
        assert_eq!(told(&faults[0]), (2, 5, 6, "batch 2 lost".into()));
        assert_eq!(faults.len(), 2);
        assert!(book.take().is_empty());
        book.note(occurrence("batch 3 lost"), UnixMillis(9));
        book.put_back(faults);
        let again = book.take().into_iter().find(|fault| fault.template == "batch _ lost").unwrap();
        assert_eq!(told(&again), (3, 5, 9, "batch 3 lost".into()));
    }

    #[test]
    fn a_flood_of_kinds_does_not_fill_memory() {
        let book = FaultBook::default();
        for kind in 0..(2 * MAX_OPEN) {
            let word: String = format!("{kind:03}").chars().map(|c| char::from(b'a' + (c as u8 - b'0'))).collect();
            book.note(occurrence(&word), UnixMillis(1));
        }
        assert_eq!(book.take().len(), MAX_OPEN);
    }
}
