//! Everything a story on a board's processor needs, in one archive, which the kernel unpacks into memory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::debian::Kernel;
use crate::{shell, vm};

/// Commands of busybox the scripts use.
const COMMANDS: [&str; 24] = [
    "sh", "mount", "mkdir", "insmod", "echo", "cat", "poweroff", "sleep", "grep", "sed", "sort", "tail", "uname",
    "awk", "tr", "ip", "date", "test", "kill", "head", "printf", "mv", "cut", "ls",
];
/// Where Debian's cross packages keep the C library.
const LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";
/// Of it, what programs of Rust load.
const LOADED: [&str; 4] = ["ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1"];

/// A file system being put together.
pub struct Initrd {
    root: PathBuf,
    archive: PathBuf,
}

impl Initrd {
    /// One with busybox and what programs load.
    ///
    /// # Errors
    /// If a file is missing.
    pub fn new(folder: &Path) -> Result<Self> {
        let root = folder.join("initrd");
        let _ = fs::remove_dir_all(&root);
        for part in ["bin", "lib", "modules", "proc", "sys", "dev", "tmp", "run", "tests"] {
            fs::create_dir_all(root.join(part))?;
        }
        fs::copy(folder.join("root/bin/busybox"), root.join("bin/busybox")).context("copying busybox")?;
        COMMANDS.iter().try_for_each(|name| symlink("busybox", root.join("bin").join(name)))?;
        for name in LOADED {
            fs::copy(Path::new(LIBRARIES).join(name), root.join("lib").join(name)).context(name)?;
        }
        Ok(Self { root, archive: folder.join("arm.cpio") })
    }

    /// Lays a program there, without what only debuggers read.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn program(&self, program: &Path, to: &str) -> Result<()> {
        shell::run(shell::command("aarch64-linux-gnu-strip", &["-o"]).arg(self.root.join(to)).arg(program))
    }

    /// Lays a file there.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub fn file(&self, from: &Path, to: &str) -> Result<()> {
        let target = self.root.join(to);
        fs::create_dir_all(target.parent().context("a file has a folder")?)?;
        fs::copy(from, &target).with_context(|| format!("copying {}", from.display()))?;
        Ok(())
    }

    /// Writes a file there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn text(&self, to: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.root.join(to), text)?)
    }

    /// Lays modules and all they need there, and their order beside them.
    ///
    /// # Errors
    /// If the kernel has no such module.
    pub fn modules(&mut self, kernel: &Kernel, names: &[&str]) -> Result<()> {
        let mut order: Vec<String> = Vec::new();
        for module in names {
            for path in vm::modules_for(&kernel.folder, &kernel.release, module)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if !order.contains(&name) {
                    fs::copy(&path, self.root.join("modules").join(&name))?;
                    order.push(name);
                }
            }
        }
        self.text("modules/order", &(order.join("\n") + "\n"))
    }

    /// Makes the archive, with `script` as what runs first.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn pack(&self, script: &str) -> Result<PathBuf> {
        self.text("init", script)?;
        let archive = "chmod +x init && find . | cpio --create --format=newc --quiet >../arm.cpio";
        shell::run(shell::command("sh", &["-c", archive]).current_dir(&self.root))?;
        Ok(self.archive.clone())
    }
}
