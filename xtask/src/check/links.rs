//! Links in the documents: every relative one must lead somewhere.

use std::path::Path;

use anyhow::{Result, bail};

use super::words;
use crate::shell;

/// Checks every Markdown file.
///
/// # Errors
/// Names each link that leads nowhere.
pub fn check() -> Result<()> {
    let mut broken = Vec::new();
    for document in words::files(&["."], "md")? {
        let folder = shell::root().join(&document.path);
        let folder = folder.parent().expect("a file lies in a folder");
        let dead = relative_links(document.text()).filter(|target| !leads_somewhere(folder, target));
        broken.extend(dead.map(|target| format!("{}: `{target}` is not there", document.path)));
    }
    if broken.is_empty() { Ok(()) } else { bail!("{}", broken.join("\n")) }
}

fn leads_somewhere(folder: &Path, target: &str) -> bool {
    folder.join(target.split('#').next().unwrap_or_default()).exists()
}

/// Targets of `[text](target)` that are neither addresses nor places within the same file.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://") && !target.starts_with('#') && !target.starts_with("mailto:"))
        .filter(|target| !target.is_empty() && !target.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_targets_are_found() {
        for (text, expected) in [
            ("see [a](b.md) and [c](https://d.e) or [f](#g)", vec!["b.md"]),
            ("[one](x/y.md#part)[two](../z)", vec!["x/y.md#part", "../z"]),
            ("nothing here", vec![]),
        ] {
            assert_eq!(relative_links(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
