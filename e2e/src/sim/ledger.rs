//! Every event a device made durable, and what became of it.

use ostiary_common::wire::EventRecord;

use super::violation::{Rule, Violation};

/// What became of one event.
#[derive(Clone, Copy, Debug)]
struct Fate {
    device: usize,
    /// The device knows that it is on its disk; only then is anything promised.
    is_durable: bool,
    /// The disk it was on is gone, or its device was shut out.
    is_gone: bool,
    stored: u32,
}

/// Who made what, and how often it is in the store.
#[derive(Default)]
pub struct Ledger {
    fates: Vec<Fate>,
}

impl Ledger {
    /// A new event of a device; the number goes into its text.
    pub fn made(&mut self, device: usize) -> usize {
        self.fates.push(Fate { device, is_durable: false, is_gone: false, stored: 0 });
        self.fates.len() - 1
    }

    /// The text of an event, from which its number can be told.
    pub fn words(number: usize, about: &str) -> String {
        format!("{number} {about}")
    }

    /// The device was told that the event is durable.
    pub fn durable(&mut self, number: usize) {
        self.fates[number].is_durable = true;
    }

    /// Nobody has the event any more, or nobody may send it.
    pub fn gone(&mut self, event: &EventRecord) {
        if let Some(number) = number(event) {
            self.fates[number].is_gone = true;
        }
    }

    /// The event is on a disk again.
    pub fn back(&mut self, event: &EventRecord) {
        if let Some(number) = number(event) {
            self.fates[number].is_gone = false;
        }
    }

    /// The event came into the store.
    ///
    /// # Errors
    /// [`Violation`] if it was there already, or is not that device's.
    pub fn stored(&mut self, device: usize, event: &EventRecord) -> Result<(), Violation> {
        let Some(fate) = number(event).and_then(|number| self.fates.get_mut(number)) else {
            return Err(Violation::new(Rule::Doubled, format!("an event nobody made is in the store: {event:?}")));
        };
        fate.stored += 1;
        if fate.stored > 1 {
            return Err(Violation::new(Rule::Doubled, format!("event {} is in the store twice", event.id)));
        }
        if fate.device != device {
            return Err(Violation::new(Rule::Doubled, format!("event {} is stored of another device", event.id)));
        }
        Ok(())
    }

    /// The event was deleted on the device.
    ///
    /// # Errors
    /// [`Violation`] if it is not in the store.
    pub fn deleted(&self, event: &EventRecord) -> Result<(), Violation> {
        match number(event).and_then(|number| self.fates.get(number)) {
            Some(fate) if fate.stored == 0 => {
                let text =
                    format!("event {} (number {} of its stream) was deleted and is not stored", event.id, event.seq);
                Err(Violation::new(Rule::Lost, text))
            }
            _ => Ok(()),
        }
    }

    /// Durable events that are not in the store.
    pub fn missing(&self) -> Vec<usize> {
        let is_missing = |fate: &Fate| fate.is_durable && !fate.is_gone && fate.stored == 0;
        (0..self.fates.len()).filter(|number| is_missing(&self.fates[*number])).collect()
    }

    /// Events that were made durable.
    pub fn count(&self) -> u64 {
        self.fates.iter().filter(|fate| fate.is_durable).count() as u64
    }
}

/// The number in an event's text.
fn number(event: &EventRecord) -> Option<usize> {
    event.report.as_ref()?.detail.split(' ').next()?.parse().ok()
}
