//! Running other programs from the workspace's root, and saying what is run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root folder.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies directly below the workspace root")
}

/// Where cargo puts what it builds; `CARGO_TARGET_DIR` is honoured.
#[must_use]
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A program of the dev profile, as [`build_all`] made it.
#[must_use]
pub fn dev_binary(name: &str) -> PathBuf {
    target_dir().join("debug").join(name)
}

/// A command that will run in the workspace's root.
#[must_use]
pub fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// The cargo that runs this program, as if from a shell: what cargo says to the program it runs about that program's own
/// package goes into what some build scripts (ring's) look at, and with it everything that uses them would be built anew
/// whenever `cargo xtask` and `cargo` take turns.
#[must_use]
pub fn cargo(args: &[&str]) -> Command {
    let mut command = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args);
    let own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| own(name));
    for name in names {
        command.env_remove(name);
    }
    command
}

/// Says what is run, runs it, and fails if it fails.
///
/// # Errors
/// If the program cannot be started or does not end with success.
pub fn run(command: &mut Command) -> Result<()> {
    let line = describe(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("starting `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a program quietly and gives what it printed.
///
/// # Errors
/// If the program cannot be started or does not end with success; its error output is in the message.
pub fn output(command: &mut Command) -> Result<String> {
    let line = describe(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not print text"))
}

/// Downloads Debian packages for this machine into a folder, without installing them.
///
/// # Errors
/// If apt does not have them.
pub fn download(names: &[String], to: &Path) -> Result<()> {
    run(command("apt-get", &["download", "--quiet"]).args(names).current_dir(to))
}

/// Megabytes a process has in memory.
///
/// # Errors
/// If it has ended.
pub fn resident_mb(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the process has ended")?;
    let kb: f64 = line.split_whitespace().next().context("a size")?.parse()?;
    Ok(kb * 1024.0 / 1e6)
}

/// Whether a program of this name is on the path.
#[must_use]
pub fn has_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|dir| dir.join(name).is_file())
}

/// Builds every program and every test of the workspace. The one way everything here is built, so that
/// `demo` and `test` share each compiled dependency.
///
/// # Errors
/// If the build fails.
pub fn build_all() -> Result<()> {
    run(&mut cargo(&["build", "--workspace", "--bins", "--tests"])).context("building the workspace")
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(program).chain(args).collect::<Vec<_>>().join(" ")
}
