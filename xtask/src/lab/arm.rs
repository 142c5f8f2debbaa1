//! The cameras' story on a board's processor: an emulated machine with Debian's kernel for arm64, whose whole file system
//! is what the tests need. Its packages are fetched beside this machine's own, which stays as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use super::guest;
use super::stories;
use crate::{setup, shell, vm};

/// What the machine runs: everything there is must pass, and nothing be skipped.
const SCRIPT: &str = include_str!("arm.sh");
/// Commands of busybox the script uses.
const COMMANDS: [&str; 13] =
    ["sh", "mount", "mkdir", "insmod", "echo", "cat", "poweroff", "sleep", "grep", "sed", "sort", "tail", "uname"];
/// Where Debian's cross packages keep the C library.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
/// Of it, what programs of Rust load.
const LOADED: [&str; 4] = ["ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1"];
/// How long it may take, emulated and on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// Builds for the board, boots, and lets the tests tell.
///
/// # Errors
/// If something cannot be had or built, or a test failed.
pub fn tell() -> Result<()> {
    setup::ensure_arm_machine()?;
    let folder = vm::cache_folder()?.join("machine-arm64");
    fs::create_dir_all(&folder)?;
    let kernel = kernel(&folder)?;
    let packages = ["ostiary-kernels", "ostiary-daemon"];
    let tests = stories::tests_for_arm(&packages)?;
    let archive = pack(&folder, &kernel, &tests)?;
    let mut qemu = shell::command("qemu-system-aarch64", &["-M", "virt,gic-version=3", "-accel", "tcg"]);
    qemu.args(["-cpu", "cortex-a72", "-m", "1400", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none"]);
    qemu.args(["-no-reboot", "-serial", "stdio", "-append", "console=ttyAMA0 quiet loglevel=3 panic=-1"]);
    qemu.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(archive);
    let log = fs::File::create(folder.join("qemu.log"))?;
    let mut child = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().context("starting qemu")?;
    let output = child.stdout.take().context("the machine has a console")?;
    let heard = guest::hear(output, LIMIT);
    let _ = child.kill();
    let _ = child.wait();
    heard.judged().map(drop)
}

/// An unpacked kernel.
struct Kernel {
    folder: PathBuf,
    release: String,
    image: PathBuf,
}

/// Fetches Debian's kernel and busybox for arm64, once.
fn kernel(folder: &Path) -> Result<Kernel> {
    let apt = Apt::new(folder)?;
    let depends = apt.ask("apt-cache", &["depends", "linux-image-arm64"])?;
    let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).context("no kernel's name")?;
    let release = package.strip_prefix("linux-image-").context("the kernel's package has another name")?.to_owned();
    let target = folder.join("root");
    let image = target.join("boot").join(format!("vmlinuz-{release}"));
    if !image.exists() {
        let _ = fs::remove_dir_all(&target);
        apt.ask("apt-get", &["download", "--quiet", package, "busybox-static"])?;
        for archive in fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()) {
            if archive.extension().is_some_and(|e| e == "deb") {
                shell::run(shell::command("dpkg", &["-x"]).arg(&archive).arg(&target))?;
                fs::remove_file(&archive)?;
            }
        }
        shell::run(shell::command("depmod", &["--basedir"]).arg(&target).arg(&release))?;
    }
    Ok(Kernel { folder: target, release, image })
}

/// apt with lists of its own, for another processor.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn new(folder: &Path) -> Result<Self> {
        let own = folder.join("apt");
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(own.join(part))?;
        }
        fs::write(own.join("status"), "")?;
        let at = |what: &str, name: &str| format!("{what}={}", own.join(name).display());
        let options = vec![
            "APT::Architecture=arm64".to_owned(),
            "APT::Architectures=arm64".to_owned(),
            at("Dir::State::Lists", "lists"),
            at("Dir::State::status", "status"),
            at("Dir::Cache", "cache"),
        ];
        let apt = Self { folder: folder.to_owned(), options };
        apt.ask("apt-get", &["update", "--quiet"])?;
        Ok(apt)
    }

    fn ask(&self, program: &str, args: &[&str]) -> Result<String> {
        let mut command = shell::command(program, &[]);
        self.options.iter().for_each(|option| {
            command.args(["-o", option]);
        });
        shell::output(command.args(args).current_dir(&self.folder))
    }
}

/// Everything in one archive, which the kernel unpacks into memory.
fn pack(folder: &Path, kernel: &Kernel, tests: &[PathBuf]) -> Result<PathBuf> {
    let root = folder.join("initrd");
    let _ = fs::remove_dir_all(&root);
    for part in ["bin", "lib", "modules", "proc", "sys", "dev", "tmp", "tests"] {
        fs::create_dir_all(root.join(part))?;
    }
    fs::copy(kernel.folder.join("bin/busybox"), root.join("bin/busybox")).context("copying busybox")?;
    COMMANDS.iter().try_for_each(|name| symlink("busybox", root.join("bin").join(name)))?;
    for name in LOADED {
        fs::copy(Path::new(LIBRARIES).join(name), root.join("lib").join(name)).context(name)?;
    }
    for test in tests {
        let name = test.file_name().context("a test has a name")?.to_string_lossy();
        let short = name.split('-').next().unwrap_or_default();
        let mut strip = shell::command("aarch64-linux-gnu-strip", &["-o"]);
        shell::run(strip.arg(root.join("tests").join(short)).arg(test))?;
    }
    let mut order: Vec<String> = Vec::new();
    for path in vm::modules_for(&kernel.folder, &kernel.release, "vivid")? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fs::copy(&path, root.join("modules").join(&name))?;
        order.push(name);
    }
    fs::write(root.join("modules/order"), order.join("\n") + "\n")?;
    fs::write(root.join("init"), SCRIPT)?;
    let archive = "chmod +x init && find . | cpio --create --format=newc --quiet >../arm.cpio";
    shell::run(shell::command("sh", &["-c", archive]).current_dir(&root))?;
    Ok(folder.join("arm.cpio"))
}
