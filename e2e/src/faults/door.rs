//! A device in the storm: its process, its link, its disk, its clock.

use std::time::Duration;

use anyhow::{Context, Result};

use super::clock::Clock;
use super::plan::{Fault, Plan, Role, Step};
use super::street::Street;
use super::tally::Tally;
use super::volume::Volume;
use crate::daemon::{Daemon, View};

/// As long as systemd waits before it starts a program again that has ended.
const STARTED_AGAIN: Duration = Duration::from_millis(500);
/// Between two looks at a program that is being tormented.
const LOOK: Duration = Duration::from_millis(250);

/// A device and what it stands on.
#[derive(Debug)]
pub struct Door {
    /// Its name, for people.
    pub name: String,
    /// The program.
    pub daemon: Daemon,
    /// What it looks at.
    pub view: View,
    /// Its place on the street.
    pub lot: Option<usize>,
    /// Where its state lies, if that can be filled. After `daemon`, so that it is unmounted after its end.
    pub volume: Option<Volume>,
    /// Its clock, if that can be set.
    pub clock: Option<Clock>,
}

impl Door {
    /// Goes through `plan` until enough was tried; then everything is whole again.
    ///
    /// # Errors
    /// If it cannot be started again, or an instrument fails.
    pub async fn suffer(mut self, mut plan: Plan, tally: &Tally) -> Result<Self> {
        loop {
            let step = plan.next();
            self.watch(step.wait, "nothing", tally).await?;
            if tally.is_over() {
                return Ok(self);
            }
            // What this door has no instrument for is left out.
            if self.can(step.fault) {
                tally.count(Role::Device, step.fault);
                self.go_through(step, tally).await.with_context(|| format!("{} during {:?}", self.name, step.fault))?;
            }
        }
    }

    /// Starts it, looking at `view`, or again what it looked at.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&mut self) -> Result<()> {
        self.daemon.run(&self.view)
    }

    const fn can(&self, fault: Fault) -> bool {
        match fault {
            Fault::DiskFull => self.volume.is_some(),
            Fault::ClockJump(_) => self.clock.is_some(),
            Fault::Cut | Fault::Unplug | Fault::Loss(_) | Fault::Slow(_) => self.lot.is_some(),
            _ => true,
        }
    }

    async fn go_through(&mut self, step: Step, tally: &Tally) -> Result<()> {
        let Step { fault, lasts, .. } = step;
        match fault {
            Fault::Kill => {
                self.daemon.kill()?;
                tokio::time::sleep(lasts).await;
                return self.run();
            }
            Fault::Freeze => {
                self.daemon.signal("STOP")?;
                tokio::time::sleep(lasts).await;
                return self.daemon.signal("CONT");
            }
            _ => {}
        }
        self.spoil(fault)?;
        let watched = self.watch(lasts, fault.name(), tally).await;
        self.mend(fault)?;
        watched
    }

    fn spoil(&self, fault: Fault) -> Result<()> {
        if let Some(lot) = self.lot {
            Street::spoil(lot, fault)?;
        }
        match (fault, &self.volume, &self.clock) {
            (Fault::DiskFull, Some(volume), _) => volume.fill(),
            (Fault::ClockJump(seconds), _, Some(clock)) => clock.set(seconds),
            _ => Ok(()),
        }
    }

    fn mend(&self, fault: Fault) -> Result<()> {
        if let Some(lot) = self.lot {
            Street::mend(lot, fault)?;
        }
        match (fault, &self.volume, &self.clock) {
            (Fault::DiskFull, Some(volume), _) => volume.free(),
            (Fault::ClockJump(_), _, Some(clock)) => clock.set(0),
            _ => Ok(()),
        }
    }

    /// Lets time pass, and starts the program again if it ends by itself, as systemd would.
    async fn watch(&mut self, duration: Duration, during: &str, tally: &Tally) -> Result<()> {
        let end = std::time::Instant::now() + duration;
        loop {
            if self.daemon.has_ended()? {
                tally.died(&self.name, during);
                tokio::time::sleep(STARTED_AGAIN).await;
                self.run()?;
            }
            let left = end.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() || tally.is_over() {
                return Ok(());
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}
