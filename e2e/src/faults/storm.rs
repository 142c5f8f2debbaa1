//! A storm: everything is set up, broken again and again until enough was tried, made whole, and judged.

mod judge;
mod setting;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::books::Written;
use super::house;
use super::office::Office;
use super::plan::{Equipment, Plan, Role, kill_share};
use super::tally::{Tally, Tried};
use super::verdict::Verdict;
use crate::mosquitto::Mosquitto;
use crate::stage::Stage;

use judge::judge;
use setting::Setting;

/// Between two words to whoever watches.
const TOLD_EVERY: Duration = Duration::from_secs(30);
/// More programs than this ending by themselves are no storm's work.
const MOST_DEATHS: usize = 60;
/// A kill and its restart take about this long: what is left of the time between two is quiet.
const AWAY: Duration = Duration::from_millis(1_500);

/// Which broker is in the storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    /// The one in the server.
    Embedded,
    /// Mosquitto.
    External,
    /// First one, then the other, half of everything each.
    Both,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Everything random but the visits follows from it.
    pub seed: u64,
    /// Events to write down, at least.
    pub events: u64,
    /// Programs to kill, at least.
    pub kills: u64,
    /// How long it is meant to take; it ends when the rest is reached, or fails after three times this.
    pub seconds: u64,
    /// Devices with made-up visits.
    pub drills: usize,
    /// Devices that look at a clip.
    pub cameras: usize,
    /// Which broker.
    pub broker: Broker,
    /// What may be broken beside programs.
    pub with: Equipment,
    /// Keep the folder, with all logs.
    pub keep: bool,
}

/// Plays it.
///
/// # Errors
/// If something could not be started again or an instrument failed; broken promises are in the verdict.
pub async fn run(options: &Options) -> Result<Verdict> {
    let began = Instant::now();
    let mut verdict = Verdict { seed: options.seed, ..Verdict::default() };
    let mut tried = Tried::default();
    let halves = match options.broker {
        Broker::Both => vec![Broker::Embedded, Broker::External],
        one => vec![one],
    };
    for (number, broker) in (0..).zip(&halves) {
        let parts = halves.len() as u64;
        let part = Options {
            events: options.events.div_ceil(parts),
            kills: options.kills.div_ceil(parts),
            seconds: options.seconds.div_ceil(parts).max(1),
            seed: options.seed.wrapping_add(number << 32),
            broker: *broker,
            ..*options
        };
        tried = play(&part, tried, &mut verdict).await?;
    }
    verdict.tried(&tried);
    verdict.seconds = began.elapsed().as_secs();
    Ok(verdict)
}

async fn play(options: &Options, before: Tried, verdict: &mut Verdict) -> Result<Tried> {
    let stage = Stage::open().await?;
    let outcome = act(&stage, options, before, verdict).await;
    if outcome.is_err() || !verdict.is_clean() || options.keep {
        eprintln!("{}", stage.logs());
        eprintln!("kept: {}", stage.keep().display());
    }
    outcome
}

async fn act(stage: &Stage, options: &Options, before: Tried, verdict: &mut Verdict) -> Result<Tried> {
    let goal = before.kills.total() + options.kills;
    let tally = Tally::new(before);
    let setting = Setting::up(stage, options).await?;
    let mut written: Vec<Written> = setting.doors.iter().map(|door| Written::new(door.daemon.log().into())).collect();
    let whole = rage(setting, options, goal, &mut written, &tally).await?;
    judge(whole, &mut written, verdict).await?;
    let tried = tally.tried().clone();
    Ok(tried)
}

/// Breaks everything at once, each thing by its own plan, until the goals are reached.
async fn rage(
    setting: Setting,
    options: &Options,
    goal: u64,
    written: &mut [Written],
    tally: &Tally,
) -> Result<Setting> {
    let Setting { house, broker, doors, street } = setting;
    let with_broker = broker.is_some();
    let plan = |lane: u64, role| Plan::new(options.seed, lane, role, options.with, gap(options, role, with_broker));
    let devices: Vec<String> = doors.iter().map(|door| door.daemon.device.clone()).collect();
    let office = Office::open(house.server.api.clone(), options.seed, &devices).await?;
    let doors = doors.into_iter().zip(2..).map(|(door, lane)| door.suffer(plan(lane, Role::Device), tally));
    let broker = async {
        match broker {
            Some(broker) => Ok(Some(house::broker(broker, plan(1, Role::Broker), tally).await?)),
            None => Ok::<Option<Mosquitto>, anyhow::Error>(None),
        }
    };
    // Whoever fails ends the storm for all; what is dropped then is ended.
    let (house, broker, doors, (), ()) = tokio::try_join!(
        house.suffer(plan(0, Role::Server), tally),
        broker,
        futures_util::future::try_join_all(doors),
        office.work(tally),
        watch(options, goal, written, tally),
    )?;
    Ok(Setting { house, broker, doors, street })
}

/// The quiet between two faults of one thing, so that so many kills fit into the time.
fn gap(options: &Options, role: Role, with_broker: bool) -> Duration {
    let devices = (options.drills + options.cameras).max(1) as f64;
    let part = match (role, with_broker) {
        (Role::Server, false) => 0.2,
        (Role::Server | Role::Broker, _) => 0.13,
        (Role::Device, false) => 0.8 / devices,
        (Role::Device, true) => 0.74 / devices,
    };
    let faults = options.kills as f64 * part / kill_share(role, options.with);
    let each = Duration::from_secs_f64(options.seconds as f64 / faults.max(1.0));
    each.saturating_sub(AWAY).max(Duration::from_millis(200))
}

/// Counts until enough was tried, and tells now and then.
async fn watch(options: &Options, goal: u64, written: &mut [Written], tally: &Tally) -> Result<()> {
    let began = Instant::now();
    let mut told = began;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        written.iter_mut().try_for_each(Written::read)?;
        let events: usize = written.iter().map(|book| book.ids.len()).sum();
        let tried = tally.tried().clone();
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            let (at, kills, faults) = (began.elapsed().as_secs(), tried.kills, &tried.faults);
            eprintln!("[{at:5} s] {events} events, {kills:?}, {faults:?}, {} changes", tried.changes);
        }
        if events as u64 >= options.events && tried.kills.total() >= goal {
            tally.finish();
            return Ok(());
        }
        ensure!(tried.deaths.len() < MOST_DEATHS, "programs end by themselves again and again: {:?}", tried.deaths);
        let limit = options.seconds * 3;
        ensure!(began.elapsed().as_secs() < limit, "{events} events and {:?} in {limit} s are too few", tried.kills);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_fit_into_the_time() {
        let with = Equipment { network: false, volumes: false, clocks: false };
        let (events, seed, keep) = (1, 1, false);
        let options = Options {
            seed,
            events,
            kills: 100,
            seconds: 500,
            drills: 4,
            cameras: 0,
            broker: Broker::Embedded,
            with,
            keep,
        };
        // 20 kills of the server in 500 s are one each 25 s, and a sixth more faults between them.
        let gap = gap(&options, Role::Server, false);
        assert!((15..24).contains(&gap.as_secs()), "{gap:?}");
    }
}
