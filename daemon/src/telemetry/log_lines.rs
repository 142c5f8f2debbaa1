//! The log while the program runs: the last lines, for a bundle of diagnostics, and the level, which a command may change
//! for some minutes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::reload::Handle;
use tracing_subscriber::{EnvFilter, Registry};

/// Bytes of lines kept, at most.
const KEPT_BYTES: usize = 64 * 1024;
/// Other people's crates say more than helps; a target names every crate that begins with it.
const QUIET: &str = "rumqttc=warn,sled=warn,tract=warn,hyper=warn,reqwest=warn,rustls=warn";

static LINES: Mutex<Lines> = Mutex::new(Lines { lines: VecDeque::new(), bytes: 0 });
static LEVEL: OnceLock<Handle<EnvFilter, Registry>> = OnceLock::new();

struct Lines {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Lines {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }
}

/// What is logged at `level`.
///
/// # Errors
/// If `level` is none.
pub fn filter(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("{level},{QUIET}")).map_err(|error| error.to_string())
}

/// The level can be changed by `handle` from now on.
pub fn control(handle: Handle<EnvFilter, Registry>) {
    // Set once; a second log is not started.
    let _ = LEVEL.set(handle);
}

/// Logs at another level from now on.
///
/// # Errors
/// In words, if `level` is none or the log was never started.
pub fn set_level(level: &str) -> Result<(), String> {
    let handle = LEVEL.get().ok_or("the log was not started by this program")?;
    handle.reload(filter(level)?).map_err(|error| error.to_string())
}

/// The last lines, oldest first.
#[must_use]
pub fn recent() -> Vec<String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned().collect()
}

/// Writes lines to stderr and keeps the last ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept;

impl Write for Kept {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        io::stderr().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut lines = Lines { lines: VecDeque::new(), bytes: 0 };
        (0..3000).for_each(|n| lines.push(format!("line {n} {}", "x".repeat(50))));
        assert!(lines.bytes <= KEPT_BYTES && lines.lines.back().is_some_and(|line| line.starts_with("line 2999")));
        assert_eq!(lines.bytes, lines.lines.iter().map(String::len).sum::<usize>());
        assert!(filter("debug").is_ok() && filter("no=such=level").is_err());
    }
}
