//! Power cuts. A virtual machine with a real kernel and file system runs the device's storage on disks whose write
//! cache we own; it is killed at random, what the disks never flushed is lost in part, it boots again, and what it
//! then holds is compared with what it had said was durable.
//!
//! Start reading at [`run`]. The disk is [`platter`] behind [`nbd`], the comparison is [`ledger`].

mod ledger;
mod nbd;
mod platter;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::random::Random;
use crate::shell;
use crate::vm::Machine;
use ledger::{Findings, Ledger};
use nbd::Server;

/// Size of each disk, bytes.
const DISK_BYTES: u64 = 64 << 20;
/// A boot that has not told everything after this long failed.
const BOOT_LIMIT: Duration = Duration::from_secs(600);

/// How long, and on how many disks.
#[derive(Args)]
pub struct PowerArgs {
    /// Minutes of cutting.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Disks in the machine, each with a device's storage of its own; a kill is a power cut for each.
    #[arg(long, default_value_t = 4)]
    disks: usize,
    /// The longest time of writing before a cut, milliseconds.
    #[arg(long, default_value_t = 3000)]
    longest_ms: u64,
    /// Begins the chain of random choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program to run instead of the one built from here.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Prepares the machine and cuts until the time is up.
///
/// # Errors
/// If the machine cannot be made, or anything was lost.
pub fn run(args: &PowerArgs) -> Result<()> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => {
            shell::run(&mut shell::cargo(&["build", "--package", "ostiary-daemon", "--bin", "ostiaryd"]))?;
            shell::dev_binary("ostiaryd")
        }
    };
    let machine = Machine::prepare(&program)?;
    let mut trial = Trial::new(args, &machine)?;
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < args.minutes * 60.0 {
        trial.round(&machine)?;
        eprintln!("{:>6.0} s: {}", begun.elapsed().as_secs_f64(), trial.findings);
    }
    let findings = trial.finish();
    println!("{}", findings.json(args.seed, begun.elapsed()));
    ensure!(findings.is_clean(), "power cuts did harm; the disks lie in {}", machine.folder().display());
    Ok(())
}

struct Trial {
    disks: Vec<Server>,
    ledgers: Vec<Ledger>,
    findings: Findings,
    random: Random,
    longest_ms: u64,
}

impl Trial {
    fn new(args: &PowerArgs, machine: &Machine) -> Result<Self> {
        let image = formatted(machine.folder())?;
        let serve = |n| Server::start(&machine.folder().join(format!("disk-{n}.sock")), image.clone());
        Ok(Self {
            disks: (0..args.disks).map(serve).collect::<Result<_>>()?,
            ledgers: vec![Ledger::default(); args.disks],
            findings: Findings::default(),
            random: Random::new(args.seed),
            longest_ms: args.longest_ms,
        })
    }

    /// Boots, waits until every storage told what it holds, lets it write, pulls the plug.
    fn round(&mut self, machine: &Machine) -> Result<()> {
        let sockets: Vec<PathBuf> = self.disks.iter().map(|disk| disk.socket().to_owned()).collect();
        let mut guest = machine.boot(&sockets, &script(self.disks.len()))?;
        let lines = reader(&mut guest);
        let told = self.listen(&lines, Instant::now() + BOOT_LIMIT, |ledgers| ledgers.iter().all(Ledger::is_ready));
        if let Ok(true) = told {
            let writing = Duration::from_millis(self.random.below(self.longest_ms));
            self.listen(&lines, Instant::now() + writing, |_| false)?;
        }
        guest.kill().context("pulling the plug")?;
        guest.wait().context("waiting for the machine's end")?;
        // What the machine still said before the plug was pulled.
        lines.into_iter().for_each(|line| self.hear(&line));
        let whole = told?;
        if !whole {
            self.findings.failed_boots += 1;
            self.findings.notes.push("a boot did not tell what the storage holds".into());
        }
        self.findings.kills += 1;
        for (disk, ledger) in self.disks.iter().zip(&mut self.ledgers) {
            disk.cut(&mut self.random)?;
            self.findings.cuts += 1;
            ledger.power_cut(&mut self.findings);
        }
        if !whole {
            bail!("a boot failed: {}", self.findings);
        }
        Ok(())
    }

    /// Takes in lines until a time, or until `done`; whether it was done.
    fn listen(&mut self, lines: &Receiver<String>, until: Instant, done: impl Fn(&[Ledger]) -> bool) -> Result<bool> {
        while !done(&self.ledgers) {
            let left = until.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok(line) => self.hear(&line),
                Err(mpsc::RecvTimeoutError::Timeout) => return Ok(false),
                Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the machine ended by itself"),
            }
        }
        Ok(true)
    }

    fn hear(&mut self, line: &str) {
        let heard = line.split_once(' ').and_then(|(name, rest)| Some((name.parse::<usize>().ok()?, rest)));
        match heard.and_then(|(n, rest)| Some((self.ledgers.get_mut(n)?, rest))) {
            Some((ledger, rest)) => ledger.hear(rest, &mut self.findings),
            None if line.is_empty() => {}
            None => eprintln!("machine: {line}"),
        }
    }

    fn finish(mut self) -> Findings {
        for disk in &self.disks {
            let (bytes, flushes) = disk.written();
            self.findings.disk_bytes += bytes;
            self.findings.disk_flushes += flushes;
        }
        self.findings
    }
}

/// What runs inside: every disk mounted, a storage on each.
fn script(disks: usize) -> String {
    let mut text = String::new();
    for n in 0..disks {
        let letter = char::from(b'a' + u8::try_from(n).unwrap_or(0));
        text.push_str(&format!(
            "mkdir /host/mnt/{n}; mount -t ext4 /dev/vd{letter} /host/mnt/{n} || echo mount failed\n"
        ));
    }
    for n in 0..disks {
        text.push_str(&format!("chroot /host \"$PROGRAM\" disk-trial power --dir /mnt/{n}/state --name {n} 2>&1 &\n"));
    }
    text.push_str("wait\n");
    text
}

fn reader(guest: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let output = guest.stdout.take().expect("the machine's output was asked for");
    std::thread::spawn(move || {
        let (mut output, mut line) = (BufReader::new(output), Vec::new());
        while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // What the power cut short was not said.
            let whole = line.ends_with(b"\n");
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if !whole || sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// An empty file system as the bytes of a disk.
fn formatted(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("empty.img");
    let file = std::fs::File::create(&path)?;
    file.set_len(DISK_BYTES)?;
    let mut make = shell::command("mkfs.ext4", &["-q", "-F"]);
    shell::run(make.arg(&path).stdout(Stdio::null()))?;
    std::fs::read(&path).context("reading the empty file system")
}
