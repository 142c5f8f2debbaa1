//! A month without the network, in two processes: one fills the outbox, the other opens it, drains it in order while
//! visits go on, and does the same bytes plainly for comparison.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use super::made_up;
use crate::cache::{self, Budget, Cache, Dropped, EventDraft};
use crate::config::OutboxSection;
use crate::telemetry::{disk_written_bytes, memory_bytes};

/// Events in a batch to the server, and their bytes, as the daemon sends them.
const BATCH: (usize, u64) = (64, 384 * 1024);
/// Single events whose writes are counted.
const SINGLES: u64 = 300;
/// A picture, bytes, where there is one.
const PICTURE_BYTES: usize = 6000;
/// Between two visits while the outbox is drained.
const VISIT_EVERY: Duration = Duration::from_millis(20);
/// Visits while draining are numbered from here.
const MEANWHILE: u64 = 1 << 40;

/// A month without the network.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The state directory.
    #[arg(long)]
    dir: PathBuf,
    /// Events in the month.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// The largest picture, bytes; 0 for none. A device writes each, and drops the oldest first.
    #[arg(long, default_value_t = 0)]
    picture_bytes: usize,
    /// Disk budget, bytes; the daemon's own if not given.
    #[arg(long)]
    budget_bytes: Option<u64>,
    /// Fill only; the other half is done by a process that has not seen the events.
    #[arg(long)]
    fill: bool,
}

impl Args {
    fn budget(&self) -> Budget {
        let usual = OutboxSection::default();
        let total_bytes = self.budget_bytes.unwrap_or(usual.max_bytes);
        Budget { total_bytes, media_bytes: usual.max_media_bytes.min(total_bytes) }
    }

    fn open(&self, name: &str) -> anyhow::Result<Cache> {
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir)?;
        let opened = cache::open(&dir.join("cache"), &made_up::key(), &made_up::pack(), self.budget(), "trial")?;
        ensure!(opened.quarantine.is_none(), "the cache was set aside: {:?}", opened.quarantine);
        Ok(opened.cache)
    }
}

/// Runs one half and prints its findings as JSON.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let findings = if args.fill { fill(args)? } else { drain(args)? };
    println!("{findings}");
    Ok(())
}

fn fill(args: &Args) -> anyhow::Result<serde_json::Value> {
    let plain = written_per_event(args, "singles", 0)?;
    let pictured = written_per_event(args, "pictures", PICTURE_BYTES)?;
    let cache = args.open("state")?;
    let (begun, mut dropped) = (Instant::now(), Dropped::default());
    let numbers: Vec<u64> = (0..args.events).collect();
    for part in numbers.chunks(64) {
        let drafts: Vec<EventDraft> = part.iter().map(|n| made_up::event(*n, args.picture_bytes)).collect();
        dropped += cache.outbox.append_all(&drafts)?.1;
    }
    let waiting = cache.outbox.len() as u64;
    Ok(json!({
        "events": args.events, "waiting": waiting, "events_dropped": dropped.events,
        "pictures_dropped": dropped.media, "words_dropped": dropped.reports,
        "budget_bytes": args.budget().total_bytes, "outbox_bytes": cache.outbox.size_bytes(),
        "bytes_per_event": cache.outbox.size_bytes() as f64 / waiting as f64,
        "written_per_event_offline": cache.outbox.written_bytes() as f64 / args.events as f64,
        "disk_bytes_per_single_event": plain, "disk_bytes_per_pictured_event": pictured,
        "fill_events_per_s": (args.events as f64 / begun.elapsed().as_secs_f64()).round(),
    }))
}

/// What the kernel writes to the disk for an event that comes alone.
fn written_per_event(args: &Args, name: &str, picture_bytes: usize) -> anyhow::Result<u64> {
    let cache = args.open(name)?;
    let before = disk_written_bytes().context("the kernel does not count writes")?;
    for n in 0..SINGLES {
        cache.outbox.append(made_up::event(n * 4, picture_bytes))?;
    }
    Ok((disk_written_bytes().unwrap_or(before) - before) / SINGLES)
}

fn drain(args: &Args) -> anyhow::Result<serde_json::Value> {
    let (resident_before, _) = memory_bytes().unwrap_or_default();
    let begun = Instant::now();
    let cache = args.open("state")?;
    let open_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let (resident, _) = memory_bytes().unwrap_or_default();
    let outbox_bytes = cache.outbox.size_bytes();
    let waiting = cache.outbox.len() as u64;
    let (done, appended) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    let drained = std::thread::scope(|scope| {
        scope.spawn(|| keep_coming(&cache, &done, &appended));
        let drained = in_order(&cache, waiting);
        done.store(true, Ordering::SeqCst);
        drained
    })?;
    let took = begun.elapsed().as_secs_f64();
    let (_, peak) = memory_bytes().unwrap_or_default();
    let rest = in_order(&cache, u64::MAX)?;
    let appended = appended.load(Ordering::SeqCst);
    ensure!(drained + rest == waiting + appended, "{drained} and {rest} drained of {waiting} and {appended}");
    let (write_s, read_s) = plainly(&args.dir.join("plain"), outbox_bytes)?;
    Ok(json!({
        "open_ms": open_ms.round(), "resident_mb": mb(resident), "opening_mb": mb(resident.saturating_sub(resident_before)),
        "peak_mb": mb(peak), "drained": drained + rest, "in_order": true, "appended_meanwhile": appended,
        "drain_events_per_s": (drained as f64 / took).round(),
        "drain_mb_per_s": mb(outbox_bytes) / took, "plain_read_mb_per_s": mb(outbox_bytes) / read_s,
        "plain_write_mb_per_s": mb(outbox_bytes) / write_s, "left_bytes": cache.outbox.size_bytes(),
    }))
}

fn mb(bytes: u64) -> f64 {
    (bytes as f64 / 1e5).round() / 10.0
}

/// Visits go on while the outbox is drained.
fn keep_coming(cache: &Cache, done: &AtomicBool, appended: &AtomicU64) {
    while !done.load(Ordering::SeqCst) {
        let n = MEANWHILE + appended.load(Ordering::SeqCst);
        if cache.outbox.append(made_up::event(n, 0)).is_ok() {
            appended.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::sleep(VISIT_EVERY);
    }
}

/// Takes events out as a server's acknowledgements do, at least `most` if there are so many; each must be whole, and
/// follow the one before.
fn in_order(cache: &Cache, most: u64) -> anyhow::Result<u64> {
    let (mut from, mut drained) = (cache.outbox.first_seq(), 0);
    while drained < most {
        let batch = cache.outbox.batch(from, BATCH.0, BATCH.1)?;
        let Some(last) = batch.last().map(|record| record.seq) else { break };
        for (expected, record) in (from..).zip(&batch) {
            ensure!(record.seq == expected, "event {} came after {}", record.seq, expected - 1);
        }
        // Proving each whole costs more than reading it; one in each batch will do.
        ensure!(made_up::is_whole(&batch[0]), "event {from} is not as it was written");
        drained += batch.len() as u64;
        cache.outbox.delete_upto(last)?;
        from = last + 1;
    }
    Ok(drained)
}

/// Seconds to write so many bytes to a file, flushed, and to read them back.
fn plainly(path: &Path, bytes: u64) -> anyhow::Result<(f64, f64)> {
    let block = vec![0x5a_u8; 1 << 20];
    let begun = Instant::now();
    let mut file = std::fs::File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        let part = left.min(block.len() as u64) as usize;
        file.write_all(&block[..part])?;
        left -= part as u64;
    }
    file.sync_all()?;
    let wrote = begun.elapsed().as_secs_f64();
    let (begun, mut file, mut block) = (Instant::now(), std::fs::File::open(path)?, block);
    while file.read(&mut block)? > 0 {}
    let read = begun.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok((wrote, read))
}
