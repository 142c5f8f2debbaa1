//! `cargo xtask bench camera`: frames from a recording to the detector's input, beside OpenCV's VideoCapture and resize on
//! the same frames, one thread each; and what an idle door takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::Profile;
use crate::{models, setup, shell};

/// What OpenCV is asked to do.
const PEER: &str = include_str!("camera.py");
/// The detector's input for 640x480.
const INPUT: &str = "224x160";
/// Times each side plays the recording in a round.
const PLAYS: &str = "5";
/// As USB cameras code: colours halved across, about 20 KB a frame.
const WEBCAM: [&str; 6] = ["-c:v", "mjpeg", "-pix_fmt", "yuvj422p", "-q:v", "4"];

/// How to measure and report.
#[derive(Args)]
pub struct CameraArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Rounds of both in turn; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "OSTIARYD")]
    daemon: Option<PathBuf>,
}

/// What our side says.
#[derive(Deserialize)]
struct Ours {
    mjpg_ms: f64,
    yuyv_ms: f64,
    formats_us: BTreeMap<String, [f64; 2]>,
}

/// What OpenCV's side says.
#[derive(Deserialize)]
struct Theirs {
    version: String,
    mjpg_ms: f64,
    yuyv_ms: f64,
    yuyv_by_hand_ms: f64,
}

/// A part of what `ostiaryd bench --json` says.
#[derive(Deserialize)]
struct Idle {
    cpu_percent: f64,
}

/// What `--json` prints. Ratios are OpenCV's time / ours: above 1 is faster.
#[derive(Serialize)]
struct Report {
    /// The worse of the two formats.
    opencv_ratio: f64,
    opencv_ratio_mjpg: f64,
    opencv_ratio_yuyv: f64,
    /// Beside `cvtColor`, which OpenCV's V4L2 capture uses, without its VideoCapture.
    opencv_ratio_yuyv_by_hand: f64,
    /// Of one core, 640x480 at 15 frames/s, a still scene: the worse of raw and coded frames.
    idle_cpu_percent: f64,
    idle_cpu_percent_raw: f64,
    idle_cpu_percent_mjpg: f64,
    mjpg_ms: f64,
    yuyv_ms: f64,
    formats_us: BTreeMap<String, [f64; 2]>,
}

/// Runs the bench.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: &CameraArgs) -> Result<()> {
    setup::ensure_opencv()?;
    let daemon = args.daemon.clone().map_or_else(|| args.profile.daemon(), Ok)?;
    let folder = shell::target_dir().join("bench-camera");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    recordings(&folder)?;
    let rounds =
        (0..args.rounds).map(|_| Ok((ours(&daemon, &folder)?, theirs(&folder)?))).collect::<Result<Vec<_>>>()?;
    let median = |pick: &dyn Fn(&(Ours, Theirs)) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (mjpg_ms, yuyv_ms) = (median(&|r| r.0.mjpg_ms), median(&|r| r.0.yuyv_ms));
    let (mjpg, yuyv) = (median(&|r| r.1.mjpg_ms) / mjpg_ms, median(&|r| r.1.yuyv_ms) / yuyv_ms);
    let (raw, coded) = (idle(&daemon, &folder.join("still.y4m"))?, idle(&daemon, &folder.join("still.mjpeg"))?);
    let names = rounds[0].0.formats_us.keys().cloned();
    let cost = |name: String| {
        let way = |n: usize| median(&|r| r.0.formats_us.get(&name).map_or(f64::NAN, |ways| ways[n]));
        (name.clone(), [way(0), way(1)])
    };
    let report = Report {
        opencv_ratio: mjpg.min(yuyv),
        opencv_ratio_mjpg: mjpg,
        opencv_ratio_yuyv: yuyv,
        opencv_ratio_yuyv_by_hand: median(&|r| r.1.yuyv_by_hand_ms) / yuyv_ms,
        idle_cpu_percent: raw.max(coded),
        idle_cpu_percent_raw: raw,
        idle_cpu_percent_mjpg: coded,
        mjpg_ms,
        yuyv_ms,
        formats_us: names.map(cost).collect(),
    };
    print(&report, &rounds[0].1.version);
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn print(report: &Report, version: &str) {
    println!("to the detector's input, ms of a processor a frame of 640x480, beside OpenCV {version} (times ours):");
    println!("  MJPG {:.3} ({:.2} x)", report.mjpg_ms, report.opencv_ratio_mjpg);
    let by_hand = report.opencv_ratio_yuyv_by_hand;
    println!("  YUYV {:.3} ({:.2} x; cvtColor alone {by_hand:.2} x)", report.yuyv_ms, report.opencv_ratio_yuyv);
    println!("format     to input us   to RGB us");
    for (name, [input, rgb]) in &report.formats_us {
        println!("{name:<8} {input:>13.0} {rgb:>11.0}");
    }
    let (raw, coded) = (report.idle_cpu_percent_raw, report.idle_cpu_percent_mjpg);
    println!("an idle door at 15 frames/s: {raw:.2} % of one core, coded {coded:.2} %");
}

/// The same frames as each side reads them, and a minute of an empty door.
fn recordings(folder: &Path) -> Result<()> {
    let media = shell::dev_binary("ostiary-media");
    let still = folder.join("still.y4m");
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bin", "ostiary-media"]))?;
    shell::run(shell::command(&media, &["clip"]).arg(folder.join("clip.mjpeg")))?;
    let mut door = shell::command(&media, &["door", "--story", "still", "--minutes", "1"]);
    shell::run(door.arg("--truth").arg(folder.join("still.json")).arg(&still))?;
    ffmpeg(folder, &["-f", "mjpeg", "-framerate", "15", "-i", "clip.mjpeg"], &WEBCAM, "frames.mjpeg")?;
    ffmpeg(folder, &["-f", "mjpeg", "-framerate", "15", "-i", "frames.mjpeg"], &["-c", "copy"], "mjpg.avi")?;
    let raw = ["-c:v", "rawvideo", "-pix_fmt", "yuyv422"];
    ffmpeg(folder, &["-i", "mjpg.avi"], &raw, "yuyv.avi")?;
    ffmpeg(folder, &["-i", "mjpg.avi"], &[&raw[..], &["-f", "rawvideo"]].concat(), "frames.yuyv")?;
    ffmpeg(folder, &["-i", "still.y4m"], &WEBCAM, "still.mjpeg")
}

fn ffmpeg(folder: &Path, from: &[&str], how: &[&str], to: &str) -> Result<()> {
    let mut ffmpeg = shell::command("ffmpeg", &["-loglevel", "error", "-y"]);
    shell::run(ffmpeg.args(from).args(how).arg(to).current_dir(folder))
}

fn ours(daemon: &Path, folder: &Path) -> Result<Ours> {
    let mut bench = shell::command(daemon, &["bench-camera", "--rounds", PLAYS, "--pack"]);
    bench.arg(models::pack_dir()).arg("--mjpeg").arg(folder.join("frames.mjpeg"));
    serde_json::from_str(&shell::output(bench.arg("--yuyv").arg(folder.join("frames.yuyv")))?).context("our figures")
}

fn theirs(folder: &Path) -> Result<Theirs> {
    // Debian's own interpreter: the module is made for it.
    let mut peer = shell::command("/usr/bin/python3", &["-c", PEER]);
    peer.arg(folder).args([INPUT, PLAYS]).env("OPENCV_FFMPEG_CAPTURE_OPTIONS", "threads;1");
    serde_json::from_str(&shell::output(&mut peer)?).context("OpenCV's figures")
}

fn idle(daemon: &Path, clip: &Path) -> Result<f64> {
    let mut bench = shell::command(daemon, &["bench", "--speed", "true", "--fps", "15", "--json", "--pack"]);
    bench.arg(models::pack_dir()).arg("--clip").arg(clip);
    let answer = shell::output(&mut bench)?;
    let last = answer.lines().last().context("the daemon's bench printed nothing")?;
    Ok(serde_json::from_str::<Idle>(last)?.cpu_percent)
}
