//! The claim file: what an admin would type, written on the boot partition of the card, which every computer can read.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where it is looked for: Raspberry Pi OS of today, and of before.
pub const PLACES: [&str; 2] = ["/boot/firmware/ostiary-claim.toml", "/boot/ostiary-claim.toml"];
/// No claim file is larger.
const MAX_BYTES: u64 = 16 * 1024;

/// What stands in it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimFile {
    /// The server, `https://host:port`.
    pub server: String,
    /// The one-time code.
    pub code: String,
    /// SHA-256 of the server's CA certificate.
    pub ca_sha256: String,
}

impl std::fmt::Debug for ClaimFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClaimFile").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The first claim file there is.
#[must_use]
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    let usual = PLACES.iter().map(PathBuf::from);
    let mut places: Vec<PathBuf> = named.map_or_else(|| usual.collect(), |path| vec![path.to_owned()]);
    places.retain(|path| path.is_file());
    places.into_iter().next()
}

/// Reads a claim file.
///
/// # Errors
/// In words: what is wrong with it, and what belongs there.
pub fn read(path: &Path) -> anyhow::Result<ClaimFile> {
    let at = path.display();
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    anyhow::ensure!(size <= MAX_BYTES, "{at} is no claim file: it has {size} bytes");
    let text = std::fs::read_to_string(path).map_err(|error| anyhow::anyhow!("{at}: {error}"))?;
    figment::Figment::from(<figment::providers::Toml as figment::providers::Format>::string(&text))
        .extract()
        // The error would quote what stands there, and that is a code.
        .map_err(|_| anyhow::anyhow!("{at}: server, code and ca_sha256 belong there, each a text in quotes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_without_the_code() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ostiary-claim.toml");
        let check = |text: &str, expected: Result<&str, &str>| {
            std::fs::write(&path, text).unwrap();
            assert_eq!(find(Some(&path)), Some(path.clone()));
            match (read(&path), expected) {
                (Ok(file), Ok(server)) => assert_eq!(file.server, server),
                (Err(error), Err(words)) => {
                    assert!(error.to_string().contains(words) && !error.to_string().contains("SECRET"), "{error}");
                }
                (found, expected) => panic!("{text}: {found:?}, not {expected:?}"),
            }
        };
        check("server = \"https://s:8443\"\ncode = \"SECRET\"\nca_sha256 = \"00\"\n", Ok("https://s:8443"));
        check("server = \"https://s:8443\"\ncode = SECRET\n", Err("each a text in quotes"));
        check("code = \"SECRET\"\n", Err("server, code and ca_sha256"));
        check(&"#".repeat(20_000), Err("no claim file"));
        assert_eq!(find(Some(&dir.path().join("none"))), None);
    }
}
