//! `cargo xtask setup`: the Debian packages that building and testing need, by name.

mod axe;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell;

/// What is needed: the package, and what for.
const PACKAGES: [(&str, &str); 17] = [
    ("build-essential", "a linker and a C compiler for the cryptography and SQLite crates"),
    ("cmake", "builds aws-lc where no prebuilt bindings fit"),
    ("pkg-config", "finds system libraries"),
    ("libclang-dev", "makes the V4L2 bindings"),
    ("ca-certificates", "lets cargo and pip reach their registries"),
    ("curl", "runs the examples of docs/api.md"),
    ("ffmpeg", "plays video files through the replay source"),
    ("postgresql", "the second database the store is tested on"),
    ("mosquitto", "an MQTT broker to test the external mode against"),
    ("redis-server", "what several servers count together in"),
    ("haproxy", "spreads requests over several servers"),
    ("mosquitto-clients", "mosquitto_sub, to watch the demo"),
    ("python3-aiosmtpd", "a mail server to test messages against"),
    ("faketime", "a clock that can be set, to see what days bring"),
    ("chromium", "a browser to test the panel in"),
    ("chromium-driver", "drives it"),
    ("npm", "fetches axe-core, which looks whether pages are for everybody"),
];

/// What is needed beside that to build and test for aarch64 on another machine.
const EMULATION: [(&str, &str); 3] = [
    ("gcc-aarch64-linux-gnu", "links for aarch64"),
    ("libc6-dev-arm64-cross", "the C library to link with"),
    ("qemu-user", "runs what was built for aarch64"),
];

/// What is needed beside that to break links, disks and clocks.
const LABORATORY: [(&str, &str); 4] = [
    ("iproute2", "network namespaces, a home for each device"),
    ("nftables", "loses packets between them"),
    ("e2fsprogs", "file systems small enough to be filled"),
    ("faketime", "clocks that can be set"),
];

/// What is needed beside that for a virtual machine whose power is cut.
const MACHINE: [(&str, &str); 5] = [
    ("qemu-system-x86", "emulates the machine"),
    ("busybox-static", "what it boots with"),
    ("cpio", "packs that"),
    ("kmod", "tells which kernel modules are needed"),
    ("e2fsprogs", "makes its file systems"),
];

/// What is needed beside that for a machine of a board's processor.
const ARM_MACHINE: [(&str, &str); 5] = [
    ("qemu-system-arm", "emulates the machine"),
    ("gcc-aarch64-linux-gnu", "links for aarch64"),
    ("libc6-dev-arm64-cross", "the C library to link with"),
    ("cpio", "packs what it boots with"),
    ("kmod", "tells which kernel modules are needed"),
];

/// What is needed beside that for cameras in it.
const CAMERAS: [(&str, &str); 4] = [
    ("gcc-12", "builds a driver as the kernel was built"),
    ("make", "does so"),
    ("busybox-static", "what the machine boots with"),
    ("ffmpeg", "shows a clip to a loopback camera"),
];

/// What is needed beside that to pack what is handed out.
const PACKING: [(&str, &str); 3] =
    [("dpkg-dev", "Debian packages"), ("openssl", "signs the sums"), ("xz-utils", "makes packages small")];

/// What is needed beside that to measure beside OpenCV.
const OPENCV: [(&str, &str); 2] =
    [("python3-opencv", "the peer of `bench camera`"), ("ffmpeg", "gives both the same frames")];

/// What is needed beside that to run a second systemd.
const CONTAINER: [(&str, &str); 2] =
    [("systemd-container", "runs a systemd of its own"), ("dbus", "lets it be talked to")];

/// Whether to install or only to look.
#[derive(Args)]
pub struct SetupArgs {
    /// Only say what is missing.
    #[arg(long)]
    dry_run: bool,
}

/// Says what is missing and installs it.
///
/// # Errors
/// If it cannot be installed.
pub fn run(args: &SetupArgs) -> Result<()> {
    let missing = missing(&PACKAGES)?;
    if missing.is_empty() {
        println!("every package is installed");
    } else if args.dry_run {
        println!("missing:");
        list(&missing);
        return Ok(());
    } else {
        install(&missing)?;
    }
    axe::ensure();
    Ok(())
}

/// Installs what is missing, quietly if nothing is.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure() -> Result<()> {
    let missing = missing(&PACKAGES)?;
    if !missing.is_empty() {
        install(&missing)?;
    }
    axe::ensure();
    Ok(())
}

/// Installs what emulating aarch64 needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_emulation() -> Result<()> {
    let missing = missing(&EMULATION)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what the fault laboratory needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_laboratory() -> Result<()> {
    let missing = missing(&LABORATORY)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what the virtual machine needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_machine() -> Result<()> {
    let missing = missing(&MACHINE)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what cameras in the virtual machine need, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_cameras() -> Result<()> {
    let missing = missing(&CAMERAS)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what a machine of a board's processor needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_arm_machine() -> Result<()> {
    let missing = missing(&ARM_MACHINE)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what packing needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_packing() -> Result<()> {
    let missing = missing(&PACKING)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what measuring beside OpenCV needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_opencv() -> Result<()> {
    let missing = missing(&OPENCV)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs what a second systemd needs, quietly if nothing is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub fn ensure_container() -> Result<()> {
    let missing = missing(&CONTAINER)?;
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

type Package = (&'static str, &'static str);

fn missing(wanted: &[Package]) -> Result<Vec<Package>> {
    if !shell::has_program("dpkg-query") {
        eprintln!("note: this is no Debian system; these must be there by other means:");
        list(wanted);
        return Ok(Vec::new());
    }
    Ok(wanted.iter().copied().filter(|(name, _)| !is_installed(name)).collect())
}

/// Whether a package is there. npm may also have come with a Node.js of another origin, which Debian's package refuses
/// to stand beside.
fn is_installed(package: &str) -> bool {
    if package == "npm" && shell::has_program("npm") {
        return true;
    }
    let mut query = shell::command("dpkg-query", &["--show", "--showformat", "${db:Status-Status}", package]);
    shell::output(&mut query).is_ok_and(|status| status == "installed")
}

fn install(missing: &[Package]) -> Result<()> {
    println!("installing these Debian packages:");
    list(missing);
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let line = format!("apt-get install --yes --no-install-recommends {}", names.join(" "));
    let how = privilege().with_context(|| format!("to install them yourself, run as root: {line}"))?;
    apt(how, &["update", "--quiet"])?;
    let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
    apt(how, &[&install[..], &names].concat()).with_context(|| format!("`{line}` failed"))
}

/// How to become root: already, or by sudo without a question.
fn privilege() -> Result<Option<&'static str>> {
    if shell::output(&mut shell::command("id", &["-u"]))?.trim() == "0" {
        return Ok(None);
    }
    if shell::has_program("sudo") {
        return Ok(Some("sudo"));
    }
    bail!("packages are missing, this is not root, and there is no sudo")
}

fn apt(privilege: Option<&str>, args: &[&str]) -> Result<()> {
    let environment = ["DEBIAN_FRONTEND=noninteractive", "apt-get"];
    let mut command = match privilege {
        Some(sudo) => shell::command(sudo, &["env"]),
        None => shell::command("env", &[]),
    };
    shell::run(command.args(environment).args(args))
}

fn list(packages: &[Package]) {
    for (name, purpose) in packages {
        println!("  {name:<18} {purpose}");
    }
}
