//! How the runs of this program ended, kept in the state directory: so that a report can say why it started, and so that
//! a program that ends badly again and again starts without what may be the cause (safe mode).

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The file, a few dozen bytes, written twice a run.
const FILE: &str = "runs.json";
/// After so many bad ends in a row, none of them a power cut, the next start is a safe one.
const BAD_ENDS: u32 = 4;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    starts: u64,
    bad_in_row: u32,
    /// The boot the last run belonged to.
    boot: String,
    /// How it ended; empty while it runs.
    end: String,
}

/// This run and those before it.
#[derive(Debug)]
pub struct Runs {
    path: PathBuf,
    kept: Kept,
    before: String,
    has_ended: bool,
}

impl Runs {
    /// Reads how earlier runs ended and notes that another one begins. Never fails: a disk that refuses leaves nothing
    /// to count with.
    #[must_use]
    pub fn begin(state_dir: &Path) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self::begin_in(state_dir, boot.trim())
    }

    fn begin_in(state_dir: &Path, boot: &str) -> Self {
        let path = state_dir.join(FILE);
        let kept: Kept = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let (before, was_bad) = judge(&kept, boot);
        let kept = Kept {
            starts: kept.starts + 1,
            bad_in_row: if was_bad { kept.bad_in_row.saturating_add(1) } else { kept.bad_in_row },
            boot: boot.to_owned(),
            end: String::new(),
        };
        let runs = Self { path, kept, before, has_ended: false };
        runs.keep();
        runs
    }

    /// How often the program was started.
    #[must_use]
    pub const fn starts(&self) -> u64 {
        self.kept.starts
    }

    /// How the run before this one ended, in words.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }

    /// Whether so many runs have ended badly that this one leaves out camera and model.
    #[must_use]
    pub const fn wants_safe_mode(&self) -> bool {
        self.kept.bad_in_row >= BAD_ENDS
    }

    /// The program has run well for long enough, or a safe run was long enough: bad ends are forgiven.
    pub fn forgive(&mut self) {
        if self.kept.bad_in_row > 0 {
            self.kept.bad_in_row = 0;
            self.keep();
        }
    }

    /// The run ends, in these words; `is_bad`: not because somebody wished it. What was said first holds.
    pub fn end(&mut self, words: &str, is_bad: bool) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        self.kept.end = words.chars().take(200).collect();
        self.kept.bad_in_row = if is_bad { self.kept.bad_in_row.saturating_add(1) } else { 0 };
        self.keep();
    }

    /// Written beside and renamed, so that a power cut leaves the old or the new.
    fn keep(&self) {
        let beside = self.path.with_extension("new");
        let bytes = serde_json::to_vec(&self.kept).expect("numbers and words are JSON");
        let kept = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &self.path));
        if let Err(error) = kept {
            tracing::debug!(%error, "cannot keep how the program ended: {error}");
        }
    }
}

/// How the last run ended, and whether that was bad. A run without a last word in an earlier boot was cut short by power
/// or a reboot, which is no fault of the program.
fn judge(kept: &Kept, boot: &str) -> (String, bool) {
    match (kept.starts, kept.end.as_str(), kept.boot == boot) {
        (0, ..) => ("this is the first start".into(), false),
        (_, "", false) => ("power or the system was cut off".into(), false),
        (_, "", true) => ("it was killed, by the watchdog, for want of memory, or by hand".into(), true),
        // A bad end with words has counted itself.
        (_, words, _) => (words.to_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_ends_in_a_row_lead_to_a_safe_start_and_power_cuts_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let begin = |boot: &str| Runs::begin_in(dir.path(), boot);
        assert_eq!(begin("a").before(), "this is the first start");
        for boot in ["b", "c", "d", "e", "f"] {
            let runs = begin(boot);
            assert!(!runs.wants_safe_mode() && runs.before().contains("power"), "{runs:?}");
        }
        for n in 1..=BAD_ENDS {
            let mut runs = begin("f");
            assert_eq!(runs.wants_safe_mode(), n >= BAD_ENDS, "{runs:?}");
            if n == 2 {
                runs.end("the inference thread ended", true);
            }
        }
        let mut runs = begin("f");
        assert!(runs.wants_safe_mode());
        runs.forgive();
        runs.end("restart was asked for", false);
        let runs = begin("f");
        assert!(!runs.wants_safe_mode());
        assert_eq!((runs.before(), runs.starts()), ("restart was asked for", 6 + u64::from(BAD_ENDS) + 2));
        fs::write(dir.path().join(FILE), b"{").unwrap();
        assert_eq!(begin("f").starts(), 1, "a damaged file is begun anew");
    }
}
