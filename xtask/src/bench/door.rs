//! `cargo xtask bench door`: a long scene at a door, decided by the daemon and by pipelines that embed every face of
//! every frame; who was decided rightly and once, and how much of a processor it took.
//!
//! What comes to the door are photos drawn into a scene, which is what an attack looks like: liveness is reported,
//! and does not block. The videos are raw (Y4M), and reading them is charged to everyone.

mod cast;
mod judge;
mod report;
mod run;
mod scene;

use std::fs;

use anyhow::{Context, Result};
use clap::Args;

use super::Profile;
use crate::models::environment::Environment;
use crate::shell;
use judge::{Counts, count, judge};
use report::Report;
use run::Runner;
use scene::{Scene, Studio};

/// How to measure and report.
#[derive(Args)]
pub struct DoorArgs {
    /// End with one JSON object on one line.
    #[arg(long)]
    json: bool,
    /// Length of a scene.
    #[arg(long, default_value_t = 5.0)]
    minutes: f32,
    /// How many scenes, each with other people, strangers and times.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    scenes: u64,
    /// The first scene's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave out what plays at true speed: the still scene, and the waits with 1, 2 and 4 faces.
    #[arg(long)]
    no_true_speed: bool,
    /// Leave out the pipelines compared with.
    #[arg(long)]
    no_peers: bool,
    /// How to compile what is measured.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Minutes of what plays at true speed.
const TRUE_SPEED_MINUTES: f32 = 1.0;
/// Faces at once whose waits are measured.
const FACES: [usize; 3] = [1, 2, 4];

/// Measures.
///
/// # Errors
/// If something cannot be built or run.
pub fn run(args: DoorArgs) -> Result<()> {
    let dir = shell::target_dir().join("bench-door");
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let (worker, daemon) = (args.profile.worker()?, args.profile.daemon()?);
    let studio = Studio::open(&dir)?;
    let environment = if args.no_peers { None } else { Some(Environment::peers()?) };
    let mut report = Report::default();
    for seed in args.seed..args.seed + args.scenes {
        let staging = cast::stage(&worker, &dir, seed)?;
        let scene = studio.scene("day", args.minutes, seed, staging.cast.as_deref())?;
        let runner = Runner { daemon: &daemon, gallery: &staging.gallery };
        day(&mut report, &runner, &scene, seed)?;
        if let Some(environment) = &environment {
            peers(&mut report, &runner, &scene, environment)?;
        }
    }
    if !args.no_true_speed {
        true_speed(&mut report, &studio, &worker, &daemon, args.seed)?;
    }
    report.print();
    if args.json {
        println!("{}", serde_json::to_string(&report.json())?);
    }
    Ok(())
}

fn day(report: &mut Report, runner: &Runner, scene: &Scene, seed: u64) -> Result<()> {
    let ours = runner.at_most_speed(&scene.video)?;
    let (verdicts, nobody) = judge(&scene.truth, &ours.visits);
    report.counts += count(&verdicts, &nobody);
    report.cpu_s += ours.cpu_s;
    report.video_s += ours.video_s;
    report.decision_frames.extend(verdicts.iter().filter_map(|verdict| verdict.frames_to_decision(scene.truth.fps)));
    report.troubles.extend(verdicts.iter().filter_map(|verdict| report::trouble(seed, verdict)));
    report.troubles.extend(nobody.iter().map(|decision| report::of_nobody(seed, decision)));
    Ok(())
}

fn peers(report: &mut Report, runner: &Runner, scene: &Scene, environment: &Environment) -> Result<()> {
    report.every_frame_cpu_s += runner.every_frame(&scene.video)?.cpu_s;
    let peer = runner.onnxruntime(&scene.video, environment)?;
    let (verdicts, _) = judge(&scene.truth, &peer.visits);
    let counts: Counts = count(&verdicts, &[]);
    report.peer_cpu_s += peer.cpu_s;
    report.peer_mated_matched += verdicts.iter().filter(|verdict| verdict.truth.mated && verdict.matched()).count();
    report.peer_non_mated_matched += counts.non_mated_matched;
    Ok(())
}

fn true_speed(
    report: &mut Report,
    studio: &Studio,
    worker: &std::path::Path,
    daemon: &std::path::Path,
    seed: u64,
) -> Result<()> {
    let staging = cast::stage(worker, &shell::target_dir().join("bench-door"), seed)?;
    let runner = Runner { daemon, gallery: &staging.gallery };
    let scene = |story: &str| studio.scene(story, TRUE_SPEED_MINUTES, seed, staging.cast.as_deref());
    report.still_cpu_percent = Some(runner.at_true_speed(&scene("still")?.video)?.cpu_percent);
    for faces in FACES {
        let found = runner.at_true_speed(&scene(&faces.to_string())?.video)?;
        report.decision_ms_p95.insert(faces, found.decision_ms.p95);
    }
    Ok(())
}
