//! Server and broker in the storm.

use std::time::Duration;

use anyhow::{Context, Result};

use super::clock::Clock;
use super::database;
use super::plan::{Fault, Plan, Role, Step};
use super::tally::Tally;
use super::volume::Volume;
use crate::mosquitto::Mosquitto;
use crate::server::Server;

/// The server and what it stands on.
#[derive(Debug)]
pub struct House {
    /// The program.
    pub server: Server,
    /// Where its data lies, if that can be filled. After `server`, so that it is unmounted after its end.
    pub volume: Option<Volume>,
    /// Its clock, if that can be set.
    pub clock: Option<Clock>,
}

impl House {
    /// Goes through `plan` until enough was tried; then everything is whole again.
    ///
    /// # Errors
    /// If the server does not come up again, or an instrument fails.
    pub async fn suffer(mut self, mut plan: Plan, tally: &Tally) -> Result<Self> {
        loop {
            let step = plan.next();
            tally.sleep(step.wait).await;
            self.revive("nothing", tally).await?;
            if tally.is_over() {
                return Ok(self);
            }
            tally.count(Role::Server, step.fault);
            self.go_through(step).await.with_context(|| format!("the server during {:?}", step.fault))?;
            self.revive(step.fault.name(), tally).await?;
        }
    }

    async fn go_through(&mut self, Step { fault, lasts, .. }: Step) -> Result<()> {
        match fault {
            Fault::Kill => {
                self.server.kill()?;
                tokio::time::sleep(lasts).await;
                self.server.restart().await
            }
            Fault::Freeze => {
                self.server.signal("STOP")?;
                tokio::time::sleep(lasts).await;
                self.server.signal("CONT")
            }
            Fault::DatabaseHeld => database::hold(&self.server.database(), lasts).await,
            Fault::DiskFull => {
                let volume = self.volume.as_ref().context("a volume")?;
                volume.fill()?;
                tokio::time::sleep(lasts).await;
                volume.free()
            }
            Fault::ClockJump(seconds) => {
                let clock = self.clock.as_ref().context("a clock")?;
                clock.set(seconds)?;
                tokio::time::sleep(lasts).await;
                clock.set(0)
            }
            _ => Ok(()),
        }
    }

    /// Starts the server again if it has ended by itself, as systemd would.
    async fn revive(&mut self, during: &str, tally: &Tally) -> Result<()> {
        if self.server.ensure_running().is_ok() {
            return Ok(());
        }
        tally.died("the server", during);
        self.server.restart().await
    }
}

/// Goes through `plan` with a broker until enough was tried; then it runs.
///
/// # Errors
/// If it cannot be started again.
pub async fn broker(mut broker: Mosquitto, mut plan: Plan, tally: &Tally) -> Result<Mosquitto> {
    loop {
        let Step { wait, fault, lasts } = plan.next();
        tally.sleep(wait).await;
        if tally.is_over() {
            return Ok(broker);
        }
        tally.count(Role::Broker, fault);
        match fault {
            Fault::Kill => {
                broker.kill()?;
                tokio::time::sleep(lasts).await;
                broker.restart().await.context("starting the broker again")?;
            }
            _ => {
                broker.signal("STOP")?;
                tokio::time::sleep(lasts.min(Duration::from_secs(5))).await;
                broker.signal("CONT")?;
            }
        }
    }
}
