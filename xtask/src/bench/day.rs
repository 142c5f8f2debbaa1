//! `cargo xtask bench day`: a day at a busy door, hastened: every visit with a picture, everything behind the decision
//! real. What it leaves in memory, and what reaches the memory card, as the block device counts it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::lab::Server;
use crate::{models, setup, shell};

/// Hours of the day that is hastened.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The disk's size, MB: room for what was not yet sent.
const DISK_MB: u64 = 400;

/// How to measure and report.
#[derive(Args)]
pub struct DayArgs {
    /// Visits of the day.
    #[arg(long, default_value_t = 3_000)]
    visits: u64,
    /// Visits in a second.
    #[arg(long, default_value_t = 20.0)]
    per_second: f64,
    /// Seconds without visits, to see what time alone writes.
    #[arg(long, default_value_t = 120)]
    idle_s: u64,
    /// Take the programs as they were last built.
    #[arg(long)]
    no_build: bool,
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    visits: u64,
    /// From a tenth of the day to its end.
    rss_growth_mb: f64,
    rss_mb: f64,
    /// What the block device was given.
    disk_mb: f64,
    disk_kb_a_visit: f64,
    /// Of that, what time alone writes in a day.
    idle_mb: f64,
}

/// Runs the bench.
///
/// # Errors
/// If something cannot be built or run; if this is not root, who alone may mount a disk.
pub fn run(args: &DayArgs) -> Result<()> {
    setup::ensure_laboratory()?;
    if !args.no_build {
        shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    }
    let folder = shell::target_dir().join("bench-day");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let server = Server::start(&folder, "127.0.0.1")?;
    let disk = Disk::mount(&folder)?;
    let claim = server.device("day")?;
    let config = configure(&folder, &disk)?;
    let mut ask = daemon(&config, &["claim", "--server", &claim.server, "--code", &claim.code]);
    shell::output(ask.args(["--ca-sha256", &claim.ca_sha256])).context("claiming the device")?;
    let idle_mb = {
        let door = Door::open(&config, 0.0)?;
        let before = disk.written()?;
        door.wait_for(Duration::from_secs(args.idle_s), || Ok(false))?;
        (disk.written()? - before) * DAY.as_secs_f64() / args.idle_s.max(1) as f64
    };
    let door = Door::open(&config, args.per_second)?;
    let limit = Duration::from_secs_f64(4.0 * args.visits as f64 / args.per_second + 60.0);
    door.wait_for(limit, || Ok(door.committed()? >= args.visits / 10))?;
    let (warm, begun, first) = (door.resident()?, disk.written()?, door.committed()?);
    door.wait_for(limit, || Ok(door.committed()? >= args.visits))?;
    let (rss, visits) = (door.resident()?, door.committed()? - first);
    ensure!(visits > 0, "no visit was committed");
    let each = (disk.written()? - begun) * 1e3 / visits as f64;
    let report = Report {
        visits: args.visits,
        rss_growth_mb: rss - warm,
        rss_mb: rss,
        disk_mb: each * args.visits as f64 / 1e3 + idle_mb,
        disk_kb_a_visit: each,
        idle_mb,
    };
    println!(
        "{} pictured visits: {:.1} MB reach the disk ({each:.1} KB a visit, {idle_mb:.1} MB by time alone); \
         {rss:.1} MB resident, {:+.2} MB since a tenth of the day",
        report.visits, report.disk_mb, report.rss_growth_mb
    );
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

fn daemon(config: &Path, args: &[&str]) -> std::process::Command {
    let mut command = shell::command(shell::dev_binary("ostiaryd"), &["--config"]);
    command.arg(config).args(args);
    command
}

fn configure(folder: &Path, disk: &Disk) -> Result<PathBuf> {
    let (path, state) = (folder.join("ostiaryd.toml"), disk.folder.join("state"));
    let (pack, socket) = (models::pack_dir(), folder.join("status.sock"));
    fs::write(
        &path,
        format!(
            "[device]\nstate_dir = {state:?}\n[models]\npack_dir = {pack:?}\n[health]\nsocket = {socket:?}\n\
             [log]\nlevel = \"warn\"\n"
        ),
    )?;
    Ok(path)
}

/// A file system of its own, whose block device counts what it is given.
struct Disk {
    folder: PathBuf,
    device: String,
}

impl Disk {
    fn mount(folder: &Path) -> Result<Self> {
        let (image, mounted) = (folder.join("disk.img"), folder.join("disk"));
        fs::create_dir_all(&mounted)?;
        fs::File::create(&image)?.set_len(DISK_MB << 20)?;
        shell::output(shell::command("mkfs.ext4", &["-q", "-b", "4096"]).arg(&image))?;
        let device = shell::output(shell::command("losetup", &["--find", "--show"]).arg(&image))
            .context("a loop device (are you root?)")?;
        let device = device.trim().trim_start_matches("/dev/").to_owned();
        let disk = Self { folder: mounted, device };
        shell::output(shell::command("mount", &[&format!("/dev/{}", disk.device)]).arg(&disk.folder))?;
        Ok(disk)
    }

    /// Megabytes the device was given, everything that waits included.
    fn written(&self) -> Result<f64> {
        shell::output(shell::command("sync", &["--file-system"]).arg(&self.folder))?;
        let stat = fs::read_to_string(format!("/sys/block/{}/stat", self.device))?;
        let sectors: f64 = stat.split_whitespace().nth(6).context("the device's figures")?.parse()?;
        Ok(sectors * 512.0 / 1e6)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = shell::output(shell::command("umount", &["--lazy"]).arg(&self.folder));
        let _ = shell::output(&mut shell::command("losetup", &["--detach", &format!("/dev/{}", self.device)]));
    }
}

/// A daemon with made-up visits; ends with this.
struct Door {
    child: Child,
    config: PathBuf,
}

impl Door {
    fn open(config: &Path, per_second: f64) -> Result<Self> {
        let mut drill = daemon(config, &["drill", "--pictured", "--per-second", &per_second.to_string()]);
        // As the unit has it.
        drill.env("MALLOC_ARENA_MAX", "1");
        let child = drill.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("starting the daemon")?;
        let door = Self { child, config: config.to_owned() };
        door.wait_for(Duration::from_secs(120), || Ok(door.figure("ostiary_mqtt_connected").is_ok_and(|up| up > 0.0)))?;
        Ok(door)
    }

    /// Waits until `done` or the time is over.
    fn wait_for(&self, limit: Duration, done: impl Fn() -> Result<bool>) -> Result<()> {
        let until = Instant::now() + limit;
        while !done()? && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    fn figure(&self, name: &str) -> Result<f64> {
        let status: Value = serde_json::from_str(&shell::output(&mut daemon(&self.config, &["status", "--json"]))?)?;
        status["metrics"][name].as_f64().with_context(|| format!("the daemon tells no {name}"))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    fn committed(&self) -> Result<u64> {
        Ok(self.figure("ostiary_events_acked_total")? as u64)
    }

    /// Megabytes resident.
    fn resident(&self) -> Result<f64> {
        shell::resident_mb(self.child.id())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = shell::output(&mut shell::command("kill", &["-TERM", &self.child.id().to_string()]));
        let _ = self.child.wait();
    }
}
