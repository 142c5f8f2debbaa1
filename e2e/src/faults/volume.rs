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
        let mut ballast = File::options().create(true).append(true).open(self.mount.join(BALLAST))?;
        for size in [1 << 20, 4096, 1] {
            let block = vec![0x5A; size];
            loop {
                match ballast.write_all(&block).and_then(|()| ballast.sync_data()) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling a volume"),
                }
            }
        }
        Ok(())
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

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
