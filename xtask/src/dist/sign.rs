//! Sums over everything that is handed out, and a signature over the sums.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::shell;

const SUMS: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.sig";
const PUBLIC_KEY: &str = "ostiary-release.pub.pem";

/// Writes sums and signature into `out`, and the public key beside them; checks both at once.
///
/// # Errors
/// If a program for it fails, or the signature does not verify.
pub fn sums(out: &Path, key: Option<&Path>) -> Result<()> {
    let mut names: Vec<String> = fs::read_dir(out)?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let sums = shell::output(shell::command("sha256sum", &["--"]).args(&names).current_dir(out))?;
    fs::write(out.join(SUMS), sums)?;
    let made = out.join("throw-away.pem");
    let key = match key {
        Some(key) => key.to_owned(),
        None => {
            println!("SKIPPED: no OSTIARY_SIGNING_KEY: signing with a key that is thrown away at once");
            run(out, &["genpkey", "-algorithm", "ed25519", "-out", "throw-away.pem"])?;
            made.clone()
        }
    };
    let key = fs::canonicalize(&key).with_context(|| format!("the key {}", key.display()))?.display().to_string();
    run(out, &["pkey", "-in", &key, "-pubout", "-out", PUBLIC_KEY])?;
    run(out, &["pkeyutl", "-sign", "-rawin", "-inkey", &key, "-in", SUMS, "-out", SIGNATURE])?;
    run(out, &["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", PUBLIC_KEY, "-in", SUMS, "-sigfile", SIGNATURE])?;
    shell::run(shell::command("sha256sum", &["--check", "--quiet", SUMS]).current_dir(out))?;
    let _ = fs::remove_file(made);
    Ok(())
}

fn run(folder: &Path, args: &[&str]) -> Result<()> {
    shell::run(shell::command("openssl", args).current_dir(folder))
}
