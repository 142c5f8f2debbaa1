//! What a storage said was durable, held against what it tells after the next boot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde_json::json;

/// What all power cuts came to.
#[derive(Debug, Default)]
pub struct Findings {
    /// Times the machine was killed.
    pub kills: u64,
    /// Storages that lost their power: kills times disks.
    pub cuts: u64,
    /// Events said to be durable.
    pub acknowledged: u64,
    /// Of those, not there any more without the server having stored them.
    pub lost: u64,
    /// Of those, there but not as they were written.
    pub damaged: u64,
    /// Events found under two numbers.
    pub doubled: u64,
    /// Numbers missing between the first and the last.
    pub holes: u64,
    /// Storages that would have given a number twice.
    pub numbers_reused: u64,
    /// Galleries that were neither the old nor the new one.
    pub galleries_wrong: u64,
    /// Session numbers that went back.
    pub sessions_back: u64,
    /// Storages set aside as damaged, whole or in part.
    pub quarantines: u64,
    /// Boots after which a storage told nothing.
    pub failed_boots: u64,
    /// The longest opening, milliseconds in the (slow) machine.
    pub open_ms_max: u64,
    /// Bytes the disks were given to write.
    pub disk_bytes: u64,
    /// Flushes the disks were asked for.
    pub disk_flushes: u64,
    /// The first things that went wrong, in words.
    pub notes: Vec<String>,
}

impl Findings {
    /// Whether nothing went wrong.
    pub const fn is_clean(&self) -> bool {
        let harm = self.lost + self.damaged + self.doubled + self.holes + self.numbers_reused;
        harm + self.galleries_wrong + self.sessions_back + self.failed_boots + self.quarantines == 0
    }

    /// One line for who evaluates it.
    pub fn json(&self, seed: u64, took: Duration) -> serde_json::Value {
        json!({
            "cuts": self.cuts, "kills": self.kills, "seconds": took.as_secs(), "seed": seed,
            "acknowledged": self.acknowledged, "lost": self.lost, "damaged": self.damaged, "doubled": self.doubled,
            "holes": self.holes, "numbers_reused": self.numbers_reused, "galleries_wrong": self.galleries_wrong,
            "sessions_back": self.sessions_back, "quarantines": self.quarantines,
            "failed_boots": self.failed_boots, "open_ms_max": self.open_ms_max,
            "disk_bytes": self.disk_bytes, "disk_flushes": self.disk_flushes,
            "notes": self.notes.iter().take(20).collect::<Vec<_>>(),
        })
    }

    fn note(&mut self, text: String) {
        eprintln!("!! {text}");
        self.notes.push(text);
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let harm = self.lost + self.damaged + self.doubled + self.holes + self.numbers_reused;
        write!(
            f,
            "{} cuts, {} events durable, {harm} lost or wrong, {} galleries wrong, {} set aside",
            self.cuts, self.acknowledged, self.galleries_wrong, self.quarantines
        )
    }
}

/// One storage.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    stream: String,
    /// Said to be durable and not yet given to the server: what each number was made of.
    durable: BTreeMap<u64, u64>,
    /// The highest number ever said to be durable.
    last: u64,
    /// The server has everything up to here.
    acked: u64,
    /// The gallery before and after the change under way.
    gallery: (u64, u64),
    session: u64,
    /// What the present boot told.
    told: Told,
}

#[derive(Clone, Debug, Default)]
struct Told {
    held: BTreeMap<u64, u64>,
    ready: bool,
}

impl Ledger {
    /// Whether the storage has told all it holds.
    pub const fn is_ready(&self) -> bool {
        self.told.ready
    }

    /// The power was cut.
    pub fn power_cut(&mut self, _findings: &mut Findings) {
        self.told = Told::default();
    }

    /// Takes in a line of the storage's output; a line cut short by the power is no news.
    pub fn hear(&mut self, line: &str, findings: &mut Findings) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        match (words[0], number(1), number(2)) {
            ("open", Some(ms), Some(aside)) => self.opened(ms, aside, line, findings),
            ("outbox", None, Some(first)) => self.numbered(words[1], first, number(3).unwrap_or(0), findings),
            ("have", Some(seq), Some(n)) => self.found(seq, n, findings),
            ("have", Some(seq), None) => {
                findings.damaged += 1;
                findings.note(format!("event {seq} is not as it was written"));
            }
            ("gallery", Some(rev), Some(right)) => self.gallery_told(rev, right == 1, findings),
            ("session", Some(session), _) => self.session_told(session, findings),
            ("ready", ..) => self.compare(findings),
            ("wrote", Some(seq), Some(n)) => {
                findings.acknowledged += 1;
                self.durable.insert(seq, n);
                self.last = self.last.max(seq);
            }
            ("acking", Some(upto), _) => {
                self.acked = self.acked.max(upto);
                self.durable.retain(|seq, _| *seq > upto);
            }
            ("applying", Some(rev), _) => self.gallery.1 = rev,
            ("applied", Some(rev), _) => self.gallery = (rev, rev),
            _ => eprintln!("storage: {line}"),
        }
    }

    fn opened(&mut self, ms: u64, aside: u64, line: &str, findings: &mut Findings) {
        findings.open_ms_max = findings.open_ms_max.max(ms);
        findings.quarantines += aside;
        if aside > 0 {
            findings.note(format!("set aside: {line}"));
        }
    }

    fn numbered(&mut self, stream: &str, first: u64, last: u64, findings: &mut Findings) {
        if self.stream != stream {
            if !self.stream.is_empty() {
                findings.note(format!("stream {} became {stream}", self.stream));
            }
            // Numbers of a new stream say nothing about those of the old; what was durable must still be there.
            (self.last, self.acked) = (0, 0);
            stream.clone_into(&mut self.stream);
        }
        if last < self.last || first > self.last.max(self.acked) + 1 {
            findings.numbers_reused += 1;
            findings.note(format!("numbers {first} to {last} after {} was given", self.last));
        }
        self.last = self.last.max(last);
    }

    fn found(&mut self, seq: u64, n: u64, findings: &mut Findings) {
        if let Some(before) = self.told.held.keys().next_back().copied().filter(|before| before + 1 != seq) {
            findings.holes += 1;
            findings.note(format!("a hole from {before} to {seq}"));
        }
        self.told.held.insert(seq, n);
    }

    fn gallery_told(&mut self, rev: u64, right: bool, findings: &mut Findings) {
        let expected = [self.gallery.0, self.gallery.1];
        if !right || !expected.contains(&rev) {
            findings.galleries_wrong += 1;
            findings.note(format!("the gallery is at {rev} (right: {right}) instead of one of {expected:?}"));
        }
        self.gallery = (rev, rev);
    }

    fn session_told(&mut self, session: u64, findings: &mut Findings) {
        if session <= self.session {
            findings.sessions_back += 1;
            findings.note(format!("session {session} after {}", self.session));
        }
        self.session = session;
    }

    fn compare(&mut self, findings: &mut Findings) {
        let held: BTreeSet<u64> = self.told.held.values().copied().collect();
        findings.doubled += (self.told.held.len() - held.len()) as u64;
        let missing: Vec<u64> = self.durable.iter().filter(|(_, n)| !held.contains(n)).map(|(seq, _)| *seq).collect();
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            findings.lost += missing.len() as u64;
            findings.note(format!("{} events lost, from {first} to {last}", missing.len()));
        }
        self.durable = self.told.held.clone();
        self.told.ready = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(first_boot: &[&str], second_boot: &[&str]) -> Findings {
        let (mut ledger, mut findings) = (Ledger::default(), Findings::default());
        first_boot.iter().for_each(|line| ledger.hear(line, &mut findings));
        ledger.power_cut(&mut findings);
        second_boot.iter().for_each(|line| ledger.hear(line, &mut findings));
        findings
    }

    #[test]
    fn harm_is_told_from_what_a_power_cut_may_do() {
        const FIRST: [&str; 12] = [
            "open 3 0 ",
            "outbox s 1 0",
            "gallery 0 1",
            "session 1",
            "ready",
            "wrote 1 11",
            "wrote 2 12",
            "acking 1",
            "applying 1",
            "applied 1",
            "applying 2",
            "wrote 3 13",
        ];
        let check = |second: &[&str], expected: [u64; 7]| {
            let f = after(&FIRST, second);
            let found = [f.lost, f.doubled, f.holes, f.numbers_reused, f.galleries_wrong, f.sessions_back, f.damaged];
            assert_eq!(found, expected, "{second:?}: {:?}", f.notes);
        };
        let sound = ["open 3 0 ", "outbox s 2 3", "have 2 12", "have 3 13", "gallery 1 1", "session 2", "ready"];
        check(&sound, [0; 7]);
        check(&["outbox s 1 4", "have 1 11", "have 2 12", "have 3 13", "have 4 99", "ready"], [0; 7]);
        check(&["outbox s 2 2", "have 2 12", "ready"], [1, 0, 0, 1, 0, 0, 0]);
        check(&["outbox s 2 4", "have 2 12", "have 4 13", "ready"], [0, 0, 1, 0, 0, 0, 0]);
        check(&["outbox s 2 4", "have 2 12", "have 3 13", "have 4 13", "ready"], [0, 1, 0, 0, 0, 0, 0]);
        check(&["outbox s 2 3", "have 2 damaged", "have 3 13", "ready"], [1, 0, 0, 0, 0, 0, 1]);
        check(&["gallery 0 1", "session 1"], [0, 0, 0, 0, 1, 1, 0]);
        check(&["gallery 2 0", "session 5"], [0, 0, 0, 0, 1, 0, 0]);
        check(&["gallery 2 1"], [0; 7]);
    }
}
