//! Tells devices that something changed: the gallery, their configuration.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ostiary_common::ids::{DeviceId, PackId};
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{ConfigDesired, GalleryNotice, Revision};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::CONFIG_QUEUE;
use super::orders::Orders;
use super::outgoing::{Keep, Mailer, SendError};
use crate::domain::device::{Device, DeviceState};
use crate::domain::gallery::{GalleryStanding, Verdict};
use crate::ports::door_enrollment::EnrollOrder;
use crate::ports::{CommandOrder, DeviceLink, Store, StoreError};

/// Changes that come within this time are told once. Also keeps thousands of devices from asking in the same
/// millisecond as the change is made.
const COALESCE: Duration = Duration::from_millis(100);
/// How often devices are told again what they have not done.
const REMIND_EVERY: Duration = Duration::from_secs(60);
/// Devices told of a new revision at a time, and the pause between: 5 000 a second, about as many as can be answered.
/// A fleet that hears of each change in the same moment would ask in the same moment, too.
const TOLD_AT_A_TIME: usize = 250;
const BETWEEN: Duration = Duration::from_millis(50);

/// Where the rest of the server says that something changed.
pub(super) struct Desk {
    revision: watch::Sender<Revision>,
    /// Devices whose configuration changed.
    configs: mpsc::Sender<DeviceId>,
    /// Set when `configs` was full: all are sent then.
    all_configs: watch::Sender<u64>,
    kick: Arc<dyn Fn(DeviceId) + Send + Sync>,
    orders: Orders,
}

/// Tells devices.
pub(super) struct Herald {
    pub(super) store: Arc<dyn Store>,
    pub(super) mailer: Arc<Mailer>,
    pub(super) pack: PackId,
}

/// Passes on what is said at the desk.
pub(super) struct Notices {
    herald: Herald,
    revision: watch::Receiver<Revision>,
    configs: mpsc::Receiver<DeviceId>,
    all_configs: watch::Receiver<u64>,
    /// Devices still to be told of a new revision. A newer one is told when these are through: whom it concerns is
    /// seen then.
    waiting: VecDeque<GalleryStanding>,
}

/// A desk and what works for it.
pub(super) fn desk(herald: Herald, kick: Arc<dyn Fn(DeviceId) + Send + Sync>, orders: Orders) -> (Desk, Notices) {
    let (revision, revision_seen) = watch::channel(Revision(0));
    let (configs, config_queue) = mpsc::channel(CONFIG_QUEUE);
    let (all_configs, all_configs_seen) = watch::channel(0);
    let notices = Notices {
        herald,
        revision: revision_seen,
        configs: config_queue,
        all_configs: all_configs_seen,
        waiting: VecDeque::new(),
    };
    (Desk { revision, configs, all_configs, kick, orders }, notices)
}

impl DeviceLink for Desk {
    fn gallery_changed(&self, rev: Revision) {
        self.revision.send_if_modified(|known| {
            let newer = rev > *known;
            *known = rev.max(*known);
            newer
        });
    }

    fn config_changed(&self, device: DeviceId) {
        if self.configs.try_send(device).is_err() {
            self.all_configs.send_modify(|times| *times += 1);
        }
    }

    fn kick(&self, device: DeviceId) {
        (self.kick)(device);
    }

    fn departed(&self, root: DeviceRoot) {
        self.orders.departed(root);
    }

    fn command(&self, order: CommandOrder) -> bool {
        self.orders.command(order)
    }

    fn enroll(&self, order: EnrollOrder) -> bool {
        self.orders.enroll(order)
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum NoticeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Notices {
    /// Passes changes on until the desk is gone. What changes while there is no connection is told when it is
    /// back, together with all that devices do not hold yet.
    pub(super) async fn run(mut self, mut connected: watch::Receiver<bool>) {
        let mut reminder = tokio::time::interval_at(Instant::now() + REMIND_EVERY, REMIND_EVERY);
        reminder.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                Ok(()) = connected.changed() => {
                    let is_up = *connected.borrow_and_update();
                    if is_up { self.catch_up().await } else { Ok(()) }
                }
                () = tokio::time::sleep(BETWEEN), if !self.waiting.is_empty() => self.tell_some().await,
                Ok(()) = self.revision.changed(), if self.waiting.is_empty() => {
                    tokio::time::sleep(COALESCE).await;
                    self.revision.borrow_and_update();
                    self.look_whom_to_tell().await
                }
                Some(device) = self.configs.recv() => self.herald.config(device).await,
                Ok(()) = self.all_configs.changed() => self.herald.every_config().await,
                _ = reminder.tick(), if *connected.borrow() => self.herald.remind().await,
                else => return,
            };
            note(told);
        }
    }

    async fn look_whom_to_tell(&mut self) -> Result<(), NoticeError> {
        self.waiting = self.herald.concerned().await?.into();
        self.tell_some().await
    }

    /// Without a connection nobody can be told, and who is to be is seen anew when it is back.
    async fn tell_some(&mut self) -> Result<(), NoticeError> {
        let some: Vec<_> = self.waiting.drain(..self.waiting.len().min(TOLD_AT_A_TIME)).collect();
        self.herald.tell(&some).await.inspect_err(|_| self.waiting.clear())
    }

    async fn catch_up(&mut self) -> Result<(), NoticeError> {
        self.look_whom_to_tell().await?;
        self.herald.every_config().await
    }
}

/// What went wrong, if it is worth a line: without a connection everything is told when it is back.
pub(super) fn note(told: Result<(), NoticeError>) {
    match told {
        Ok(()) | Err(NoticeError::Send(SendError::Offline)) => {}
        Err(error) => tracing::error!(%error, "devices could not be told of a change"),
    }
}

impl Herald {
    /// The gallery is at this revision.
    pub(super) async fn gallery(&self, rev: Revision) -> Result<(), NoticeError> {
        let concerned = self.concerned().await?;
        tracing::debug!(rev = rev.0, devices = concerned.len(), "telling devices of revision {}", rev.0);
        self.tell(&concerned).await
    }

    /// The devices that do not hold what they must, as far as they have said.
    async fn concerned(&self) -> Result<Vec<GalleryStanding>, NoticeError> {
        let mut standings = self.store.standings(&self.pack).await?;
        standings.retain(|standing| standing.is_active && standing.verdict() != Verdict::InSync);
        Ok(standings)
    }

    async fn tell(&self, devices: &[GalleryStanding]) -> Result<(), NoticeError> {
        for device in devices {
            self.notice(device).await?;
        }
        Ok(())
    }

    async fn notice(&self, standing: &GalleryStanding) -> Result<(), NoticeError> {
        metrics::counter!("ostiary_server_gallery_notices_total").increment(1);
        let notice = GalleryNotice { rev: standing.truth.rev };
        let (root, session) = (standing.root, standing.session);
        Ok(self.mailer.send(root, &Channel::GalleryNotice, Keep::Briefly, session, notice).await?)
    }

    /// A device's configuration changed.
    pub(super) async fn config(&self, id: DeviceId) -> Result<(), NoticeError> {
        match self.store.device(id).await? {
            Some(device) if device.state == DeviceState::Active => self.desired(device).await,
            _ => Ok(()),
        }
    }

    /// The broker keeps it for the device; version 0 is "nothing was ever set".
    async fn desired(&self, device: Device) -> Result<(), NoticeError> {
        // One that was made while another pack than every device's own was in force is told that at once.
        if device.config_version == 0 && device.pack.is_none() {
            return Ok(());
        }
        let (root, session) = (device.root(), device.presence.session);
        let settings = device.desired();
        let desired = ConfigDesired { version: device.config_version, settings, pack: device.pack };
        Ok(self.mailer.send(root, &Channel::ConfigDesired, Keep::Yes, session, desired).await?)
    }

    async fn every_config(&self) -> Result<(), NoticeError> {
        for device in self.active().await? {
            self.desired(device).await?;
        }
        Ok(())
    }

    /// After every connect: the broker may have lost what it kept, and notices may have been missed.
    pub(super) async fn catch_up(&self) -> Result<(), NoticeError> {
        self.gallery(self.store.revision().await?).await?;
        self.every_config().await
    }

    /// Tells again what devices have not done yet: a broker may have lost it on the way though the device is connected.
    pub(super) async fn remind(&self) -> Result<(), NoticeError> {
        self.gallery(self.store.revision().await?).await?;
        for device in self.active().await? {
            let looked_at = device.presence.reported.as_ref().map_or(0, |reported| reported.version);
            if looked_at != device.config_version {
                self.desired(device).await?;
            }
        }
        Ok(())
    }

    async fn active(&self) -> Result<Vec<Device>, StoreError> {
        let devices = self.store.devices().await?;
        Ok(devices.into_iter().filter(|device| device.state == DeviceState::Active).collect())
    }
}
