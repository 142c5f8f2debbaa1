//! The programs under test as processes: started with their log in a file, ended in the way a test wants,
//! and ended in any case when dropped.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::wait;

/// Finds a program of the workspace beside the one that runs now.
///
/// # Errors
/// If it has not been built; the message says how to.
pub fn binary(name: &str) -> Result<PathBuf> {
    let here = env::current_exe().context("where this program lies")?;
    let folder = here.parent().context("a program lies in a folder")?;
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is not built: run `cargo build --workspace --bins`", path.display());
    Ok(path)
}

/// How to start a program.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program's name.
    pub program: &'static str,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment beside what it inherits.
    pub env: Vec<(String, String)>,
    /// Where its log goes; it is added to.
    pub log: PathBuf,
    /// A command that becomes this program, put before it: to run it in a network of its own.
    pub within: Vec<OsString>,
}

impl Launch {
    /// A program with its arguments.
    pub fn new(program: &'static str, log: PathBuf, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { program, args: args.into_iter().map(Into::into).collect(), env: Vec::new(), log, within: Vec::new() }
    }

    /// Adds to the environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and lets it run.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(&self) -> Result<Process> {
        let child = self.command()?.stdout(self.log_file()?).spawn().with_context(|| self.line("starting"))?;
        Ok(Process { child, name: self.program, log: self.log.clone() })
    }

    /// Runs it to its end and gives what it printed.
    ///
    /// # Errors
    /// If it cannot be started or fails; the error holds its log.
    pub fn output(&self) -> Result<String> {
        let output = self.command()?.stdout(Stdio::piped()).output().with_context(|| self.line("starting"))?;
        if !output.status.success() {
            bail!("{} ended with {}\n{}", self.line("running"), output.status, tail(&self.log, 20));
        }
        String::from_utf8(output.stdout).with_context(|| self.line("text printed by"))
    }

    fn command(&self) -> Result<Command> {
        let program = binary(self.program)?.into_os_string();
        let line: Vec<_> = self.within.iter().chain([&program]).chain(&self.args).collect();
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).envs(self.env.iter().cloned());
        // A filter of the user's own would hide lines that tests look for.
        command.env_remove("RUST_LOG").stdin(Stdio::null()).stderr(self.log_file()?);
        Ok(command)
    }

    fn log_file(&self) -> Result<File> {
        let open = File::options().create(true).append(true).open(&self.log);
        open.with_context(|| format!("opening {}", self.log.display()))
    }

    fn line(&self, doing: &str) -> String {
        let args: Vec<_> = self.args.iter().map(|arg| arg.to_string_lossy()).collect();
        format!("{doing} `{} {}`", self.program, args.join(" "))
    }
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// If the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("asking after {}", self.name))
    }

    /// Fails if it has ended, with the end of its log.
    ///
    /// # Errors
    /// If it has ended.
    pub fn ensure_running(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}\n{}", self.name, tail(&self.log, 20)),
        }
    }

    /// Ends it as a power cut would: no signal handler runs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("killing {}", self.name))?;
        self.child.wait().with_context(|| format!("waiting for {}", self.name))?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn terminate(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        self.wait(deadline).await
    }

    /// Sends a signal by its name, such as `STOP` and `CONT`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(self.id(), name)
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait::until(&what, deadline, async || Ok(self.child.try_wait()?)).await
    }

    /// Everything it has logged so far, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by its name to the process with this id.
///
/// # Errors
/// If the system refuses.
pub fn signal(id: u32, name: &str) -> Result<()> {
    let line = format!("kill -{name} {id}");
    let sent = Command::new("sh").args(["-c", &line]).status().with_context(|| format!("sending SIG{name}"))?;
    ensure!(sent.success(), "`{line}` failed");
    Ok(())
}

/// The last lines of a log file.
#[must_use]
pub fn tail(log: &Path, lines: usize) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let skip = text.lines().count().saturating_sub(lines);
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    let last: String = text.lines().skip(skip).map(|line| format!("  {name}| {line}\n")).collect();
    last
}
