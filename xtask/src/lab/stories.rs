//! What is told in the virtual machine: each story is a script for the guest and what must come of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::arm;
use super::container::Container;
use super::guest::{Guest, Init};
use super::host::{Claim, Server};
use crate::{boards, dist, shell, vm};

/// The cameras of the kernel's virtual driver.
const CAMERA: &str = include_str!("camera.sh");
/// A device's whole life under systemd.
const DOOR: &str = include_str!("door.sh");
/// Freezes one thread of a program.
const FREEZE: &str = include_str!("freeze.py");
/// The account the stories log in with.
pub const LOGIN: &str = "laboratory";

/// A story.
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// Tells it; an error if it went wrong.
    pub tell: fn() -> Result<()>,
}

/// Every story, or those that take a minute or two.
pub fn all(short: bool) -> Vec<Story> {
    let camera = Story { name: "camera", tell: camera };
    let service = Story { name: "service", tell: service };
    let door = Story { name: "door", tell: door };
    let (boards, visit) =
        (Story { name: "arm64", tell: arm::cameras }, Story { name: "arm64-visit", tell: arm::visit });
    if short { vec![camera, service] } else { vec![camera, service, door, boards, visit] }
}

/// Every format pixel by pixel, every fault of vivid, by the daemon's own tests of its source.
fn camera() -> Result<()> {
    let folder = folder("camera")?;
    let tests = unit_tests("ostiary-daemon", "ostiary_daemon")?;
    place(&tests, &folder.join("tests"))?;
    place(&shell::dev_binary("ostiaryd"), &folder.join("ostiaryd"))?;
    Guest::prepare()?.run(Init::Script, &folder, CAMERA, Duration::from_secs(400))?;
    Ok(())
}

/// A device's whole life under systemd, in a container, with a recording for a camera: installed from a package,
/// claimed by a file, hardened, frozen, without its model, upgraded, removed, purged.
fn service() -> Result<()> {
    let folder = folder("service")?;
    let _server = prepare(&folder, "127.0.0.1", "replay")?;
    let script = fs::read_to_string(folder.join("story"))?;
    Container::prepare()?.run(&folder, &script, Duration::from_secs(600))?;
    Ok(())
}

/// The same in the virtual machine, with a loopback camera that stands still for a while.
fn door() -> Result<()> {
    let folder = folder("door")?;
    let _server = prepare(&folder, "10.0.2.2", "v4l2")?;
    let script = fs::read_to_string(folder.join("story"))?;
    Guest::prepare()?.run(Init::Systemd, &folder, &script, Duration::from_secs(2700))?;
    Ok(())
}

/// A server that waits for a device, packages to install, somebody to see, and the story to tell.
fn prepare(folder: &Path, host: &str, camera: &str) -> Result<Server> {
    let server = Server::start(folder, host)?;
    let (claim, password) = (server.device("lab")?, server.account(LOGIN)?);
    dist::debug_packages(folder)?;
    render(&folder.join("clip.mjpeg"))?;
    let raw = ["-loglevel", "error", "-f", "mjpeg", "-i", "clip.mjpeg", "-pix_fmt", "yuyv422", "-f", "rawvideo"];
    shell::run(shell::command("ffmpeg", &raw).arg("clip.yuyv").current_dir(folder))?;
    let Claim { server: url, code, ca_sha256 } = claim;
    fs::write(folder.join("freeze.py"), FREEZE)?;
    let told =
        format!("CAMERA={camera} SERVER={url} CODE={code} CA={ca_sha256} LOGIN={LOGIN} PASSWORD={password}\n{DOOR}");
    fs::write(folder.join("story"), told)?;
    Ok(server)
}

/// An empty folder for a story's files.
///
/// # Errors
/// If it cannot be made.
pub fn folder(name: &str) -> Result<PathBuf> {
    let folder = vm::cache_folder()?.join("machine/lab").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// Copies a program without what only debuggers read: the guest reads it through an emulated bus.
fn place(program: &Path, target: &Path) -> Result<()> {
    shell::run(shell::command("strip", &["-o"]).arg(target).arg(program))
}

/// Somebody at the door, as few and small frames as do: what is computed takes the guest 25 times as long.
///
/// # Errors
/// If it cannot be drawn.
pub fn render(target: &Path) -> Result<()> {
    shell::run(shell::command(shell::dev_binary("ostiary-media"), &["clip"]).arg(target))
}

/// Builds a package's unit tests as all tests are built, and says where they are.
fn unit_tests(package: &str, name: &str) -> Result<PathBuf> {
    let mut build = shell::cargo(&["test", "--workspace", "--lib", "--no-run", "--message-format=json"]);
    let found = boards::executables(&shell::output(&mut build)?);
    let mut found = found.into_iter().filter(|found| found.name == name && found.is_test).map(|found| found.path);
    found.next_back().with_context(|| format!("cargo built no unit tests of {package}"))
}
