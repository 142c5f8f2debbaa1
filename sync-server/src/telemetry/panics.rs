//! Panics, told in the log like any other error: where, with what words, and how it came to that.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;

use super::faults::PANIC_TARGET;

/// Frames of the program's own kept of a backtrace.
const MAX_FRAMES: usize = 24;

/// From now on panics are log lines.
pub(super) fn log_them() {
    std::panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let words = panic.payload_as_str().unwrap_or("without words");
    let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
    let backtrace = own_frames(&Backtrace::force_capture().to_string());
    tracing::error!(target: PANIC_TARGET, place, backtrace, "panicked: {words}");
}

/// What is ours of a backtrace, innermost first, without addresses. A stripped program has no names: then nothing.
fn own_frames(backtrace: &str) -> String {
    let mut frames: Vec<&str> = Vec::new();
    for line in backtrace.lines() {
        let name = line.trim().split_once(": ").map(|(_, name)| name);
        if let Some(name) = name.filter(|name| name.contains("ostiary") && !name.contains("telemetry::panics")) {
            frames.push(name);
        }
    }
    frames.truncate(MAX_FRAMES);
    frames.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_frames_are_kept() {
        let backtrace = "   0: std::backtrace::Backtrace::create\n             at /rustc/x/backtrace.rs:331:13\n   \
            1: ostiary_server::telemetry::panics::tell\n   2: core::panicking::panic_fmt\n   \
            3: ostiary_server::link::ingest::take\n             at ./src/link/ingest.rs:10:5\n   4: tokio::run\n";
        assert_eq!(own_frames(backtrace), "ostiary_server::link::ingest::take");
    }
}
