//! The stories on a board's processor: an emulated machine with Debian's kernel for arm64, whose whole file system is what
//! they need.
//!
//! Start reading at [`cameras`] and [`visit`]; kernel and packages are `debian`, the file system `initrd`.

mod debian;
mod initrd;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::guest;
use super::host::{Claim, Server};
use super::loopback;
use super::stories::{self, LOGIN};
use crate::{boards, models, setup, shell, vm};
use debian::Kernel;
use initrd::Initrd;

/// Cameras with every fault: everything there is must pass, and nothing be skipped.
const CAMERAS: &str = include_str!("arm/cameras.sh");
/// A device claimed, a face before its camera.
const VISIT: &str = include_str!("arm/visit.sh");
/// How long a story may take, emulated and on a busy machine.
const LIMIT: Duration = Duration::from_secs(900);

/// Every format and every fault of a camera, conversions and kernels with NEON, by the daemon's own tests.
///
/// # Errors
/// If something cannot be had or built, or a test failed.
pub fn cameras() -> Result<()> {
    let machine = Machine::prepare()?;
    let built = boards::build()?;
    let mut initrd = Initrd::new(&machine.folder)?;
    for name in ["ostiary_kernels", "ostiary_daemon"] {
        initrd.program(built.tests_of(name)?, &format!("tests/{name}"))?;
    }
    initrd.modules(&machine.kernel, &["vivid"])?;
    machine.run(&initrd, CAMERAS).map(drop)
}

/// The daemon at a loopback camera to which somebody's face is shown, claimed at a server on this machine, which commits
/// the visit.
///
/// # Errors
/// If something cannot be had or built, or the story went wrong.
pub fn visit() -> Result<()> {
    let machine = Machine::prepare()?;
    loopback::build(boards::TARGET, &machine.folder, &machine.kernel.folder, &machine.kernel.release, |names, to| {
        machine.apt.download(names, to)
    })?;
    let built = boards::build()?;
    let folder = stories::folder("arm-visit")?;
    let server = Server::start(&folder, "10.0.2.2")?;
    let (claim, password) = (server.device("board")?, server.account(LOGIN)?);
    let clip = folder.join("clip.mjpeg");
    stories::render(&clip)?;
    let mut initrd = Initrd::new(&machine.folder)?;
    initrd.program(&built.daemon, "bin/ostiaryd")?;
    initrd.program(built.tests_of("ostiary_daemon")?, "tests/ostiary_daemon")?;
    initrd.modules(&machine.kernel, &["virtio_mmio", "virtio_net", "v4l2loopback"])?;
    initrd.file(&clip, "clip.mjpeg")?;
    for entry in fs::read_dir(models::pack_dir())?.filter_map(Result::ok).filter(|entry| entry.path().is_file()) {
        initrd.file(&entry.path(), &format!("pack/{}", entry.file_name().to_string_lossy()))?;
    }
    let Claim { server: url, code, ca_sha256 } = claim;
    initrd.text("told", &format!("SERVER={url} CODE={code} CA={ca_sha256}\n"))?;
    machine.run(&initrd, VISIT)?;
    let visits = server.visits(LOGIN, &password)?;
    ensure!(visits > 0, "the server lists no visit");
    eprintln!("  committed ok the server lists {visits}");
    Ok(())
}

/// What boots.
struct Machine {
    folder: PathBuf,
    apt: debian::Apt,
    kernel: Kernel,
}

impl Machine {
    fn prepare() -> Result<Self> {
        setup::ensure_arm_machine()?;
        let folder = vm::cache_folder()?.join("machine-arm64");
        fs::create_dir_all(&folder)?;
        let apt = debian::Apt::new(&folder)?;
        let kernel = Kernel::fetch(&folder, &apt)?;
        Ok(Self { folder, apt, kernel })
    }

    /// Boots, runs `script` as its first program, and gives every step's word in order.
    fn run(&self, initrd: &Initrd, script: &str) -> Result<Vec<String>> {
        let archive = initrd.pack(script)?;
        let mut qemu = shell::command("qemu-system-aarch64", &["-M", "virt,gic-version=3", "-accel", "tcg"]);
        qemu.args(["-cpu", "cortex-a72", "-m", "2048", "-smp", "1", "-nodefaults", "-no-user-config"]);
        qemu.args(["-display", "none", "-no-reboot", "-serial", "stdio"]);
        qemu.args(["-append", "console=ttyAMA0 quiet loglevel=3 panic=-1"]);
        qemu.args(["-netdev", "user,id=n0,restrict=off", "-device", "virtio-net-device,netdev=n0"]);
        qemu.arg("-kernel").arg(&self.kernel.image).arg("-initrd").arg(archive);
        let log = fs::File::create(self.folder.join("qemu.log"))?;
        let mut child =
            qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().context("starting qemu")?;
        let output = child.stdout.take().context("the machine has a console")?;
        let heard = guest::hear(output, LIMIT);
        let _ = child.kill();
        let _ = child.wait();
        heard.judged()
    }
}
