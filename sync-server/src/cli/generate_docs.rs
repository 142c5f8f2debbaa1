//! `ostiary-server generate-docs`: manual pages and what shells complete, for packages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::{Shell, generate_to};

/// Write manual pages and completions into folders that are there.
#[derive(clap::Args)]
pub struct DocsArgs {
    /// Manual pages.
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
    /// What bash completes.
    #[arg(long, value_name = "DIR")]
    bash: Option<PathBuf>,
    /// What zsh completes.
    #[arg(long, value_name = "DIR")]
    zsh: Option<PathBuf>,
    /// What fish completes.
    #[arg(long, value_name = "DIR")]
    fish: Option<PathBuf>,
}

/// Writes what was asked for.
///
/// # Errors
/// If a folder cannot be written.
pub fn generate(args: &DocsArgs) -> Result<()> {
    if let Some(dir) = &args.man {
        clap_mangen::generate_to(super::Cli::command(), dir).context("writing manual pages")?;
    }
    complete(Shell::Bash, args.bash.as_deref())?;
    complete(Shell::Zsh, args.zsh.as_deref())?;
    complete(Shell::Fish, args.fish.as_deref())
}

fn complete(shell: Shell, dir: Option<&Path>) -> Result<()> {
    let Some(dir) = dir else { return Ok(()) };
    let written = generate_to(shell, &mut super::Cli::command(), "ostiary-server", dir);
    let written = written.with_context(|| format!("writing what {shell} completes"))?;
    // Where bash looks for it, a file is named as its program is.
    if shell == Shell::Bash {
        std::fs::rename(&written, dir.join("ostiary-server"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_completes() {
        let dir = tempfile::tempdir().unwrap();
        let at = || Some(dir.path().to_owned());
        generate(&DocsArgs { man: at(), bash: at(), zsh: at(), fish: at() }).unwrap();
        for name in ["ostiary-server.1", "ostiary-server-serve.1", "ostiary-server", "_ostiary-server"] {
            assert!(std::fs::metadata(dir.path().join(name)).is_ok_and(|file| file.len() > 100), "{name}");
        }
        // It is for packages, not for people.
        assert!(!dir.path().join("ostiary-server-generate-docs.1").exists());
    }
}
