//! A small file system of its own, for a program's state: it can be filled to the last block, and freed again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The file that fills it.
const BALLAST: &str = "ballast";

/// A mounted ext4 file system in a file; unmounted when dropped.
#[derive(Debug)]
pub struct Volume {
    mount: PathBuf,
}

impl Volume {
    /// Whether one can be made here; if not, why.
    pub fn missing(scratch: &Path) -> Option<String> {
        let tried = Self::mount(&scratch.join("volume.img"), &scratch.join("volume"), 16);
        tried.err().map(|error| format!("{error:#}"))
    }

    /// Makes a file system of `size_mb` in the file `image` and mounts it at `mount`.
    ///
    /// # Errors
    /// If the system refuses, as it does to anybody but root.
    pub fn mount(image: &Path, mount: &Path, size_mb: u64) -> Result<Self> {
        let file = File::create(image).with_context(|| format!("making {}", image.display()))?;
        file.set_len(size_mb * 1024 * 1024).context("sizing the image")?;
        fs::create_dir_all(mount).with_context(|| format!("making {}", mount.display()))?;
        // No blocks are kept back for root, who would not notice otherwise that it is full.
        run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(image))?;
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(mount))?;
        Ok(Self { mount: mount.to_owned() })
    }

    /// Fills it to the last block.
    ///
    /// # Errors
    /// If something else than its end stops the writing.
    pub fn fill(&self) -> Result<()> {
        let path = self.mount.join(BALLAST);
        let mut offset = 0;
        // Blocks are taken without being written, from the largest piece that fits to the smallest.
        for size in (12..=30).rev().map(|bits| 1_u64 << bits) {
            while take_blocks(&path, offset, size)? {
                offset += size;
            }
        }
        let mut ballast = File::options().create(true).append(true).open(&path)?;
        match ballast.write_all(&[0x5A; 8192]).and_then(|()| ballast.sync_data()) {
            Err(error) if error.kind() != ErrorKind::StorageFull => Err(error).context("filling a volume"),
            _ => Ok(()),
        }
    }

    /// Frees it again.
    ///
    /// # Errors
    /// If the ballast cannot be removed.
    pub fn free(&self) -> Result<()> {
        match fs::remove_file(self.mount.join(BALLAST)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("freeing a volume"),
            _ => Ok(()),
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Lazily: a program that ends just now may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.mount).stderr(Stdio::null()).status();
    }
}

/// Whether there were so many bytes left to take.
fn take_blocks(path: &Path, offset: u64, size: u64) -> Result<bool> {
    let mut command = Command::new("fallocate");
    command.args(["-o", &offset.to_string(), "-l", &size.to_string()]).arg(path);
    let status = command.stdin(Stdio::null()).stderr(Stdio::null()).status().context("starting fallocate")?;
    Ok(status.success())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
