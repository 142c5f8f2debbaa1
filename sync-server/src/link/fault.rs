//! A fault the end-to-end tests ask for: the process dies between commit and acknowledgement.
//!
//! `OSTIARY_FAULT=abort-after-commit:3` ends the process, as a power cut would, right after the third commit of
//! events and before anybody is told. Honoured in debug builds only; a release build does not read it.

use std::env;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The environment variable.
const VARIABLE: &str = "OSTIARY_FAULT";

/// Commits that are still to go well; `None` without a fault.
static COMMITS_LEFT: LazyLock<Option<AtomicU64>> = LazyLock::new(|| {
    let asked = if cfg!(debug_assertions) { env::var(VARIABLE).ok()? } else { return None };
    parse(&asked).map(AtomicU64::new)
});

/// Called after each commit of events; does not return if the fault's turn has come.
pub(super) fn after_commit() {
    if let Some(left) = COMMITS_LEFT.as_ref()
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        tracing::warn!("{VARIABLE}: ending between commit and acknowledgement, as asked");
        std::process::abort();
    }
}

fn parse(asked: &str) -> Option<u64> {
    asked.strip_prefix("abort-after-commit:")?.parse().ok().filter(|commits| *commits > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_fault_is_honoured() {
        for (asked, expected) in [
            ("abort-after-commit:1", Some(1)),
            ("abort-after-commit:20", Some(20)),
            ("abort-after-commit:0", None),
            ("abort-after-commit:", None),
            ("something-else:1", None),
        ] {
            assert_eq!(parse(asked), expected, "{asked}");
        }
    }
}
