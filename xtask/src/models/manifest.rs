//! Writing digests into `pack.toml` without touching anything else in it: the comments are for people.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Sets `sha256` in `[<net>.model]` for each net; whether anything changed.
pub fn set_digests(path: &Path, digests: &[(&str, &str)]) -> Result<bool> {
    let before = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let after = with_digests(&before, digests);
    if after != before {
        fs::write(path, &after).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(after != before)
}

fn with_digests(text: &str, digests: &[(&str, &str)]) -> String {
    let mut section = "";
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.trim_end();
        }
        let digest = digests.iter().find(|(net, _)| section == format!("[{net}.model]"));
        match digest {
            Some((_, digest)) if line.starts_with("sha256 = ") => lines.push(format!("sha256 = \"{digest}\"")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_digests_named_change() {
        let text =
            "# why\n[a]\nsha256 = \"no\"\n[a.model]\nfile = \"x\"\nsha256 = \"old\"\n\n[b.model]\nsha256 = \"old\"\n";
        let expected = text.replacen("\"old\"", "\"new\"", 1);
        assert_eq!(with_digests(text, &[("a", "new")]), expected);
        assert_eq!(with_digests(text, &[]), text);
    }
}
