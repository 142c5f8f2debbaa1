//! `v4l2loopback`, a camera fed by a program: the one driver the stories need that Debian's kernel does not bring. Built
//! from Debian's source package against Debian's headers, once for each kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::dist::Target;
use crate::shell;

/// Builds it for `target` into the modules of the kernel in `kernel`, unless it is there; `download` brings packages for
/// that processor into a folder.
///
/// # Errors
/// If packages cannot be had or it does not build.
pub fn build(
    target: Target,
    folder: &Path,
    kernel: &Path,
    release: &str,
    download: impl Fn(&[String], &Path) -> Result<()>,
) -> Result<()> {
    let modules = kernel.join("lib/modules").join(release);
    let driver = modules.join("extra/v4l2loopback.ko");
    if driver.exists() {
        return Ok(());
    }
    let headers = folder.join("headers");
    unpack(target, release, &headers, download)?;
    let tree = headers.join("usr/src").join(format!("linux-headers-{release}"));
    relocate(&tree.join("Makefile"), &headers)?;
    let source = source(&headers.join("usr/src"))?;
    let mut make = shell::command("make", &[]);
    if target == Target::Arm64 {
        make.args(["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]);
    }
    shell::run(make.arg("--directory").arg(&tree).arg(format!("M={}", source.display())).arg("modules"))
        .context("building v4l2loopback")?;
    fs::create_dir_all(driver.parent().context("it has a folder")?)?;
    let mut strip = shell::command(target.strip(), &["--strip-debug", "-o"]);
    shell::run(strip.arg(&driver).arg(source.join("v4l2loopback.ko")))?;
    shell::run(shell::command("depmod", &["--basedir"]).arg(kernel).arg(release))?;
    // Half a gigabyte that is needed once.
    let _ = fs::remove_dir_all(&headers);
    Ok(())
}

fn unpack(
    target: Target,
    release: &str,
    headers: &Path,
    download: impl Fn(&[String], &Path) -> Result<()>,
) -> Result<()> {
    let version = release.strip_suffix(target.debian()).and_then(|version| version.strip_suffix('-'));
    let version = version.with_context(|| format!("the kernel is one for {}", target.debian()))?;
    // 6.1.0-56 has its tools in linux-kbuild-6.1.
    let series: Vec<&str> = version.split('.').take(2).collect();
    let parts =
        ["v4l2loopback-dkms".to_owned(), format!("linux-headers-{release}"), format!("linux-headers-{version}-common")];
    let downloads = headers.join("downloads");
    fs::create_dir_all(&downloads)?;
    download(&parts, &downloads)?;
    // The tools run here, whatever they build for.
    shell::download(&[format!("linux-kbuild-{}", series.join("."))], &downloads)?;
    for archive in fs::read_dir(&downloads)?.filter_map(Result::ok) {
        shell::run(shell::command("dpkg", &["-x"]).arg(archive.path()).arg(headers))?;
    }
    Ok(())
}

/// Debian's headers name each other by where they are installed.
fn relocate(makefile: &Path, headers: &Path) -> Result<()> {
    let text = fs::read_to_string(makefile).with_context(|| format!("reading {}", makefile.display()))?;
    let moved = text.replace("/usr/src/", &format!("{}/usr/src/", headers.display()));
    fs::write(makefile, moved)?;
    Ok(())
}

fn source(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let found =
        entries.filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("v4l2loopback-")));
    let source = found.last().context("v4l2loopback-dkms holds no source")?;
    ensure!(source.join("v4l2loopback.c").exists(), "v4l2loopback-dkms holds no driver");
    Ok(source)
}
