//! What devices say of themselves: presence, what they are, how they are, what they hold.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use governor::Quota;
use ostiary_common::ids::{DeviceId, PackId};
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::monitor::{State, Status, to_json};
use ostiary_common::wire::{CommandResult, GalleryAck, GalleryNotice, Revision};
use tokio::sync::mpsc;

use super::core::CoreParts;
use super::incoming::{Incoming, Receipt};
use super::intake::{Admitted, Intake, Passed};
use super::limits::PerDevice;
use super::outgoing::{Keep, Mailer};
use super::patience::Patience;
use super::proofs::Proofs;
use super::route::Message;
use crate::domain::device::Presence;
use crate::domain::gallery::Verdict;
use crate::ports::door_enrollment::{DoorEar, DoorWord};
use crate::ports::{Clock, Store, StoreError};

/// How often one device is told again that its gallery is not the truth. A device that cannot get it right
/// must not be sent a snapshot in a loop.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(15);
const TOLD_AT_ONCE: NonZeroU32 = match NonZeroU32::new(4) {
    Some(n) => n,
    None => NonZeroU32::MIN,
};

/// What comes within this time is kept together: thousands of devices say something of themselves all the time, and each
/// commit waits for the disk, as do the events behind it.
const GATHER: Duration = Duration::from_millis(50);
/// Messages kept side by side at most.
const TOGETHER: usize = 512;

/// Keeps what devices say of themselves.
pub(super) struct StateKeeper {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    mailer: Arc<Mailer>,
    pack: PackId,
    told: PerDevice,
    doors: DoorEar,
    proofs: Proofs,
    patience: Patience,
}

impl StateKeeper {
    pub(super) fn new(parts: &CoreParts, mailer: Arc<Mailer>) -> Self {
        let quota = Quota::with_period(TOLD_AGAIN_AFTER).expect("the period is above zero").allow_burst(TOLD_AT_ONCE);
        let (store, clock, patience) = (parts.store.clone(), parts.clock.clone(), parts.patience);
        let (told, proofs) = (PerDevice::new(quota, clock.clone()), Proofs::new(parts));
        let (pack, doors) = (parts.pack.clone(), parts.doors.clone());
        Self { store, clock, mailer, pack, told, doors, proofs, patience }
    }

    /// Keeps what comes until there is no more. A message the store cannot take now is not acknowledged, and
    /// comes again.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Incoming>, intake: Arc<Intake>) {
        while let Some(first) = queue.recv().await {
            tokio::time::sleep(GATHER).await;
            let behind = std::iter::from_fn(|| queue.try_recv().ok()).take(TOGETHER - 1);
            self.take_all(std::iter::once(first).chain(behind).collect(), &intake).await;
        }
    }

    /// Keeps what one message says.
    pub(super) async fn take(&self, message: Incoming, intake: &Intake) {
        self.take_all(vec![message], intake).await;
    }

    /// Keeps what these messages say: those of one device in their order, different devices side by side, so that
    /// the store can commit them together.
    async fn take_all(&self, messages: Vec<Incoming>, intake: &Intake) {
        let passed = intake.pass_all(&messages).await;
        let mut devices: HashMap<DeviceId, Vec<(Box<Admitted>, Receipt)>> = HashMap::new();
        for (message, passed) in messages.into_iter().zip(passed) {
            match passed {
                Passed::In(admitted) => {
                    devices.entry(admitted.device).or_default().push((admitted, message.receipt));
                }
                Passed::Out => message.receipt.give().await,
                Passed::NotNow => {}
            }
        }
        join_all(devices.into_values().map(|said| self.keep_in_order(said))).await;
    }

    async fn keep_in_order(&self, said: Vec<(Box<Admitted>, Receipt)>) {
        for (admitted, receipt) in said {
            self.keep_one(*admitted, receipt).await;
        }
    }

    async fn keep_one(&self, admitted: Admitted, receipt: Receipt) {
        let device = admitted.device;
        match self.keep(admitted).await {
            Ok(()) => receipt.give().await,
            Err(error) => tracing::error!(%error, device.id = %device, "the state of {device} could not be kept"),
        }
    }

    async fn keep(&self, admitted: Admitted) -> Result<(), StoreError> {
        let Admitted { device, routed } = admitted;
        let (id, root, session) = (device, routed.root, routed.session);
        match routed.message {
            Message::Status(status) => self.presence(root, &status).await,
            Message::Info(info) => {
                let json = text(to_json(&info));
                self.patience.ask(|| self.store.put_info(id, &json, self.clock.now())).await
            }
            Message::Health(health) => {
                let json = text(to_json(&health));
                self.patience.ask(|| self.store.put_health(id, &json, self.clock.now())).await
            }
            Message::GalleryAck(ack) => self.held(root, session, &ack).await,
            Message::ConfigReported(reported) => {
                if let Some(error) = &reported.error {
                    tracing::warn!(device.id = %id, version = reported.version, error, "{id} did not take its configuration");
                }
                self.patience.ask(|| self.store.put_config_reported(id, &reported, self.clock.now())).await
            }
            Message::CommandResult(kind, result) => {
                tracing::info!(device.id = %id, command = kind.as_str(), status = ?result.status, "{id} answered a command");
                self.answered(id, &result).await
            }
            Message::EnrollProgress(progress) => {
                self.hand_over(DoorWord::Progress(root, progress));
                Ok(())
            }
            Message::EnrollResult(result) => {
                self.hand_over(DoorWord::Result(root, session, result));
                Ok(())
            }
            // These have queues of their own.
            Message::Events(_) | Message::GalleryRequest(_) => Ok(()),
        }
    }

    /// What nobody asked for, or what is forgotten by now, is not kept.
    async fn answered(&self, id: DeviceId, result: &CommandResult) -> Result<(), StoreError> {
        let is_known = self.patience.ask(|| self.store.answer_command(id, result, self.clock.now())).await?;
        if !is_known {
            metrics::counter!("ostiary_server_unasked_answers_total").increment(1);
            tracing::debug!(device.id = %id, command.id = %result.id, "{id} answered what nobody asked");
        }
        Ok(())
    }

    /// What finds no room is not waited for: how it goes is said again at once, and what came of it in a while.
    fn hand_over(&self, word: DoorWord) {
        if self.doors.try_send(word).is_err() {
            metrics::counter!("ostiary_server_enroll_dropped_total").increment(1);
        }
    }

    async fn presence(&self, root: DeviceRoot, status: &Status) -> Result<(), StoreError> {
        let (id, Status { state, session, version, .. }) = (root.device, status);
        let name = state_name(*state);
        let Some(before) = self.patience.ask(|| self.store.device(id)).await? else { return Ok(()) };
        let taken =
            self.patience.ask(|| self.store.put_presence(id, name, *session, version, self.clock.now())).await?;
        if taken {
            tracing::info!(device.id = %id, session, "{id} is {name}");
        } else {
            metrics::counter!("ostiary_server_stale_status_total").increment(1);
            tracing::debug!(device.id = %id, session, "a status of an old session was ignored");
        }
        if is_doubtful(&before.presence, status, taken) && self.told.allows(id) {
            let rev = before.held.map_or(Revision(0), |held| held.rev);
            self.notice(root, before.presence.session.max(*session), rev).await;
        }
        Ok(())
    }

    async fn held(&self, root: DeviceRoot, session: u64, ack: &GalleryAck) -> Result<(), StoreError> {
        self.patience.ask(|| self.store.put_held(root.device, ack, self.clock.now())).await?;
        let truth = self.patience.ask(|| self.store.truth(root.device, &self.pack)).await?;
        let verdict = truth.judge((ack.rev, ack.digest));
        if verdict == Verdict::Differs {
            metrics::counter!("ostiary_server_gallery_differs_total").increment(1);
            tracing::warn!(device.id = %root.device, rev = ack.rev.0, "{} holds another gallery than it should", root.device);
        }
        if verdict == Verdict::InSync {
            return self.proofs.take(root.device, ack).await;
        }
        if self.told.allows(root.device) {
            self.notice(root, session, truth.rev).await;
        }
        Ok(())
    }

    /// Not sent means not connected, and then it is told when the connection is back.
    async fn notice(&self, root: DeviceRoot, session: u64, rev: Revision) {
        let notice = GalleryNotice { rev };
        let _ = self.mailer.send(root, &Channel::GalleryNotice, Keep::Briefly, session, notice).await;
    }
}

/// Whether the device may be there with another session than the one kept now, or be there though it is kept as lost: an
/// older word may have come late, of a session with the same number or, after its card was set back, with a higher one.
/// A notice of what it holds already, which names the session kept, has a device that hears it say what is so.
fn is_doubtful(before: &Presence, status: &Status, taken: bool) -> bool {
    let was_there = before.state == state_name(State::Online);
    match status.state {
        State::Online if taken => was_there && status.session > before.session,
        State::Online => true,
        State::Lost => taken,
        State::Stopped => false,
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Online => "online",
        State::Stopped => "stopped",
        State::Lost => "lost",
    }
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is text")
}
