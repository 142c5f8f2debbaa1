//! How soon a guided session answers: frames of somebody who turns, one after the other as a browser sends them, to a real
//! server that is held to one core.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use crate::api::{Api, text};
use crate::clip::{Camera, Clip, Sitter, turning};
use crate::server::Server;
use crate::stage::Stage;

/// Goes on in the section that names the pack; nobody is throttled.
const SETTINGS: &str = "engines = 1\n\n[limits]\nframes_per_minute = 100000\nrequests_per_second = 1000\n\
                        account_requests_per_second = 1000\n";
/// Frames that are not counted: they load the models and make buffers.
const WARM_UP: usize = 8;
/// Of the kernel's clock for processes, on every Linux there is today.
const TICKS_A_SECOND: f64 = 100.0;
/// How long the clip is that is shown over and over.
const CLIP_S: f32 = 12.0;

/// How much is measured.
#[derive(Args)]
pub struct GuidedArgs {
    /// Frames that are counted.
    #[arg(long, default_value_t = 300)]
    frames: usize,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it and prints the figures.
///
/// # Errors
/// If something could not be run, or no look was taken.
pub fn main(args: &GuidedArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(args: &GuidedArgs) -> Result<()> {
    let camera = Camera::default();
    let clip = Clip::posed(Sitter::Obama2012, CLIP_S, &camera, |progress, portrait| {
        Some(turning(progress, portrait, &camera))
    })?;
    let stage = Stage::open().await?;
    let server = Server::start_with(&stage, SETTINGS).await?;
    let id = server.process_id().context("the server's process")?;
    let held = hold_to_one_core(id);
    let person = server.api.add_person("Person A").await?;
    let mut session = Session { api: &server.api, person: &person, capture: None, looks: 0 };
    let (mut took, mut spent) = (Vec::with_capacity(args.frames), 0.0);
    for (number, frame) in clip.frames.iter().cycle().take(WARM_UP + args.frames).enumerate() {
        if number == WARM_UP {
            spent = processor_s(id)?;
        }
        let answered = session.show(frame.clone()).await?;
        if number >= WARM_UP {
            took.push(answered);
        }
    }
    ensure!(session.looks > 0, "no look was taken: the clip shows none");
    let cpu_ms = 1000.0 * (processor_s(id)? - spent) / took.len() as f64;
    let total: Duration = took.iter().sum();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0;
    let per_s = took.len() as f64 / total.as_secs_f64();
    let figures = json!({
        "frames": took.len(), "frames_per_s": per_s, "p50_ms": at(0.5), "p95_ms": at(0.95), "max_ms": at(1.0),
        "cpu_ms_a_frame": cpu_ms, "looks": session.looks, "one_core": held,
    });
    if args.json {
        println!("{figures}");
        return Ok(());
    }
    println!("{} frames of 640x480: {per_s:.1} answered a second (at least 5 wanted)", took.len());
    println!("p50 {:.0} ms, p95 {:.0} ms (at most 200 wanted), most {:.0} ms", at(0.5), at(0.95), at(1.0));
    println!("{cpu_ms:.0} ms of a processor a frame, which does not depend on what else the machine does");
    println!("{} looks taken; the server was {}held to one core", session.looks, if held { "" } else { "not " });
    Ok(())
}

/// Guided captures, one after the other.
struct Session<'a> {
    api: &'a Api,
    person: &'a str,
    capture: Option<String>,
    looks: usize,
}

impl Session<'_> {
    /// Shows a frame and says how long the answer took.
    async fn show(&mut self, frame: Vec<u8>) -> Result<Duration> {
        let capture = match self.capture.take() {
            Some(capture) => capture,
            None => {
                let path = format!("/api/v1/persons/{}/captures", self.person);
                text(&self.api.post(&path, &json!({"time_limit_s": 180})).await?.ok()?, "id")?
            }
        };
        let began = Instant::now();
        let said =
            self.api.post_bytes(&format!("/api/v1/captures/{capture}/frames"), "image/jpeg", frame).await?.ok()?;
        let took = began.elapsed();
        self.looks += usize::from(said["taken"].is_string());
        if said["capture"]["state"] == "open" {
            self.capture = Some(capture);
        } else {
            // Complete: what was taken is of no use here, and the next frame begins anew.
            self.api.post(&format!("/api/v1/captures/{capture}/cancel"), &json!({})).await?.ok()?;
        }
        Ok(took)
    }
}

/// What a process has taken of processors so far, seconds.
fn processor_s(id: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).context("the server's times")?;
    // The name, which may hold anything, ends with the last bracket; user and system time are the 14th and 15th field.
    let fields = stat.rsplit_once(')').context("a process has a name")?.1.split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}

/// Whether all threads of a process could be held to one core.
fn hold_to_one_core(id: u32) -> bool {
    let held = Command::new("taskset").args(["-a", "-p", "-c", "0", &id.to_string()]).output();
    let held = held.is_ok_and(|output| output.status.success());
    if !held {
        eprintln!("taskset is not here: the server may use every core");
    }
    held
}
