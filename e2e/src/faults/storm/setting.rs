//! What a storm is about to break: a server, perhaps a broker, and devices, with the instruments at each.

use anyhow::{Context, Result};

use super::super::clock::Clock;
use super::super::door::Door;
use super::super::house::House;
use super::super::street::{HOST, Street};
use super::super::volume::Volume;
use super::{Broker, Options};
use crate::clip::{Camera, Clip};
use crate::daemon::{Daemon, Place, View};
use crate::demo;
use crate::mosquitto::{self, Mosquitto};
use crate::server::{LOOPBACK, Server};
use crate::stage::Stage;

/// So much is written faster than needed, as much time is spent restarting.
const HEADROOM: f64 = 1.4;
/// Room for a server's data; 100 000 events take about 100 MB with their log.
const SERVER_MB: u64 = 1024;
/// Room for a device's state.
const DEVICE_MB: u64 = 96;
/// Every how many devices one has a file system of its own, that can be filled.
const VOLUME_EVERY: usize = 3;
/// Settings under which a storm of one machine is not taken for an attack, and tokens are renewed while it lasts.
const SETTINGS: &str = "[limits]\nrequests_per_second = 10000\nlogins_per_minute = 10000\nclaims_per_minute = 1000\n\
     renewals_per_minute = 100000\nphotos_per_minute = 10000\n\n\
     [identity]\ndevice_token_minutes = 10\naccess_token_minutes = 1440\n";

/// Everything that stands.
#[derive(Debug)]
pub struct Setting {
    /// Devices.
    pub doors: Vec<Door>,
    /// The server.
    pub house: House,
    /// A broker of its own.
    pub broker: Option<Mosquitto>,
    /// The network. Last, so that it goes when nobody uses it any more.
    pub street: Option<Street>,
}

impl Setting {
    /// Starts everything.
    ///
    /// # Errors
    /// If something cannot be started.
    pub async fn up(stage: &Stage, options: &Options) -> Result<Self> {
        let devices = options.drills + options.cameras;
        let network = options.with.network;
        let street = network.then(|| Street::open(devices)).transpose().context("opening the street")?;
        let host = if network { HOST } else { LOOPBACK };
        let (volume, clock) =
            (volume(stage, options, "server", "server", SERVER_MB)?, clock(stage, options, "server")?);
        let (server, broker) = serve(stage, host, options.broker, clock.as_ref()).await?;
        let clip = if options.cameras > 0 { Some(render(stage)?) } else { None };
        let mut doors = Vec::new();
        for number in 0..devices {
            let view = match &clip {
                Some(path) if number >= options.drills => View::Loop { path: path.clone(), true_speed: true },
                _ => View::Drill(per_second(options)),
            };
            doors.push(open(stage, options, &server, number, view)?);
        }
        let house = House { server, volume, clock };
        Ok(Self { doors, house, broker, street })
    }
}

/// A device at its door, claimed and running, with the instruments there are.
fn open(stage: &Stage, options: &Options, server: &Server, number: usize, view: View) -> Result<Door> {
    let name = format!("door-{number}");
    let invitation = server.add_device("Head office", &name, &name)?;
    let own = number.is_multiple_of(VOLUME_EVERY);
    let volume = if own { volume(stage, options, &name, &format!("{name}-state"), DEVICE_MB)? } else { None };
    let clock = clock(stage, options, &name)?;
    let lot = options.with.network.then_some(number);
    let within = lot.map(Street::within).unwrap_or_default();
    let place = Place { within, env: clock.as_ref().map(Clock::env).unwrap_or_default() };
    let daemon = Daemon::claim_at(stage, server, &name, &invitation, place)?;
    let mut door = Door { name, daemon, view, lot, volume, clock };
    door.run()?;
    Ok(door)
}

fn clock(stage: &Stage, options: &Options, name: &str) -> Result<Option<Clock>> {
    let library = if options.with.clocks { Clock::library() } else { None };
    library.map(|library| Clock::new(&library, stage.file(&format!("{name}.clock")))).transpose()
}

fn volume(stage: &Stage, options: &Options, name: &str, folder: &str, size_mb: u64) -> Result<Option<Volume>> {
    let image = stage.file(&format!("{name}.img"));
    options.with.volumes.then(|| Volume::mount(&image, &stage.file(folder), size_mb)).transpose()
}

async fn serve(
    stage: &Stage,
    host: &str,
    broker: Broker,
    clock: Option<&Clock>,
) -> Result<(Server, Option<Mosquitto>)> {
    let external = (broker == Broker::External).then(mosquitto::free_port).transpose()?;
    let extra = external.map_or_else(String::new, |port| {
        format!("[broker]\nmode = \"external\"\nexternal_url = \"{}\"\n\n", mosquitto::url(host, port))
    });
    let mut server = Server::start_at(stage, host, &format!("{extra}{SETTINGS}")).await?;
    if let Some(clock) = clock {
        server.set_env(clock.env());
        server.restart().await?;
    }
    let Some(port) = external else { return Ok((server, None)) };
    let mut broker = Mosquitto::start(stage, &server, port)?;
    broker.listening().await?;
    Ok((server, Some(broker)))
}

fn render(stage: &Stage) -> Result<std::path::PathBuf> {
    let path = stage.file("visits.mjpeg");
    Clip::render(&demo::script(), &Camera::default())?.write_mjpeg(&path).context("writing the clip")?;
    Ok(path)
}

/// How fast one drill must write.
fn per_second(options: &Options) -> f64 {
    options.events as f64 * HEADROOM / options.seconds as f64 / options.drills.max(1) as f64
}
