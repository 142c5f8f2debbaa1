//! Who may know whom: the arrows of `ARCHITECTURE.md`, checked in cargo's tree and in the sources.

use anyhow::{Result, bail};

use super::words;
use crate::shell;

/// A package, and what may not be anywhere below it.
const PACKAGES: [(&str, &[&str]); 5] = [
    ("ostiary-kernels", &["ostiary-common", "serde", "image", "tract-core", "tokio"]),
    ("ostiary-common", &["tokio", "sqlx", "axum", "rumqttc", "tract-core", "tract-onnx", "sled", "image", "v4l"]),
    ("ostiary-models", &["tokio", "sqlx", "axum", "rumqttc", "sled", "ostiary-daemon", "ostiary-server"]),
    ("ostiary-daemon", &["sqlx", "axum", "rmqtt", "ostiary-server"]),
    ("ostiary-server", &["sled", "v4l", "ostiary-daemon"]),
];

/// Words that may stand only below some folders (of those named in `within`).
struct Fence {
    what: &'static str,
    words: &'static [&'static str],
    within: &'static [&'static str],
    allowed: &'static [&'static str],
}

const FENCES: [Fence; 5] = [
    Fence {
        what: "the domain reads no clock, file or socket",
        words: &["SystemTime::now", "Instant::now", "std::fs", "std::net", "tokio::", "std::process"],
        within: &["daemon/src/domain", "sync-server/src/domain", "common/src"],
        allowed: &[],
    },
    Fence {
        what: "serde_cbor is fenced into the codec",
        words: &["serde_cbor::"],
        within: &["common/src", "daemon/src", "sync-server/src", "models/src"],
        allowed: &["common/src/codec.rs"],
    },
    Fence {
        what: "sled is fenced into the daemon's cache",
        words: &["sled::"],
        within: &["daemon/src"],
        allowed: &["daemon/src/cache"],
    },
    Fence {
        what: "SQL stands only under store",
        words: &["sqlx::"],
        within: &["sync-server/src"],
        allowed: &["sync-server/src/store"],
    },
    Fence {
        what: "the broker library is fenced into broker",
        words: &["rmqtt::"],
        within: &["sync-server/src"],
        allowed: &["sync-server/src/broker"],
    },
];

/// Checks every arrow.
///
/// # Errors
/// Names each arrow that points the wrong way.
pub fn check() -> Result<()> {
    let mut wrong = Vec::new();
    for (package, forbidden) in PACKAGES {
        let below = packages_below(package)?;
        let found = forbidden.iter().filter(|name| below.iter().any(|below| below == *name));
        wrong.extend(
            found.map(|name| format!("{package} must not depend on {name} (`cargo tree -p {package} -i {name}`)")),
        );
    }
    for fence in &FENCES {
        wrong.extend(fence.breaches()?);
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("\n")) }
}

fn packages_below(package: &str) -> Result<Vec<String>> {
    let args =
        ["tree", "--locked", "--package", package, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = shell::output(&mut shell::cargo(&args))?;
    Ok(tree.lines().skip(1).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

impl Fence {
    fn breaches(&self) -> Result<Vec<String>> {
        let mut breaches = Vec::new();
        for source in words::files(self.within, "rs")? {
            let fenced_in = self.allowed.iter().any(|prefix| source.path.starts_with(prefix));
            if fenced_in {
                continue;
            }
            for (number, line) in source.code_lines() {
                if let Some(word) = self.words.iter().find(|word| line.contains(**word)) {
                    breaches.push(format!("{}:{number}: `{word}`, but {}", source.path, self.what));
                }
            }
        }
        Ok(breaches)
    }
}
