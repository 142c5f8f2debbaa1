//! Faults, done.

use ostiary_common::topics::Channel;

use super::back_door::BREAKABLE;
use super::fault::Fault;
use super::net::{Inbox, Parcel};
use super::world::{StoryError, World};

impl World {
    /// Does a fault, if it can be done now; says whether.
    ///
    /// # Errors
    /// [`StoryError`] if a promise breaks with it.
    pub(super) fn inflict(&mut self, fault: Fault) -> Result<bool, StoryError> {
        let is_done = match fault {
            Fault::Drop => self.take_any().is_some(),
            Fault::Double => self.double(),
            Fault::Reorder => self.reorder(),
            // These two wait for a message they can be done to.
            Fault::Swallow => {
                self.lies_in_wait.1 = true;
                return Ok(true);
            }
            Fault::Damage => {
                self.lies_in_wait.0 = true;
                return Ok(true);
            }
            Fault::Cut => self.cut(),
            Fault::Unlink => self.unlink(),
            Fault::Broker => self.restart_broker(),
            Fault::Forget => self.forget_queue(),
            Fault::Crash => self.crash(),
            Fault::CrashHalfWay => self.with_running(|world, device| {
                let actions = world.dice.between(0, 3);
                world.devices[device].arm(u32::try_from(actions).unwrap_or(0));
            }),
            Fault::PowerCut => self.with_running(|world, device| {
                let writes = u32::try_from(world.dice.between(1, 4)).unwrap_or(1);
                let last_counts = world.dice.chance(50);
                world.devices[device].disk.arm(writes, last_counts);
            }),
            Fault::DiskFull => self.with_running(|world, device| world.devices[device].disk.fill()),
            Fault::DeviceClock => self.with_running(|world, device| {
                let hours = i64::try_from(world.dice.between(0, 20_000)).unwrap_or(0) - 10_000;
                let is_synced = world.dice.chance(50);
                world.devices[device].set_clock(hours * 3_600_000, is_synced);
            }),
            Fault::ServerClock => {
                let seconds = i64::try_from(self.dice.between(0, 7_200)).unwrap_or(0) - 3_600;
                self.time.set_server_off(seconds * 1_000);
                true
            }
            Fault::Restore => self.restore(),
            Fault::ServerCrash => self.crash_server(),
            Fault::ServerCrashHalfWay => {
                let calls = u32::try_from(self.dice.between(1, 4)).unwrap_or(1);
                self.server.arm(calls);
                self.server.is_up()
            }
            Fault::StoreError => {
                let table = BREAKABLE[self.dice.below(BREAKABLE.len())];
                self.server.break_table(Some(table))?;
                true
            }
        };
        if is_done {
            self.count(fault);
        }
        Ok(is_done)
    }

    fn count(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
        self.tell(|| format!("FAULT {}", fault.name()));
    }

    /// Takes some message off its way.
    fn take_any(&mut self) -> Option<Parcel> {
        let mut places: Vec<(usize, bool)> = Vec::new();
        for device in 0..self.devices.len() {
            let line = self.net.line(device);
            places.extend((!line.up.is_empty()).then_some((device, true)));
            places.extend((!line.down.is_empty()).then_some((device, false)));
        }
        let (device, is_up) = *places.get(self.dice.below(places.len()))?;
        let line = self.net.line_mut(device);
        let queue = if is_up { &mut line.up } else { &mut line.down };
        let which = self.dice.below(queue.len());
        queue.remove(which)
    }

    /// Brings a message once more, as long as it is one the broker may bring now.
    fn double(&mut self) -> bool {
        let which = self.dice.below(self.old.len());
        let Some(parcel) = self.old.get(which).cloned() else { return false };
        let again = self.net.parcel(parcel.topic, parcel.payload, false);
        self.net.accept(again);
        true
    }

    fn reorder(&mut self) -> bool {
        let longest = self.net.devices(|line| line.up.len() > 1 || line.down.len() > 1);
        let device = longest.get(self.dice.below(longest.len())).copied();
        if let Some(device) = device {
            let line = self.net.line_mut(device);
            let queue = if line.up.len() > 1 { &mut line.up } else { &mut line.down };
            let (a, b) = (self.dice.below(queue.len()), self.dice.below(queue.len()));
            queue.swap(a, b);
            return a != b;
        }
        let queue = self.net.queue_mut(Inbox::Events);
        let is_long = queue.len() > 1;
        if is_long {
            queue.rotate_left(1);
        }
        is_long
    }

    /// Whether the broker confirms this message and loses it.
    pub(super) fn swallows(&mut self, parcel: &Parcel) -> bool {
        let is_lost = self.lies_in_wait.1 && parcel.channel() == Some(Channel::Events);
        if is_lost {
            self.lies_in_wait.1 = false;
            self.count(Fault::Swallow);
        }
        is_lost
    }

    /// Takes somebody out of a chunk that comes to a device.
    pub(super) fn damage(&mut self, device: usize, parcel: &mut Parcel) {
        if !self.lies_in_wait.0 || parcel.channel() != Some(Channel::GalleryChunk) {
            return;
        }
        let damaged = self.keys[device].reworked(&parcel.payload, |chunk| chunk.persons.pop().is_some());
        if let Some(payload) = damaged {
            parcel.payload = payload;
            self.lies_in_wait.0 = self.dice.chance(50);
            self.count(Fault::Damage);
        }
    }

    fn cut(&mut self) -> bool {
        let connected = self.net.devices(super::net::Line::is_up);
        let Some(device) = connected.get(self.dice.below(connected.len())).copied() else { return false };
        let sent = self.net.line(device).up.len();
        let arrived = self.dice.below(sent + 1);
        self.lose_connection(device, arrived);
        true
    }

    fn lose_connection(&mut self, device: usize, arrived: usize) {
        self.net.cut(device, arrived, true);
        let done = self.input(device, ostiary_daemon::sync::Input::Disconnected);
        self.follow(device, done);
    }

    fn unlink(&mut self) -> bool {
        let was_linked = self.net.is_linked();
        self.net.unlink();
        self.server.connect(false);
        was_linked
    }

    fn restart_broker(&mut self) -> bool {
        let connected = self.net.devices(super::net::Line::is_up);
        self.net.restart();
        self.server.connect(false);
        for device in connected {
            let done = self.input(device, ostiary_daemon::sync::Input::Disconnected);
            self.follow(device, done);
        }
        true
    }

    fn forget_queue(&mut self) -> bool {
        let device = self.dice.below(self.devices.len());
        let line = self.net.line_mut(device);
        let lost = line.down.len();
        line.down.clear();
        let kept = self.dice.below(2);
        let queue = self.net.queue_mut(if kept == 0 { Inbox::Events } else { Inbox::Gallery });
        let all = lost + queue.len();
        queue.clear();
        all > 0
    }

    fn crash(&mut self) -> bool {
        self.with_running(|world, device| world.device_dies(device))
    }

    fn with_running(&mut self, act: impl FnOnce(&mut Self, usize)) -> bool {
        let running: Vec<usize> =
            self.devices.iter().filter(|device| device.core.is_some()).map(|device| device.index).collect();
        let device = running.get(self.dice.below(running.len())).copied();
        let Some(device) = device else { return false };
        act(self, device);
        true
    }

    fn restore(&mut self) -> bool {
        let active = self.active();
        let Some(device) = active.get(self.dice.below(active.len())).copied() else { return false };
        let Some(image) = self.images[device].clone() else {
            // It is made now and put back later.
            self.images[device] = Some(self.devices[device].disk.image());
            return false;
        };
        self.device_dies(device);
        let disk = self.devices[device].disk.clone();
        disk.look(|contents| contents.events.values().for_each(|event| self.ledger.gone(event)));
        image.events.values().for_each(|event| self.ledger.back(event));
        self.versions[device] = image.desired.as_ref().map_or(0, |desired| desired.version);
        self.town.set_back(device, image.persons.keys().copied(), self.net.next_number());
        disk.restore(image);
        // What the device knew of its sessions and commands is gone with the card.
        let one = &mut self.devices[device];
        (one.session_kept, one.floor) = (0, 0);
        self.commands.clear();
        true
    }

    fn crash_server(&mut self) -> bool {
        let was_up = self.server.is_up();
        self.server.die();
        self.net.unlink();
        self.news.clear();
        was_up
    }
}
