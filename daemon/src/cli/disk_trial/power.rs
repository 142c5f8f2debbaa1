//! Writing until the power goes. Each line of output is said only after what it says is durable, but for
//! `acking` and `applying`, which are said before.
//!
//! ```text
//! open <ms> <set aside: 0|1> <why>          outbox <stream> <first> <last>      have <seq> <n | damaged>
//! gallery <rev> <right: 0|1>                session <n>                         ready
//! wrote <seq> <n>    acking <upto>    applying <rev>    applied <rev>    disk <bytes this process wrote>
//! ```

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::Rng;

use super::made_up;
use crate::cache::{self, Budget, Cache, EventDraft};
use crate::telemetry::disk_written_bytes;

/// The largest picture, bytes.
const CROP_BYTES: usize = 6000;
const BUDGET: Budget = Budget { total_bytes: 32 << 20, media_bytes: 24 << 20 };

/// Write until somebody pulls the plug.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The state directory.
    #[arg(long)]
    dir: PathBuf,
    /// What each line of output begins with.
    #[arg(long)]
    name: Option<String>,
    /// Milliseconds to rest after each step; 0 for as fast as the disk takes it.
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// End after so many events; without, never.
    #[arg(long)]
    events: Option<u64>,
}

/// Where it is said; lines begin with a name, so that several may share an output.
struct Teller {
    name: Option<String>,
}

impl Teller {
    /// Says a line at once and in one piece.
    fn say(&self, text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
        let line = match &self.name {
            Some(name) => format!("{name} {text}\n"),
            None => format!("{text}\n"),
        };
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).context("saying what was done")
    }
}

/// Tells what there is, then writes.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let begun = Instant::now();
    let tell = Teller { name: args.name.clone() };
    std::fs::create_dir_all(&args.dir)?;
    let stamp = format!("{}", std::process::id());
    let opened = cache::open(&args.dir.join("cache"), &made_up::key(), &made_up::pack(), BUDGET, &stamp)?;
    let aside = opened.quarantine.as_ref().map_or("", |quarantine| &quarantine.reason);
    tell.say(format_args!("open {} {} {aside}", begun.elapsed().as_millis(), u8::from(opened.quarantine.is_some())))?;
    let rev = opened.gallery.head.rev.0;
    let right = opened.gallery.holdings.digest() == made_up::digest_at(rev);
    tell_outbox(&tell, &opened.cache)?;
    tell.say(format_args!("gallery {rev} {}", u8::from(right)))?;
    next_session(&tell, &opened.cache)?;
    tell.say(format_args!("ready"))?;
    write(&tell, &opened.cache, rev, args)
}

fn tell_outbox(tell: &Teller, cache: &Cache) -> anyhow::Result<()> {
    let outbox = &cache.outbox;
    tell.say(format_args!("outbox {} {} {}", outbox.stream(), outbox.first_seq(), outbox.last_seq()))?;
    let mut from = 0;
    loop {
        let batch = outbox.batch(from, 64, 1 << 20)?;
        let Some(last) = batch.last() else { return Ok(()) };
        from = last.seq + 1;
        for record in &batch {
            match made_up::number_of(record, CROP_BYTES, false) {
                Some(n) => tell.say(format_args!("have {} {n}", record.seq))?,
                None => tell.say(format_args!("have {} damaged", record.seq))?,
            }
        }
    }
}

fn write(tell: &Teller, cache: &Cache, mut rev: u64, args: &Args) -> anyhow::Result<()> {
    let mut random = rand::rng();
    let mut left = args.events.unwrap_or(u64::MAX);
    while left > 0 {
        match random.random_range(0..40) {
            0 => next_session(tell, cache)?,
            1..=3 => acknowledge(tell, cache, &mut random)?,
            4..=6 => rev = apply(tell, cache, rev + 1)?,
            _ => left -= append(tell, cache, &mut random, left)?,
        }
        std::thread::sleep(Duration::from_millis(args.pause_ms));
    }
    tell.say(format_args!("disk {}", disk_written_bytes().unwrap_or(0)))?;
    Ok(())
}

fn next_session(tell: &Teller, cache: &Cache) -> anyhow::Result<()> {
    let session = cache.meta.session()? + 1;
    cache.meta.set_session(session)?;
    tell.say(format_args!("session {session}"))
}

/// One event, or a burst of them with one flush.
fn append(tell: &Teller, cache: &Cache, random: &mut impl Rng, most: u64) -> anyhow::Result<u64> {
    let burst = if random.random_ratio(1, 8) { random.random_range(2..=8) } else { 1 };
    let numbers: Vec<u64> = (0..most.min(burst)).map(|_| random.random()).collect();
    let drafts: Vec<EventDraft> = numbers.iter().map(|n| made_up::event(*n, CROP_BYTES)).collect();
    let (last, _) = cache.outbox.append_all(&drafts)?;
    let first = last + 1 - numbers.len() as u64;
    for (seq, n) in (first..).zip(&numbers) {
        tell.say(format_args!("wrote {seq} {n}"))?;
    }
    Ok(numbers.len() as u64)
}

/// The server has stored some or all.
fn acknowledge(tell: &Teller, cache: &Cache, random: &mut impl Rng) -> anyhow::Result<()> {
    let (first, last) = (cache.outbox.first_seq(), cache.outbox.last_seq());
    if first > last {
        return Ok(());
    }
    let upto = random.random_range(first..=last);
    tell.say(format_args!("acking {upto}"))?;
    Ok(cache.outbox.delete_upto(upto)?)
}

fn apply(tell: &Teller, cache: &Cache, rev: u64) -> anyhow::Result<u64> {
    tell.say(format_args!("applying {rev}"))?;
    cache.gallery.apply(&made_up::step_to(rev), &made_up::pack())?;
    tell.say(format_args!("applied {rev}"))?;
    Ok(rev)
}
