//! A guest whose root is this machine's files under a layer that is thrown away: what is installed there is gone with
//! it. A script runs in it, as the only program or as a service under systemd, and says on the console how it goes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{UNITS, loopback};
use crate::dist::Target;
use crate::{setup, shell, vm};

/// Modules needed before the host's files are there; the rest is loaded from them.
const MODULES: [&str; 4] = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];
/// Commands of busybox used while booting.
const COMMANDS: [&str; 12] =
    ["sh", "mount", "mkdir", "insmod", "switch_root", "echo", "cat", "poweroff", "cp", "sleep", "rm", "grep"];
const INIT: &str = include_str!("init.sh");
/// Begins a line that says how a step went: `LAB step ok` or `LAB step FAILED why`.
const WORD: &str = "LAB ";
/// The last word.
const END: &str = "LAB-END";

/// What runs first in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// The script itself.
    Script,
    /// systemd, and the script as one of its services.
    Systemd,
}

/// A guest to be booted.
pub struct Guest {
    folder: PathBuf,
    kernel: PathBuf,
    modules: PathBuf,
}

impl Guest {
    /// Fetches what is missing and builds the boot files.
    ///
    /// # Errors
    /// If packages cannot be had.
    pub fn prepare() -> Result<Self> {
        setup::ensure_machine()?;
        setup::ensure_cameras()?;
        let folder = vm::cache_folder()?.join("machine");
        fs::create_dir_all(folder.join("lab")).context("making the guest's folder")?;
        let release = vm::kernel(&folder)?;
        let kernel = folder.join("kernel");
        loopback::build(Target::Amd64, &folder, &kernel, &release, shell::download)?;
        let modules = ["lib/modules", "usr/lib/modules"].map(|place| kernel.join(place));
        let modules =
            modules.into_iter().find(|path| path.join(&release).exists()).context("the kernel has no modules")?;
        let guest = Self { kernel: kernel.join("boot").join(format!("vmlinuz-{release}")), modules, folder };
        guest.pack(&release)?;
        Ok(guest)
    }

    /// Boots, runs `script`, and gives every step's word in order. The script finds its files in `/mnt/lab`, which is
    /// `files` here, and the host as 10.0.2.2.
    ///
    /// # Errors
    /// If a step failed, the guest said nothing at its end, or took longer than `limit`.
    pub fn run(&self, init: Init, files: &Path, script: &str, limit: Duration) -> Result<Vec<String>> {
        fs::write(files.join("script"), script)?;
        fs::write(files.join("init"), if init == Init::Systemd { "systemd" } else { "script" })?;
        let mut child = self.boot(files)?;
        let output = child.stdout.take().context("the guest has a console")?;
        let heard = hear(output, limit);
        let _ = child.kill();
        let _ = child.wait();
        heard.judged()
    }

    fn boot(&self, files: &Path) -> Result<Child> {
        let mut qemu = shell::command("qemu-system-x86_64", &[]);
        qemu.args(["-M", "q35", "-m", "1400", "-smp", "1"]).args(vm::processor());
        qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]);
        qemu.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(self.folder.join("lab.cpio"));
        let line = "console=ttyS0 quiet loglevel=3 panic=-1 nokaslr mitigations=off random.trust_cpu=on apparmor=0 \
                    audit=0 8250.nr_uarts=1 no_timer_check";
        let verbose = if is_watched() { " lab.verbose" } else { "" };
        qemu.args(["-append", &format!("{line}{verbose}")]);
        let (modules, files) = (self.modules.display().to_string(), files.display().to_string());
        for (name, path) in [("root", "/"), ("modules", modules.as_str()), ("lab", files.as_str())] {
            let share = format!("local,id={name},path={path},security_model=none,multidevs=remap,readonly=on");
            qemu.args(["-fsdev", &share, "-device", &format!("virtio-9p-pci,fsdev={name},mount_tag={name}")]);
        }
        qemu.args(["-netdev", "user,id=n0,restrict=off", "-device", "virtio-net-pci,netdev=n0"]);
        let log = fs::File::create(self.folder.join("lab-qemu.log"))?;
        qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        qemu.spawn().context("starting qemu")
    }

    /// Makes the first file system: busybox, modules, units, and what runs first.
    fn pack(&self, release: &str) -> Result<()> {
        let root = self.folder.join("lab-initrd");
        let _ = fs::remove_dir_all(&root);
        for folder in ["bin", "modules", "proc", "sys", "dev", "units", "lower", "over", "new"] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::copy("/bin/busybox", root.join("bin/busybox")).context("copying busybox")?;
        COMMANDS.iter().try_for_each(|name| symlink("busybox", root.join("bin").join(name)))?;
        let mut order: Vec<String> = Vec::new();
        for module in MODULES {
            for path in vm::modules_for(&self.folder.join("kernel"), release, module)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if !order.contains(&name) {
                    fs::copy(&path, root.join("modules").join(&name))?;
                    order.push(name);
                }
            }
        }
        fs::write(root.join("modules/order"), order.join("\n") + "\n")?;
        UNITS.iter().try_for_each(|(name, text)| fs::write(root.join("units").join(name), text))?;
        fs::write(root.join("init"), INIT)?;
        let archive = "chmod +x init && find . | cpio --create --format=newc --quiet >../lab.cpio";
        shell::run(shell::command("sh", &["-c", archive]).current_dir(&root))
    }
}

/// What a guest said.
pub struct Heard {
    steps: Vec<String>,
    tail: Vec<String>,
    ended: bool,
}

impl Heard {
    /// Every step's word in order.
    ///
    /// # Errors
    /// If a step failed, or the guest did not come to its end.
    pub fn judged(self) -> Result<Vec<String>> {
        let failed: Vec<&String> = self.steps.iter().filter(|step| step.contains("FAILED")).collect();
        if !failed.is_empty() {
            bail!("{failed:?}\n{}", self.tail.join("\n"));
        }
        if !self.ended {
            bail!("the guest did not come to its end:\n{}", self.tail.join("\n"));
        }
        Ok(self.steps)
    }
}

/// Hears a guest's console until its last word, or for `limit`.
pub fn hear(output: impl std::io::Read + Send + 'static, limit: Duration) -> Heard {
    let (steps, tail, ended) = listen(&lines(output), Instant::now() + limit);
    Heard { steps, tail, ended }
}

fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Whether somebody wants to see the guest's whole console.
fn is_watched() -> bool {
    std::env::var_os("OSTIARY_LAB_CONSOLE").is_some()
}

/// Hears the guest out: its steps, its last lines, and whether it came to its end.
fn listen(lines: &Receiver<String>, until: Instant) -> (Vec<String>, Vec<String>, bool) {
    let (mut steps, mut tail) = (Vec::new(), Vec::new());
    loop {
        let line = match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return (steps, tail, false),
        };
        if line.starts_with(END) {
            return (steps, tail, true);
        }
        if let Some(step) = line.strip_prefix(WORD) {
            eprintln!("  {step}");
            steps.push(step.to_owned());
        } else if is_watched() {
            eprintln!("  | {line}");
        }
        tail.push(line);
        if tail.len() > 60 {
            tail.remove(0);
        }
    }
}
