//! What happens on an ordinary day: messages arrive, people come and go, devices connect, time passes.

use std::time::Duration;

use ostiary_common::envelope::{Envelope, WIRE_VERSION};
use ostiary_common::ids::MsgId;
use ostiary_common::topics::{Channel, CommandKind};
use ostiary_common::wire::{Command, DeviceSettings, ReportKind, Revision};
use ostiary_daemon::sync::Input;
use ostiary_server::ports::{Clock, DeviceStore};

use super::net::Inbox;
use super::people::taken;
use super::world::{Given, News, StoryError, World};

/// Longest time that passes at once.
const LONGEST_S: u64 = 3 * 24 * 3600;
/// Messages that come one right after the other, at most.
const TOGETHER: u64 = 6;

/// Something that can happen.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Up,
    Serve(Inbox),
    Down,
    Visit,
    Pass,
    Connect,
    Boot,
    StartServer,
    Link,
    News,
    People,
    Clock,
    Remind,
    Configure,
    Order,
    Revoke,
    Move,
    Renew,
    Image,
    BringAgain,
    Will,
    Mend,
}

impl World {
    /// One thing happens.
    ///
    /// # Errors
    /// [`StoryError`] if it breaks a promise.
    pub(super) fn live(&mut self) -> Result<(), StoryError> {
        let possible = self.possible();
        let Some(deed) = self.dice.weighted(&possible) else { return Ok(()) };
        match deed {
            Deed::Up => self.bring_up(),
            Deed::Serve(inbox) => return self.serve(inbox),
            Deed::Down => return self.bring_down(),
            Deed::Visit => self.visit(),
            Deed::Pass => self.pass(),
            Deed::Connect => return self.connect_somebody(),
            Deed::Boot => self.boot_somebody(),
            Deed::StartServer => return self.start_server(),
            Deed::Link => return self.link(),
            Deed::News => return self.pass_news(),
            Deed::People => return self.administer(),
            Deed::Clock => return self.follow_clock(),
            Deed::Remind => return self.remind(),
            Deed::Configure => return self.configure(),
            Deed::Order => self.order(),
            Deed::Revoke => return self.revoke(),
            Deed::Move => return self.move_somebody(),
            Deed::Renew => return self.renew_somebody(),
            Deed::Image => self.take_image(),
            Deed::BringAgain => self.net.bring_again(),
            Deed::Will => drop(self.net.say_will()),
            Deed::Mend => return self.mend(),
        }
        Ok(())
    }

    /// What can happen now, and how likely it is.
    fn possible(&self) -> Vec<(u32, Deed)> {
        let when = |weight, is_possible: bool, deed| (if is_possible { weight } else { 0 }, deed);
        let up = self.server.is_up();
        let linked = up && self.net.is_linked();
        let any = |wanted: &dyn Fn(usize) -> bool| (0..self.devices.len()).any(wanted);
        let mut deeds = vec![
            when(40, any(&|one| !self.net.line(one).up.is_empty()), Deed::Up),
            when(40, any(&|one| !self.net.line(one).down.is_empty()), Deed::Down),
            when(10, true, Deed::Visit),
            when(10, true, Deed::Pass),
            when(14, !self.unconnected().is_empty(), Deed::Connect),
            when(12, any(&|one| self.devices[one].core.is_none()), Deed::Boot),
            when(24, !up, Deed::StartServer),
            when(24, up && !linked, Deed::Link),
            when(12, up && !self.news.is_empty(), Deed::News),
            when(12, up, Deed::People),
            when(2, up, Deed::Clock),
            when(2, linked, Deed::Remind),
            when(2, up, Deed::Configure),
            when(2, true, Deed::Order),
            when(1, up && self.active().len() > 1, Deed::Revoke),
            when(1, up, Deed::Move),
            when(if self.devices.iter().any(|one| one.wants_token) { 10 } else { 2 }, up, Deed::Renew),
            when(2, true, Deed::Image),
            when(2, linked, Deed::BringAgain),
            when(3, true, Deed::Will),
            when(3, true, Deed::Mend),
        ];
        deeds.extend(Inbox::ALL.map(|inbox| when(24, linked && self.net.waiting(inbox) > 0, Deed::Serve(inbox))));
        deeds
    }

    /// Devices that are not shut out.
    pub(super) fn active(&self) -> Vec<usize> {
        self.devices.iter().filter(|device| !device.is_revoked).map(|device| device.index).collect()
    }

    fn unconnected(&self) -> Vec<usize> {
        let waits = |device: &usize| self.devices[*device].core.is_some() && !self.net.line(*device).is_up();
        self.active().into_iter().filter(waits).collect()
    }

    fn pick(&mut self, of: &[usize]) -> Option<usize> {
        let index = self.dice.below(of.len());
        of.get(index).copied()
    }

    fn bring_up(&mut self) {
        let waiting = self.net.devices(|line| !line.up.is_empty());
        let Some(device) = self.pick(&waiting) else { return };
        for _ in 0..self.dice.between(1, TOGETHER) {
            let parcel = self.net.line_mut(device).up.pop_front();
            parcel.into_iter().for_each(|parcel| self.arrive(parcel));
        }
    }

    fn bring_down(&mut self) -> Result<(), StoryError> {
        let waiting = self.net.devices(|line| !line.down.is_empty());
        let Some(device) = self.pick(&waiting) else { return Ok(()) };
        for _ in 0..self.dice.between(1, TOGETHER) {
            let Some(parcel) = self.net.line_mut(device).down.pop_front() else { break };
            self.deliver(device, parcel)?;
            self.check()?;
        }
        Ok(())
    }

    fn visit(&mut self) {
        let all: Vec<usize> = (0..self.devices.len()).collect();
        let Some(device) = self.pick(&all).filter(|device| self.devices[*device].core.is_some()) else { return };
        let visits = self.dice.between(1, 3);
        for _ in 0..visits {
            self.devices[device].report(ReportKind::CameraRecovered, "visit", &mut self.dice, &mut self.ledger);
        }
        self.tell(|| format!("device {device} sees {visits} visits"));
        self.tick(device);
    }

    /// A device does what is due.
    pub(super) fn tick(&mut self, device: usize) {
        let done = self.input(device, Input::Tick);
        self.follow(device, done);
    }

    fn pass(&mut self) {
        let due = self.devices.iter().filter_map(super::device::Device::due_in).min();
        let time = match self.dice.below(20) {
            0..=11 => due.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(3600)),
            12..=16 => Duration::from_millis(self.dice.between(20, 2_000)),
            17..=18 => Duration::from_secs(self.dice.between(5, 90)),
            _ => Duration::from_secs(self.dice.between(3_600, LONGEST_S)),
        };
        self.pass_time(time);
    }

    /// Time passes, and who waited for it goes on.
    pub(super) fn pass_time(&mut self, time: Duration) {
        self.time.pass(time);
        self.tell(|| format!("{time:?} pass"));
        for device in 0..self.devices.len() {
            if self.devices[device].is_due() {
                self.tick(device);
            }
        }
    }

    fn connect_somebody(&mut self) -> Result<(), StoryError> {
        let waiting = self.unconnected();
        match self.pick(&waiting) {
            Some(device) => self.connect(device),
            None => Ok(()),
        }
    }

    /// A device connects, with a new token if it wants one or is due for one.
    pub(super) fn connect(&mut self, device: usize) -> Result<(), StoryError> {
        let one = &self.devices[device];
        let wants = one.wants_token || !one.has_asked || self.dice.chance(10);
        // Now and then the broker can be reached and the API cannot.
        if wants && self.server.is_up() && self.dice.chance(85) {
            self.renew(device)?;
        }
        let floor = self.devices[device].floor;
        let (session, done) = self.devices[device].next_session(floor, &mut self.dice, &mut self.ledger);
        self.follow(device, done);
        let now = self.devices[device].now(0, &mut self.dice);
        let Some(will) = self.devices[device].core.as_ref().map(|core| core.will(session, &now)) else { return Ok(()) };
        let will = self.net.parcel(will.topic, will.payload, will.retain);
        self.check_session(device, session)?;
        self.tell(|| format!("device {device} connects with session {session}"));
        self.net.connect(device, will);
        let done = self.input(device, Input::Connected { session });
        self.follow(device, done);
        Ok(())
    }

    fn boot_somebody(&mut self) {
        let off: Vec<usize> = (0..self.devices.len()).filter(|one| self.devices[*one].core.is_none()).collect();
        if let Some(device) = self.pick(&off) {
            self.boot(device);
        }
    }

    /// A device's program starts; half of the boards have no clock and begin in 1970.
    pub(super) fn boot(&mut self, device: usize) {
        self.tell(|| format!("device {device} boots"));
        if self.dice.chance(50) {
            let off = -self.time.truth().0;
            self.devices[device].set_clock(off, false);
        }
        self.devices[device].start(&mut self.dice);
    }

    /// A device that ran is off now.
    pub(super) fn device_dies(&mut self, device: usize) {
        let keep = self.dice.chance(50);
        let loses = self.devices[device].die(keep);
        let sent = self.net.line(device).up.len();
        let arrived = self.dice.below(sent + 1);
        self.net.cut(device, arrived, true);
        self.tell(|| format!("device {device} dies{}", if loses { ", what was not flushed is lost" } else { "" }));
    }

    pub(super) fn start_server(&mut self) -> Result<(), StoryError> {
        let reopen = self.dice.chance(50);
        self.tell(|| format!("server starts{}", if reopen { " over a store opened anew" } else { "" }));
        // A new link has told nobody anything yet.
        self.told = Revision(0);
        Ok(self.server.restart(reopen)?)
    }

    /// The server connects to the broker.
    pub(super) fn link(&mut self) -> Result<(), StoryError> {
        self.tell(|| "server connects".to_owned());
        self.net.link();
        self.server.connect(true);
        let outcome = self.server.linked();
        self.after(outcome)
    }

    /// The server reminds devices of what they have not done, as it does every minute.
    pub(super) fn remind(&mut self) -> Result<(), StoryError> {
        let outcome = self.server.remind();
        self.after(outcome)
    }

    /// The link hears what the rest of the server did.
    pub(super) fn pass_news(&mut self) -> Result<(), StoryError> {
        if self.news.is_empty() {
            return Ok(());
        }
        let which = self.dice.below(self.news.len());
        let news = self.news.remove(which);
        self.tell(|| format!("link hears {news:?}"));
        let outcome = match news {
            News::Gallery(rev) => {
                self.told = self.told.max(rev);
                self.server.gallery_changed(rev)
            }
            News::Config(device) => self.server.config_changed(self.devices[device].root.device),
            News::Kick(device) => {
                self.net.cut(device, 0, true);
                let done = self.input(device, Input::Disconnected);
                self.follow(device, done);
                return Ok(());
            }
        };
        self.after(outcome)
    }

    fn configure(&mut self) -> Result<(), StoryError> {
        let active = self.active();
        let Some(device) = self.pick(&active) else { return Ok(()) };
        let interval = u32::try_from(self.dice.between(1, 300)).unwrap_or(1);
        let settings = DeviceSettings { health_interval_s: Some(interval), ..DeviceSettings::default() };
        let id = self.devices[device].root.device;
        if let Some(Some(version)) = taken(self.server.ask(async |store| store.put_config(id, &settings).await))? {
            self.tell(|| format!("device {device} is to have settings {version}"));
            self.news.push(News::Config(device));
        }
        Ok(())
    }

    /// An administrator's tool gives a command.
    fn order(&mut self) {
        let active = self.active();
        let Some(device) = self.pick(&active) else { return };
        let kinds = [CommandKind::Identify, CommandKind::Resync, CommandKind::Identify];
        let kind = kinds[self.dice.below(kinds.len())];
        let not_after = self.time.truth().plus(Duration::from_secs(self.dice.between(1, 600)));
        let (id, root) = (MsgId(self.dice.uuid()), self.devices[device].root);
        let envelope = Envelope {
            v: WIRE_VERSION,
            msg_id: MsgId(self.dice.uuid()),
            device: root.device,
            session: 0,
            seq: 1,
            sent_at: self.time.now(),
            body: Command::new(id, not_after),
        };
        let Ok(payload) = envelope.encode() else { return };
        self.commands.insert(id, Given { not_after, done: 0 });
        let parcel = self.net.parcel(root.topic(&Channel::Command(kind)), payload, false);
        self.net.accept(parcel);
    }

    fn revoke(&mut self) -> Result<(), StoryError> {
        let active = self.active();
        let Some(device) = self.pick(&active) else { return Ok(()) };
        let (id, now) = (self.devices[device].root.device, self.time.now());
        if let Some(true) = taken(self.server.ask(async |store| store.revoke_device(id, now).await))? {
            self.tell(|| format!("device {device} is shut out"));
            self.devices[device].is_revoked = true;
            self.news.push(News::Kick(device));
        }
        Ok(())
    }

    fn move_somebody(&mut self) -> Result<(), StoryError> {
        let active = self.active();
        let Some(device) = self.pick(&active) else { return Ok(()) };
        let (id, door) = (self.devices[device].root.device, self.doors[self.dice.below(self.doors.len())].id);
        let now = self.time.now();
        if let Some(true) = taken(self.server.ask(async |store| store.move_device(id, door, now).await))? {
            self.tell(|| format!("device {device} watches door {door}"));
            self.town.moves(device, door);
            self.news.push(News::Config(device));
        }
        Ok(())
    }

    fn renew_somebody(&mut self) -> Result<(), StoryError> {
        let active = self.active();
        let wants = active.iter().copied().find(|device| self.devices[*device].wants_token);
        match wants.or_else(|| self.pick(&active)) {
            Some(device) => self.renew(device),
            None => Ok(()),
        }
    }

    fn take_image(&mut self) {
        let device = self.dice.below(self.devices.len());
        self.images[device] = Some(self.devices[device].disk.image());
        self.tell(|| format!("device {device}'s card is copied"));
    }

    /// What was broken for a while is well again.
    fn mend(&mut self) -> Result<(), StoryError> {
        self.devices.iter().for_each(|device| device.disk.mend());
        self.server.disarm();
        Ok(self.server.break_table(None)?)
    }
}
