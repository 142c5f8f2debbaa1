//! Words that must not stand in the repository: unfinished work, paths of one machine, silenced lints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Words of code that is not finished, and what to do instead. In halves, so that this file does not hold them.
const FORBIDDEN: [([&str; 2], &str); 7] = [
    (["to", "do!("], "finish it"),
    (["unimple", "mented!("], "finish it"),
    (["TO", "DO"], "finish it or open an issue"),
    (["FIX", "ME"], "fix it or open an issue"),
    (["#[al", "low("], "use #[expect(lint, reason = \"…\")]"),
    (["/ro", "ot/"], "a path of one machine"),
    (["/wo", "rk/"], "a path of one machine"),
];

/// File types that are read.
const KINDS: [&str; 8] = ["rs", "md", "toml", "sql", "py", "yml", "json", "service"];

/// One file of the repository.
pub struct Source {
    /// Path below the root.
    pub path: String,
    text: String,
}

/// Checks every file git knows.
///
/// # Errors
/// Names each place.
pub fn check() -> Result<()> {
    let mut found = Vec::new();
    for kind in KINDS {
        for source in files(&["."], kind)? {
            found.extend(source.forbidden());
        }
    }
    if found.is_empty() { Ok(()) } else { bail!("{}", found.join("\n")) }
}

/// The files of one kind below some folders that git knows or would take.
///
/// # Errors
/// If git cannot be asked or a file cannot be read.
pub fn files(folders: &[&str], kind: &str) -> Result<Vec<Source>> {
    let mut list = shell::command("git", &["ls-files", "--cached", "--others", "--exclude-standard", "--"]);
    let listed = shell::output(list.args(folders))?;
    let suffix = format!(".{kind}");
    let wanted = |path: &&str| path.ends_with(&suffix) && shell::root().join(path).is_file();
    listed.lines().filter(wanted).map(Source::read).collect()
}

impl Source {
    fn read(path: &str) -> Result<Self> {
        let full = Path::new(shell::root()).join(path);
        let text = fs::read_to_string(&full).with_context(|| format!("reading {path}"))?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// All text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Numbered lines before the file's unit tests, without comments.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = |line: &&str| !line.trim_start().starts_with("//");
        let body = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        body.lines().zip(1..).filter(move |(line, _)| code(line)).map(|(line, number)| (number, line))
    }

    fn forbidden(&self) -> Vec<String> {
        let hits = |(number, line): (usize, &str)| {
            let hit = FORBIDDEN.iter().find(|(halves, _)| line.contains(&halves.concat()));
            hit.map(|(halves, instead)| format!("{}:{number}: `{}`: {instead}", self.path, halves.concat()))
        };
        (1..).zip(self.text.lines()).filter_map(hits).collect()
    }
}
