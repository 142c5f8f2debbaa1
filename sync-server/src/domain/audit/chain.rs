//! The audit log as a chain: what a line's hash covers, and what breaks when somebody changes, removes, inserts or
//! moves one.
//!
//! The hash of a line is SHA-256 over a fixed prefix, the hash of the line before, and the line in canonical form:
//! numbers of eight bytes, texts with their length before them, so that no two lines have the same form.

use sha2::{Digest, Sha256};

use super::{AuditEntry, AuditTrace};

/// What every hash begins with; another form of lines takes another one.
const PREFIX: &[u8] = b"ostiary audit line 1\0";

/// The hash of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineHash(pub [u8; 32]);

impl LineHash {
    /// What stands before the first line.
    pub const START: Self = Self([0; 32]);

    /// Hexadecimal.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    /// Reads [`LineHash::to_hex`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

/// A place in the chain: everything up to this line, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainPoint {
    /// The last line, 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: LineHash,
}

impl ChainPoint {
    /// Before the first line.
    pub const START: Self = Self { seq: 0, hash: LineHash::START };

    /// The place after one more line.
    #[must_use]
    pub fn next(self, entry: &AuditEntry, trace: &AuditTrace) -> Self {
        let seq = self.seq + 1;
        Self { seq, hash: hash(self.hash, seq, entry, trace) }
    }
}

/// A line as stored, with its place.
#[derive(Clone, Debug)]
pub struct ChainedLine {
    /// The line.
    pub entry: AuditEntry,
    /// What goes with it.
    pub trace: AuditTrace,
    /// Its number and hash, as stored.
    pub point: ChainPoint,
}

/// Where a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The line is not what was written there, or does not follow the line before it.
    #[error("line {seq} was changed, or put there, or moved")]
    Altered {
        /// The line.
        seq: u64,
    },
    /// Lines are missing.
    #[error("lines {from} to {to} are missing")]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// There are fewer lines than the server has signed or counted.
    #[error("the log ends at line {end}; it had {known} lines")]
    CutShort {
        /// The last line there is.
        end: u64,
        /// The last line known to have been there.
        known: u64,
    },
    /// A signed hash is not the one of its line: lines up to there were written anew.
    #[error("line {seq} is not the one the server signed")]
    NotAsSigned {
        /// The line.
        seq: u64,
    },
}

/// Walks a chain, line by line.
#[derive(Clone, Copy, Debug)]
pub struct Walker {
    at: ChainPoint,
}

impl Walker {
    /// Begins after `start`: [`ChainPoint::START`], or where lines were cut off.
    #[must_use]
    pub const fn after(start: ChainPoint) -> Self {
        Self { at: start }
    }

    /// Where it stands.
    #[must_use]
    pub const fn at(&self) -> ChainPoint {
        self.at
    }

    /// Takes the next line there is.
    ///
    /// # Errors
    /// [`Broken`] if it is not the next one of the chain.
    pub fn take(&mut self, line: &ChainedLine) -> Result<(), Broken> {
        let (expected, seq) = (self.at.seq + 1, line.point.seq);
        if seq > expected {
            return Err(Broken::Missing { from: expected, to: seq - 1 });
        }
        let next = self.at.next(&line.entry, &line.trace);
        if next != line.point {
            return Err(Broken::Altered { seq });
        }
        self.at = next;
        Ok(())
    }

    /// Compares with a place that is known from elsewhere, once the walk is that far.
    ///
    /// # Errors
    /// [`Broken`] if the chain is another one there.
    pub fn compare(&self, known: ChainPoint) -> Result<(), Broken> {
        match known.seq.cmp(&self.at.seq) {
            std::cmp::Ordering::Greater => Err(Broken::CutShort { end: self.at.seq, known: known.seq }),
            std::cmp::Ordering::Equal if known.hash != self.at.hash => Err(Broken::NotAsSigned { seq: known.seq }),
            _ => Ok(()),
        }
    }
}

fn hash(before: LineHash, seq: u64, entry: &AuditEntry, trace: &AuditTrace) -> LineHash {
    let mut hasher = Sha256::new();
    hasher.update(PREFIX);
    hasher.update(before.0);
    hasher.update(seq.to_be_bytes());
    hasher.update(entry.at.0.to_be_bytes());
    let texts = [&entry.actor, &entry.action, &entry.target, &entry.source, &entry.detail, &trace.request];
    texts.into_iter().for_each(|text| put(&mut hasher, text));
    put(&mut hasher, entry.result.as_str());
    for optional in [&trace.was, &trace.became] {
        hasher.update([u8::from(optional.is_some())]);
        put(&mut hasher, optional.as_deref().unwrap_or_default());
    }
    LineHash(hasher.finalize().into())
}

fn put(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use ostiary_common::time::UnixMillis;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::audit::AuditResult;

    fn entry(number: i64) -> AuditEntry {
        AuditEntry {
            at: UnixMillis(number),
            actor: "user:a".into(),
            action: "door.create".into(),
            target: format!("door:{number}"),
            source: "10.0.0.1:5".into(),
            result: AuditResult::Ok,
            detail: String::new(),
        }
    }

    fn chain(count: i64) -> Vec<ChainedLine> {
        let mut point = ChainPoint::START;
        let line = |number| {
            let (entry, trace) = (entry(number), AuditTrace::default());
            point = point.next(&entry, &trace);
            ChainedLine { entry, trace, point }
        };
        (1..=count).map(line).collect()
    }

    fn walk(lines: &[ChainedLine]) -> Result<ChainPoint, Broken> {
        let mut walker = Walker::after(ChainPoint::START);
        lines.iter().try_for_each(|line| walker.take(line))?;
        Ok(walker.at())
    }

    fn check(tamper: impl FnOnce(&mut Vec<ChainedLine>), expected: Broken) {
        let mut lines = chain(6);
        let head = walk(&lines).unwrap();
        tamper(&mut lines);
        let mut walker = Walker::after(ChainPoint::START);
        let found = lines.iter().try_for_each(|line| walker.take(line)).and_then(|()| walker.compare(head));
        assert_eq!(found.unwrap_err(), expected);
    }

    #[test]
    fn whatever_is_done_to_a_line_is_found() {
        check(|lines| lines[2].entry.actor = "user:b".into(), Broken::Altered { seq: 3 });
        check(|lines| lines[2].entry.at = UnixMillis(99), Broken::Altered { seq: 3 });
        check(|lines| lines[2].entry.result = AuditResult::Refused, Broken::Altered { seq: 3 });
        check(|lines| lines[2].trace.was = Some(String::new()), Broken::Altered { seq: 3 });
        check(|lines| lines[2].trace.became = Some("{}".into()), Broken::Altered { seq: 3 });
        check(|lines| lines[2].trace.request = "x".into(), Broken::Altered { seq: 3 });
        check(|lines| lines[2].point.hash = LineHash([1; 32]), Broken::Altered { seq: 3 });
        check(|lines| drop(lines.remove(2)), Broken::Missing { from: 3, to: 3 });
        check(|lines| drop(lines.drain(1..4)), Broken::Missing { from: 2, to: 4 });
        check(|lines| drop(lines.pop()), Broken::CutShort { end: 5, known: 6 });
        check(|lines| lines.clear(), Broken::CutShort { end: 0, known: 6 });
        check(|lines| lines.swap(2, 3), Broken::Missing { from: 3, to: 3 });
        // A line put between, with every later number raised to make room.
        let insert = |lines: &mut Vec<ChainedLine>| {
            let mut put = lines[2].clone();
            put.entry.actor = "user:c".into();
            lines[2..].iter_mut().for_each(|line| line.point.seq += 1);
            lines.insert(2, put);
        };
        check(insert, Broken::Altered { seq: 3 });
        // Two lines that changed places, numbers and all.
        let reorder = |lines: &mut Vec<ChainedLine>| {
            lines.swap(2, 3);
            (lines[2].point.seq, lines[3].point.seq) = (3, 4);
        };
        check(reorder, Broken::Altered { seq: 3 });
        // Everything written anew from a line on, hashes and all, by someone without the server's key.
        let anew = |lines: &mut Vec<ChainedLine>| {
            lines[2].entry.actor = "user:b".into();
            let mut point = lines[1].point;
            for line in &mut lines[2..] {
                point = point.next(&line.entry, &line.trace);
                line.point = point;
            }
        };
        check(anew, Broken::NotAsSigned { seq: 6 });
    }

    #[test]
    fn texts_cannot_run_into_each_other() {
        let (mut one, mut other) = (entry(1), entry(1));
        (one.actor, one.action) = ("ab".into(), "c".into());
        (other.actor, other.action) = ("a".into(), "bc".into());
        let after = |entry| ChainPoint::START.next(entry, &AuditTrace::default());
        assert_ne!(after(&one), after(&other));
    }

    proptest! {
        #[test]
        fn any_change_of_any_text_is_found(which in 0_usize..5, at in 0_usize..5, text in ".{0,20}") {
            let mut lines = chain(5);
            let line = &mut lines[at].entry;
            let field = match which {
                0 => &mut line.actor,
                1 => &mut line.action,
                2 => &mut line.target,
                3 => &mut line.source,
                _ => &mut line.detail,
            };
            prop_assume!(*field != text);
            *field = text;
            prop_assert_eq!(walk(&lines), Err(Broken::Altered { seq: at as u64 + 1 }));
        }
    }
}
