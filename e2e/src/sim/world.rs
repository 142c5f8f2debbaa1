//! Everything there is in one story, and what each step of it must leave true.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use ostiary_common::ids::{DeviceId, MsgId, PackId, StreamId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::Revision;
use ostiary_server::domain::device::{Device as Record, DeviceState, Door};
use ostiary_server::ports::DeviceStore;
use tokio::runtime::Runtime;

use super::broken::Broken;
use super::device::Device;
use super::dice::Dice;
use super::disk::{Contents, SimDisk};
use super::fault::Fault;
use super::ledger::Ledger;
use super::net::{Net, Parcel};
use super::sealed::Keys;
use super::server::Server;
use super::time::VirtualTime;
use super::town::Town;
use super::violation::{Rule, Violation};
use ostiary_daemon::sync::Holdings;

/// Devices in a story, at most.
const MOST_DEVICES: u64 = 6;

/// Why a story ended early.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// A promise was broken.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The simulation itself does not work.
    #[error("the simulation failed: {0:#}")]
    Failed(#[from] anyhow::Error),
}

/// What the rest of the server tells the link, not told yet; lost if the server dies.
#[derive(Clone, Copy, Debug)]
pub enum News {
    /// The gallery has this revision.
    Gallery(Revision),
    /// A device has a new configuration.
    Config(usize),
    /// A device is shut out.
    Kick(usize),
}

/// A command given to a device.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// Not to be done later.
    pub not_after: UnixMillis,
    /// How often it was done.
    pub done: u32,
}

/// How a story is told.
#[derive(Clone, Copy, Debug)]
pub struct Telling {
    /// From where all chance comes.
    pub seed: u64,
    /// The rule that is not kept, if any.
    pub broken: Option<Broken>,
    /// Prints every step.
    pub is_verbose: bool,
}

/// One story.
pub struct World {
    pub(super) telling: Telling,
    pub(super) dice: Dice,
    pub(super) time: VirtualTime,
    pub(super) pack: PackId,
    pub(super) net: Net,
    pub(super) server: Server,
    pub(super) devices: Vec<Device>,
    pub(super) doors: Vec<Door>,
    pub(super) town: Town,
    pub(super) ledger: Ledger,
    /// Images of the devices' cards.
    pub(super) images: Vec<Option<Contents>>,
    pub(super) news: Vec<News>,
    pub(super) commands: BTreeMap<MsgId, Given>,
    /// Messages that arrived before, to come once more.
    pub(super) old: Vec<Parcel>,
    /// The highest version of settings each device took.
    pub(super) versions: Vec<u64>,
    /// What a device that believes every digest thinks a chunk leads to.
    pub(super) believed: Vec<Holdings>,
    /// The gallery keys of each device.
    pub(super) keys: Vec<Keys>,
    /// Devices too old to ask for a key.
    pub(super) keyless: Vec<bool>,
    /// The next chunk to a device is damaged, and the next batch of events swallowed.
    pub(super) lies_in_wait: (bool, bool),
    /// The newest revision the link was told of.
    pub(super) told: Revision,
    pub(super) faults: BTreeMap<Fault, u64>,
}

impl World {
    /// A new world over a database at `path` that has these doors.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn new(telling: Telling, runtime: Rc<Runtime>, path: &Path, doors: &[Door]) -> Result<Self> {
        let mut dice = Dice::new(telling.seed);
        let (time, pack) = (VirtualTime::default(), PackId::parse("sim@1").expect("a pack's name"));
        let count = usize::try_from(dice.between(1, MOST_DEVICES))?;
        let server = Server::start(runtime, path, time.clone(), pack.clone())?;
        let (mut devices, mut at) = (Vec::new(), Vec::new());
        for index in 0..count {
            let door = &doors[dice.below(doors.len())];
            let root = add_device(&server, index, door, &time, &mut dice)?;
            at.push(door.id);
            let disk = SimDisk::new(StreamId(dice.uuid()));
            let mut device = Device::new(index, root, disk, pack.clone(), time.clone());
            device.start(&mut dice);
            devices.push(device);
        }
        let keyless = (0..count).map(|_| dice.chance(30)).collect();
        let mut world = Self {
            telling,
            dice,
            net: Net::new(devices.iter().map(|device| device.root).collect()),
            server,
            doors: doors.to_vec(),
            town: Town::new(at),
            ledger: Ledger::default(),
            images: vec![None; count],
            news: Vec::new(),
            commands: BTreeMap::new(),
            old: Vec::new(),
            versions: vec![0; count],
            believed: vec![Holdings::default(); count],
            keys: (0..count).map(|_| Keys::default()).collect(),
            keyless,
            lies_in_wait: (false, false),
            told: Revision(0),
            faults: BTreeMap::new(),
            devices,
            time,
            pack,
        };
        world.link()?;
        Ok(world)
    }

    /// Tells a line of the story.
    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        if self.telling.is_verbose {
            println!("{:>12.3} {}", self.time.since_begin().as_secs_f64(), line());
        }
    }

    /// What must be true after every step.
    ///
    /// # Errors
    /// [`Violation`] if it is not.
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        for device in &self.devices {
            for event in device.disk.take_deleted() {
                self.ledger.deleted(&event)?;
            }
            device.disk.look(|contents| self.town.may_hold(device.index, contents.persons.keys()))?;
            let version = device.disk.look(|contents| contents.desired.as_ref().map_or(0, |desired| desired.version));
            if version < self.versions[device.index] {
                let text = format!("device {} went back to settings {version}", device.index);
                return Err(Violation::new(Rule::Conversation, text));
            }
            self.versions[device.index] = version;
        }
        Ok(())
    }

    /// Takes in what came into the store.
    pub(super) fn read_store(&mut self) -> Result<(), StoryError> {
        for (device, event) in self.server.new_events()? {
            let index = self.index(device)?;
            self.ledger.stored(index, &event)?;
        }
        Ok(())
    }

    fn index(&self, device: DeviceId) -> Result<usize> {
        let found = self.devices.iter().position(|known| known.root.device == device);
        found.ok_or_else(|| anyhow::anyhow!("no device {device} in this story"))
    }
}

fn add_device(server: &Server, index: usize, door: &Door, time: &VirtualTime, dice: &mut Dice) -> Result<DeviceRoot> {
    let id = DeviceId(dice.uuid());
    let mut record = Record::pending(id, format!("Camera {index}"), door, time.truth());
    record.state = DeviceState::Active;
    server.ask(async |store| store.add_device(&record).await)?;
    Ok(record.root())
}
