//! A real systemd beside this machine's own: in a container whose root is this machine's files under a layer that is
//! thrown away. As fast as this machine, but with its kernel: cameras need the virtual machine (`guest`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::UNITS;
use crate::{setup, shell};

/// Where the container finds its files, and where it says how it goes.
const FILES: &str = "/mnt/lab";
const SAYS: &str = "/mnt/says";

/// A container's root; unmounted and removed in the end.
pub struct Container {
    folder: PathBuf,
}

impl Drop for Container {
    fn drop(&mut self) {
        for mounted in ["root", "layer"] {
            let _ = shell::output(shell::command("umount", &["--lazy"]).arg(self.folder.join(mounted)));
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Container {
    /// Mounts the layer over this machine's files.
    ///
    /// # Errors
    /// If that is not allowed here.
    pub fn prepare() -> Result<Self> {
        setup::ensure_container()?;
        let folder = std::env::temp_dir().join(format!("ostiary-container-{}", std::process::id()));
        let (layer, root) = (folder.join("layer"), folder.join("root"));
        [&layer, &root, &folder.join("says")].into_iter().try_for_each(fs::create_dir_all)?;
        let container = Self { folder };
        let size = "size=1g,mode=755";
        shell::output(shell::command("mount", &["-t", "tmpfs", "-o", size, "layer"]).arg(&layer))?;
        ["upper", "work"].iter().try_for_each(|name| fs::create_dir(layer.join(name)))?;
        let layers = format!("lowerdir=/,upperdir={0}/upper,workdir={0}/work", layer.display());
        shell::output(shell::command("mount", &["-t", "overlay", "-o", &layers, "root"]).arg(&root))
            .context("laying a layer over this machine's files (are you root?)")?;
        fs::write(root.join("etc/machine-id"), "0123456789abcdef0123456789abcdef\n")?;
        fs::write(root.join("etc/fstab"), "")?;
        UNITS.iter().try_for_each(|(name, text)| fs::write(root.join("etc/systemd/system").join(name), text))?;
        Ok(container)
    }

    /// Boots systemd, has it run `script` as a service, and gives every step's word in order.
    ///
    /// # Errors
    /// If a step failed, or the script took longer than `limit`.
    pub fn run(&self, files: &Path, script: &str, limit: Duration) -> Result<Vec<String>> {
        fs::write(files.join("script"), format!("SAYS={SAYS}/steps\n{script}\necho LAB-END >>$SAYS\n"))?;
        let mut child = self.boot(files)?;
        let outcome = self.listen(&mut child, Instant::now() + limit);
        // Asked twice it ends at once.
        let _ = child.kill();
        let _ = child.wait();
        outcome
    }

    fn boot(&self, files: &Path) -> Result<Child> {
        let mut boot = shell::command("systemd-nspawn", &["--register=no", "--keep-unit", "--link-journal=no"]);
        boot.arg(format!("--directory={}", self.folder.join("root").display()));
        boot.arg(format!("--bind-ro={}:{FILES}", files.display()));
        boot.arg(format!("--bind={}:{SAYS}", self.folder.join("says").display()));
        boot.args(["--boot", "--console=pipe", "--", "systemd.unit=ostiary-lab.target", "systemd.show_status=0"]);
        let log = fs::File::create(files.join("container.log"))?;
        boot.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        boot.spawn().context("starting systemd-nspawn")
    }

    fn listen(&self, child: &mut Child, until: Instant) -> Result<Vec<String>> {
        let path = self.folder.join("says/steps");
        let mut told = 0;
        loop {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().skip(told).filter_map(|line| line.strip_prefix("LAB ")) {
                eprintln!("  {line}");
            }
            told = lines.len();
            if lines.contains(&"LAB-END") {
                let steps = lines.iter().filter_map(|line| line.strip_prefix("LAB ")).map(str::to_owned).collect();
                return judged(steps, &text);
            }
            if Instant::now() > until || child.try_wait()?.is_some() {
                bail!("the container did not come to its end:\n{text}");
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

fn judged(steps: Vec<String>, text: &str) -> Result<Vec<String>> {
    match steps.iter().any(|step| step.contains(" FAILED")) {
        true => bail!("a step failed:\n{text}"),
        false => Ok(steps),
    }
}
