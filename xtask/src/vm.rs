//! A virtual machine with a Debian kernel that sees this machine's files read-only, and disks given to it.
//!
//! Emulated where the kernel lends no processor, so that it runs anywhere; it boots in a few seconds. Kernel and boot files lie in the user's cache
//! folder; packages come from Debian by name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{setup, shell};

/// Modules the kernel needs for disks, for the host's files, and for the file system on the disks.
const MODULES: [&str; 6] = ["virtio_pci", "virtio_blk", "9pnet_virtio", "9p", "crc32c_generic", "ext4"];
/// Commands of busybox used while booting.
const COMMANDS: [&str; 8] = ["sh", "mount", "mkdir", "insmod", "chroot", "echo", "cat", "sleep"];
/// Runs first: host files below `/host`, then what is to run.
const INIT: &str = r#"#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t 9p -o ro,cache=loose,trans=virtio,version=9p2000.L,msize=512000 root /host || echo "the host's files cannot be mounted"
mount -t proc proc /host/proc; mount -t devtmpfs dev /host/dev; mount -t tmpfs run /host/mnt
mkdir /task; mount -t 9p -o ro,trans=virtio,version=9p2000.L task /task
PROGRAM=/mnt/program; cat /task/program >/host/mnt/program; export PROGRAM
chroot /host /bin/chmod +x /mnt/program
. /task/script
echo "the script has ended"
sleep 1000000
"#;

/// A machine that can be booted again and again.
pub struct Machine {
    folder: PathBuf,
    kernel: PathBuf,
}

impl Machine {
    /// Fetches what is missing and builds the boot files; `program` is what scripts find as `$PROGRAM`.
    ///
    /// # Errors
    /// If packages cannot be had.
    pub fn prepare(program: &Path) -> Result<Self> {
        setup::ensure_machine()?;
        let folder = cache_folder()?.join("machine");
        fs::create_dir_all(folder.join("task")).context("making the machine's folder")?;
        let release = kernel(&folder)?;
        let machine = Self { kernel: folder.join("kernel/boot").join(format!("vmlinuz-{release}")), folder };
        machine.pack(&release)?;
        shell::run(shell::command("strip", &["-o"]).arg(machine.folder.join("task/program")).arg(program))?;
        Ok(machine)
    }

    /// Where its files lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Boots with a disk behind each socket and runs `script`; its output is what the machine prints.
    ///
    /// # Errors
    /// If the emulator cannot be started.
    pub fn boot(&self, disks: &[PathBuf], script: &str) -> Result<Child> {
        fs::write(self.folder.join("task/script"), script)?;
        let mut qemu = shell::command("qemu-system-x86_64", &[]);
        qemu.args(["-M", "q35", "-m", "640", "-smp", "1"]).args(processor());
        qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]);
        qemu.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(self.folder.join("initrd.cpio"));
        let line = "console=ttyS0 quiet loglevel=3 panic=-1 nokaslr mitigations=off random.trust_cpu=on apparmor=0 \
                    audit=0 8250.nr_uarts=1 no_timer_check";
        qemu.args(["-append", line]);
        let task = self.folder.join("task").display().to_string();
        for (name, path) in [("root", "/"), ("task", &task)] {
            let share = format!("local,id={name},path={path},security_model=none,multidevs=remap,readonly=on");
            qemu.args(["-fsdev", &share, "-device", &format!("virtio-9p-pci,fsdev={name},mount_tag={name}")]);
        }
        for (n, socket) in disks.iter().enumerate() {
            let drive = format!("file=nbd:unix:{},format=raw,if=none,id=d{n},cache=writeback", socket.display());
            qemu.args(["-drive", &drive, "-device", &format!("virtio-blk-pci,drive=d{n}")]);
        }
        let log = fs::File::create(self.folder.join("qemu.log"))?;
        qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        qemu.spawn().context("starting qemu")
    }

    /// Makes the first file system: busybox, modules, and what runs first.
    fn pack(&self, release: &str) -> Result<()> {
        let root = self.folder.join("initrd");
        let _ = fs::remove_dir_all(&root);
        for folder in ["bin", "modules", "proc", "dev", "host"] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::copy("/bin/busybox", root.join("bin/busybox")).context("copying busybox")?;
        COMMANDS.iter().try_for_each(|name| symlink("busybox", root.join("bin").join(name)))?;
        let mut order: Vec<String> = Vec::new();
        for module in MODULES {
            for path in modules_for(&self.folder.join("kernel"), release, module)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if !order.contains(&name) {
                    fs::copy(&path, root.join("modules").join(&name))?;
                    order.push(name);
                }
            }
        }
        fs::write(root.join("modules/order"), order.join("\n") + "\n")?;
        fs::write(root.join("init"), INIT)?;
        let archive = "chmod +x init && find . | cpio --create --format=newc --quiet >../initrd.cpio";
        shell::run(shell::command("sh", &["-c", archive]).current_dir(&root))
    }
}

/// Which processor the machine has: this one's own where the kernel lends it, else an emulated one. Of the emulated ones
/// one without AVX: its instructions are emulated number by number, and a face takes minutes instead of seconds.
pub fn processor() -> [&'static str; 4] {
    // The device alone says little: in some clouds it is there and no kernel gets through.
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let virtualises = flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    let lent = fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    match virtualises && lent {
        true => ["-accel", "kvm", "-cpu", "host"],
        false => ["-accel", "tcg", "-cpu", "Nehalem"],
    }
}

/// Module files to load for `module`, those it needs first.
pub fn modules_for(kernel: &Path, release: &str, module: &str) -> Result<Vec<PathBuf>> {
    let mut ask = shell::command("modprobe", &["--set-version", release, "--show-depends", module, "--dirname"]);
    let answer = shell::output(ask.arg(kernel))?;
    let paths = answer.lines().filter_map(|line| line.strip_prefix("insmod ")?.split_whitespace().next());
    Ok(paths.map(PathBuf::from).collect())
}

/// Unpacks Debian's kernel once and gives its release.
pub fn kernel(folder: &Path) -> Result<String> {
    let depends = shell::output(&mut shell::command("apt-cache", &["depends", "linux-image-amd64"]))?;
    let package = depends
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .context("apt knows no linux-image-amd64: run `apt-get update`")?;
    let release = package.strip_prefix("linux-image-").context("the kernel's package has another name")?;
    let target = folder.join("kernel");
    if target.join("boot").join(format!("vmlinuz-{release}")).exists() {
        return Ok(release.to_owned());
    }
    let _ = fs::remove_dir_all(&target);
    shell::run(shell::command("apt-get", &["download", "--quiet", package]).current_dir(folder))?;
    let found = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let archive = found.filter(|path| path.extension().is_some_and(|e| e == "deb")).last();
    let archive = archive.context("apt downloaded nothing")?;
    shell::run(shell::command("dpkg", &["-x"]).arg(&archive).arg(&target))?;
    fs::remove_file(&archive)?;
    shell::run(shell::command("depmod", &["--basedir"]).arg(&target).arg(release))?;
    ensure!(target.join("boot").join(format!("vmlinuz-{release}")).exists(), "{package} holds no kernel");
    Ok(release.to_owned())
}

pub fn cache_folder() -> Result<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    Ok(cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join("ostiary"))
}
