//! Debian packages, put together by dpkg-deb from what was staged. The scripts lie in `systemd/debian`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::build::Target;
use super::stage::Part;
use crate::shell;

/// Scripts dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

impl Part {
    const fn needs(self) -> &'static str {
        match self {
            // 2.36: packed addresses, see the linker in `build`; Debian 12 has it.
            Self::Daemon => "libc6 (>= 2.36), systemd, ostiary-pack-default",
            Self::Server => "libc6 (>= 2.36), systemd, ostiary-pack-default",
            Self::Pack => "",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Daemon => "face recognition at the door: the camera's program",
            Self::Server => "face recognition at the door: the central server",
            Self::Pack => "face recognition at the door: the default model pack",
        }
    }
}

/// Builds the package of what is staged in `root`.
///
/// # Errors
/// If dpkg-deb refuses.
pub fn build(part: Part, target: Target, root: &Path, version: &str, out: &Path) -> Result<PathBuf> {
    let control = root.join("DEBIAN");
    fs::create_dir_all(&control)?;
    fs::write(control.join("control"), fields(part, target, root, version)?)?;
    let configuration = part.program().map(|program| format!("/etc/ostiary/{program}.toml\n"));
    if let Some(configuration) = configuration {
        fs::write(control.join("conffiles"), configuration)?;
    }
    for name in SCRIPTS {
        let source = shell::root().join("systemd/debian").join(format!("{}.{name}", part.name()));
        if source.exists() {
            fs::copy(&source, control.join(name))?;
        }
    }
    modes(root)?;
    let path = out.join(format!("{}_{version}_{}.deb", part.name(), part.architecture(target)));
    // What is thrown away after a test need not be small.
    let pressed = if version.contains("lab") { ["-Zgzip", "-z1"] } else { ["-Zxz", "-z6"] };
    let mut build = shell::command("dpkg-deb", &["--root-owner-group"]);
    build.args(pressed).arg("--build");
    shell::run(build.arg(root).arg(&path))?;
    Ok(path)
}

fn fields(part: Part, target: Target, root: &Path, version: &str) -> Result<String> {
    let size = shell::output(shell::command("du", &["--summarize", "--apparent-size", "--block-size=1024"]).arg(root))?;
    let size = size.split_whitespace().next().context("du says a size")?.to_owned();
    let needs = part.needs();
    let needs = if needs.is_empty() { String::new() } else { format!("Depends: {needs}\n") };
    Ok(format!(
        "Package: {}\nVersion: {version}\nArchitecture: {}\nMaintainer: The Ostiary project <ostiary@localhost>\n\
         Installed-Size: {size}\n{needs}Section: net\nPriority: optional\n\
         Homepage: https://github.com/ostiary/ostiary\nDescription: {}\n",
        part.name(),
        part.architecture(target),
        part.description()
    ))
}

/// Programs and scripts run, everything else is read; whatever this machine's umask is.
fn modes(root: &Path) -> Result<()> {
    for entry in fs::read_dir(root)?.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            fs::set_permissions(&path, PermissionsExt::from_mode(0o755))?;
            modes(&path)?;
            continue;
        }
        let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
        let name = entry.file_name();
        let runs = parent == "bin" || name == "health-gate" || SCRIPTS.iter().any(|script| name == **script);
        fs::set_permissions(&path, PermissionsExt::from_mode(if runs { 0o755 } else { 0o644 }))?;
    }
    Ok(())
}
