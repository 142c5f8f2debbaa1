//! The phases of a campaign: everybody connects, steady load in steps, a drain after an outage, the plain insert to
//! compare with, an enrollment, and the storm after the server was killed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::campaign::{Campaign, say};
use super::report::Step;
use super::{raw, usage};
use crate::clip::Sitter;
use crate::{photos, wait};

/// Longest wait for a phase to end.
const PATIENCE: Duration = Duration::from_secs(300);
/// A server at rest uses less of the processor in so many looks: a fleet's pings and health are all there is to do.
const CALM_CORES: f64 = 0.2;
const CALM_LOOKS: u32 = 2;
const LOOK: Duration = Duration::from_secs(1);
/// Left out at the begin of each step, while doors fall into their pace.
const SETTLES: Duration = Duration::from_secs(3);
/// A step holds if this share of what was made was acknowledged.
const HOLDS_SHARE: f64 = 0.97;
/// And 99 of 100 batches were within this time.
const HOLDS_MS: u64 = 1_000;
/// Events per second of each device during the storm: doors do not stand still for it.
const STORM_EVENTS_PER_S: f64 = 0.2;

/// Waits until every device is connected.
pub(super) async fn connect(campaign: &mut Campaign) -> Result<()> {
    let began = Instant::now();
    campaign.settled(PATIENCE).await?;
    campaign.report.connect_s = began.elapsed().as_secs_f64();
    campaign.report.connected = campaign.board.standing(0).up;
    let failures = campaign.board.take_failures();
    say(&campaign.args, &format!("connected in {:.1} s, failures {failures:?}", campaign.report.connect_s));
    calm(campaign).await?;
    campaign.report.calm_s = began.elapsed().as_secs_f64();
    say(
        &campaign.args,
        &format!("what devices say when they connect is dealt with after {:.1} s", campaign.report.calm_s),
    );
    Ok(())
}

/// Waits until the server has dealt with what devices say when they connect: who they are, what they hold. Steady load is
/// that of a fleet which has been there for a while.
async fn calm(campaign: &Campaign) -> Result<()> {
    let pid = campaign.server.process_id().context("the server runs")?;
    let mut calm_looks = 0;
    for _ in 0..PATIENCE.as_secs() / LOOK.as_secs() {
        let before = usage::of(pid).cpu_s;
        tokio::time::sleep(LOOK).await;
        let cores = (usage::of(pid).cpu_s - before) / LOOK.as_secs_f64();
        calm_looks = if cores < CALM_CORES { calm_looks + 1 } else { 0 };
        if calm_looks == CALM_LOOKS {
            return Ok(());
        }
    }
    bail!("the server does not come to rest")
}

/// Steady load, step by step, until one does not hold.
pub(super) async fn steady(campaign: &mut Campaign) -> Result<()> {
    for offered_per_s in campaign.args.rates.clone() {
        let step = step(campaign, offered_per_s).await?;
        say(&campaign.args, &step.to_string());
        if step.held {
            let report = &mut campaign.report;
            (report.events_per_s, report.ack_ms_p99, report.ack_ms_p50) =
                (step.acked_per_s, step.ack_ms_p99, step.ack_ms_p50);
            (report.server_cores, report.fleet_cores) = (step.server_cores, step.fleet_cores);
        }
        let held = step.held;
        campaign.report.steps.push(step);
        if !held {
            break;
        }
    }
    campaign.order(|orders| orders.every = None);
    campaign.settled(PATIENCE).await
}

async fn step(campaign: &Campaign, offered_per_s: f64) -> Result<Step> {
    let burst = campaign.args.burst;
    let pause_s = campaign.board.slots.len() as f64 * f64::from(burst) / offered_per_s;
    campaign.order(|orders| (orders.every, orders.burst) = (Some(Duration::from_secs_f64(pause_s)), burst));
    tokio::time::sleep(SETTLES).await;
    let pid = campaign.server.process_id().context("the server runs")?;
    let acked = || campaign.board.acked.load(Ordering::Relaxed);
    let used = || (usage::of(pid), usage::of(std::process::id()));
    let (began, acked_before, used_before, _) = (Instant::now(), acked(), used(), campaign.board.acks.take());
    tokio::time::sleep(Duration::from_secs(campaign.args.seconds)).await;
    let (took_s, acks, used_after) = (began.elapsed().as_secs_f64(), campaign.board.acks.take(), used());
    let acked_per_s = (acked() - acked_before) as f64 / took_s;
    let ack_ms_p99 = acks.at(0.99).unwrap_or(u64::MAX);
    Ok(Step {
        offered_per_s,
        acked_per_s,
        ack_ms_p99,
        ack_ms_p50: acks.at(0.5).unwrap_or(u64::MAX),
        waiting: campaign.board.standing(0).waiting,
        server_cores: (used_after.0.cpu_s - used_before.0.cpu_s) / took_s,
        fleet_cores: (used_after.1.cpu_s - used_before.1.cpu_s) / took_s,
        held: acked_per_s >= offered_per_s * HOLDS_SHARE && ack_ms_p99 <= HOLDS_MS,
    })
}

/// Every device sends what has waited, all at once.
pub(super) async fn drain(campaign: &mut Campaign) -> Result<()> {
    let backlog = campaign.args.backlog;
    if let Some(pid) = campaign.server.process_id() {
        campaign.report.server_rss_mb = usage::of(pid).rss_mb;
    }
    let (acked, events) = (campaign.board.acked.load(Ordering::Relaxed), backlog as usize * campaign.board.slots.len());
    let began = Instant::now();
    campaign.order(|orders| (orders.drains, orders.backlog) = (orders.drains + 1, backlog));
    let done = async || Ok(campaign.board.acked.load(Ordering::Relaxed) - acked >= events as u64);
    wait::until_true("the backlog to be stored", PATIENCE, done).await?;
    campaign.report.drain_per_s = events as f64 / began.elapsed().as_secs_f64();
    say(&campaign.args, &format!("after an outage: {:.0} events/s", campaign.report.drain_per_s));
    campaign.settled(PATIENCE).await
}

/// The same rows by a plain batch insert, while the fleet is connected and quiet.
pub(super) async fn raw(campaign: &mut Campaign) -> Result<()> {
    let report = &mut campaign.report;
    report.raw_per_s = raw::rows_per_s(&campaign.server.database(), campaign.args.raw_rows).await?;
    report.raw_ratio = report.events_per_s / report.raw_per_s;
    report.drain_ratio = report.drain_per_s / report.raw_per_s;
    say(&campaign.args, &format!("plain batch insert: {:.0} rows/s", report.raw_per_s));
    Ok(())
}

/// Enrolls a person and waits until every device holds the template.
pub(super) async fn enroll(campaign: &mut Campaign) -> Result<()> {
    let api = &campaign.server.api;
    let person = api.add_person("Fleet Member").await?;
    let rev = api.enroll(&person, photos::portrait(Sitter::Astronaut)?).await?;
    let answered_us = campaign.board.now_us();
    let devices = campaign.board.slots.len();
    let all = async || Ok(campaign.board.standing(rev).holding == devices);
    let waited = wait::until_true("every device to hold the new template", PATIENCE, all).await;
    waited.with_context(|| format!("{:?}, {:?}", campaign.board.standing(rev), campaign.board.take_failures()))?;
    let reached = campaign.board.slots.iter().map(|slot| slot.reached_us.load(Ordering::Relaxed));
    let mut times_ms: Vec<u64> = reached.map(|at| at.saturating_sub(answered_us).div_ceil(1_000)).collect();
    times_ms.sort_unstable();
    let at = |share: f64| times_ms[((devices as f64 * share).ceil() as usize).clamp(1, devices) - 1];
    (campaign.report.enroll_ms_p99, campaign.report.enroll_ms_max) = (at(0.99), at(1.0));
    say(&campaign.args, &format!("enrolled: 99 % within {} ms, all within {} ms", at(0.99), at(1.0)));
    Ok(())
}

/// Kills the server while doors are in use, starts it again, and waits until every device is back and nothing waits.
pub(super) async fn storm(campaign: &mut Campaign) -> Result<()> {
    let every = f64::from(campaign.args.burst) / STORM_EVENTS_PER_S;
    campaign.order(|orders| orders.every = Some(Duration::from_secs_f64(every)));
    tokio::time::sleep(SETTLES).await;
    let _ = campaign.board.take_failures();
    campaign.server.kill()?;
    let devices = campaign.board.slots.len();
    let board = campaign.board.clone();
    wait::until_true("the fleet to notice", PATIENCE, async || Ok(board.standing(0).up == 0)).await?;
    let began = Instant::now();
    campaign.server.restart().await?;
    wait::until_true("every device to be back", PATIENCE, async || Ok(board.standing(0).up == devices)).await?;
    campaign.order(|orders| orders.every = None);
    campaign.settled(PATIENCE).await?;
    let report = &mut campaign.report;
    report.storm_s = began.elapsed().as_secs_f64();
    report.storm_failures = campaign.board.take_failures();
    report.connected = campaign.board.standing(0).up;
    say(&campaign.args, &format!("storm settled in {:.1} s, failures {:?}", report.storm_s, report.storm_failures));
    Ok(())
}
