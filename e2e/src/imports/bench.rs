//! How fast an import is beside the bare pipeline on the same cores, what memory it takes, and how soon it stops.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use ostiary_server::app::models::Models;
use ostiary_server::config::ModelsConfig;
use ostiary_server::enroll::reader::PhotoReader;
use serde_json::json;

use super::{archive, exactly_once, kills, over, photos, send};
use crate::server::Server;
use crate::stage::{Stage, pack_dir};

/// A job that was cancelled does nothing more after this.
const QUIET: Duration = Duration::from_millis(500);

/// The longest time from a start to the next kill.
const KILL_WITHIN: Duration = Duration::from_secs(2);
/// Photos the bare pipeline reads, at most: before the import and after it.
const BARE_AT_MOST: usize = 1_000;

/// How much is imported.
#[derive(Args)]
pub struct BenchArgs {
    /// Photos of the archive.
    #[arg(long, default_value_t = 400)]
    photos: usize,
    /// Threads that read photos, in the server and beside it.
    #[arg(long, default_value_t = 2)]
    engines: usize,
    /// Kill the server so often meanwhile, at random, and see that every photo ends once; nothing is measured then.
    #[arg(long, default_value_t = 0)]
    kills: u32,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it and prints the figures.
///
/// # Errors
/// If something could not be run, or a photo was lost.
pub fn main(args: &BenchArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(args: &BenchArgs) -> Result<()> {
    if args.kills > 0 {
        return killed(args).await;
    }
    let photos = Arc::new(photos(args.photos)?);
    // The pipeline before and after, so that what the machine does besides weighs on both.
    let before = bare(&photos, args.engines)?;
    let stage = Stage::open().await?;
    // Goes on in the section that names the pack.
    let extra = format!("engines = {}\n", args.engines);
    let server = Server::start_with(&stage, &extra).await?;
    let id = server.process_id().context("the server's process")?;
    let packed = archive(&photos, false)?;
    let began = Instant::now();
    let job = send(&server.api, packed).await?;
    let done = over(&server.api, &job, Duration::from_secs(7_200)).await?;
    let import = args.photos as f64 / began.elapsed().as_secs_f64();
    exactly_once(&server.api, &job, args.photos as u64).await?;
    let rss_mb = peak_mb(id)?;
    let after = bare(&photos, args.engines)?;
    let cancel_s = cancelled(&server, &photos).await?;
    let bare = (before + after) / 2.0;
    let figures = json!({
        "photos": args.photos, "engines": args.engines, "import_per_s": import, "bare_per_s": bare,
        "pipeline_ratio": import / bare, "rss_mb": rss_mb, "cancel_s": cancel_s, "refused": done["refused"],
    });
    if args.json {
        println!("{figures}");
        return Ok(());
    }
    println!(
        "{} photos: {import:.2} a second imported, {bare:.2} by the bare pipeline ({:.0} %)",
        args.photos,
        100.0 * import / bare
    );
    println!("peak memory {rss_mb:.0} MB; cancelled within {cancel_s:.2} s");
    Ok(())
}

async fn killed(args: &BenchArgs) -> Result<()> {
    let stage = Stage::open().await?;
    let killed = kills::run(&stage, args.photos, args.kills, KILL_WITHIN).await?;
    ensure!(killed == args.kills, "the import was over after {killed} kills: take more photos");
    let figures = json!({ "photos": args.photos, "kills": killed, "ended_once": true });
    println!("{figures}");
    Ok(())
}

/// Photos a second by the models alone.
fn bare(photos: &Arc<Vec<Vec<u8>>>, threads: usize) -> Result<f64> {
    let count = photos.len().min(BARE_AT_MOST);
    let config = ModelsConfig { pack_dir: pack_dir(), ..ModelsConfig::default() };
    let make = Models::load(&config)?.readers;
    let mut readers = (0..threads).map(|_| make().map_err(|why| anyhow!(why))).collect::<Result<Vec<_>>>()?;
    // The first photo of each makes buffers.
    for reader in &mut readers {
        reader.read(&photos[0]).map_err(|error| anyhow!(error.to_string()))?.ok();
    }
    let (next, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
    let work = |mut reader: Box<dyn PhotoReader>| {
        let (photos, next) = (Arc::clone(photos), Arc::clone(&next));
        thread::spawn(move || {
            while let Some(photo) = photos[..count].get(next.fetch_add(1, Ordering::Relaxed)) {
                let _ = reader.read(photo);
            }
        })
    };
    let threads: Vec<_> = readers.into_iter().map(work).collect();
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a reader panicked"))?;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// Seconds from the request to cancel until nothing is done any more.
async fn cancelled(server: &Server, photos: &[Vec<u8>]) -> Result<f64> {
    // Others than before, or they would be known already.
    let more: Vec<Vec<u8>> = photos.iter().map(|photo| [photo.as_slice(), b"more"].concat()).collect();
    let job = send(&server.api, archive(&more, false)?).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = server.api.get("/api/v1/gallery").await?;
    ensure!(before["templates"].is_u64(), "no gallery: {before}");
    let asked = Instant::now();
    server.api.post(&format!("/api/v1/jobs/{job}/cancel"), &json!({})).await?.ok()?;
    let mut last = (asked.elapsed(), server.api.get("/api/v1/gallery").await?["revision"].clone());
    while asked.elapsed() - last.0 < QUIET {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let revision = server.api.get("/api/v1/gallery").await?["revision"].clone();
        if revision != last.1 {
            last = (asked.elapsed(), revision);
        }
    }
    Ok(last.0.as_secs_f64())
}

/// The most memory a process ever had, MB.
fn peak_mb(id: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("the server's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    let kb: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kb / 1024.0)
}
