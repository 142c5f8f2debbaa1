//! Answers "I have revision M": what changed since, or everything, in chunks.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::Quota;
use ostiary_common::ids::{DeviceId, MsgId, PackId};
use ostiary_common::time::UnixMillis;
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{GalleryChunk, GalleryRequest};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::chunks::{CHUNK_BYTES, chunks};
use super::core::CoreParts;
use super::incoming::Incoming;
use super::intake::{Intake, Passed};
use super::limits::PerDevice;
use super::outgoing::{Keep, Mailer, SendError};
use super::patience::Patience;
use super::route::Message;
use crate::domain::gallery::WalkQuestion;
use crate::packs::served::ServedPacks;
use crate::ports::{Clock, Store, StoreError};
use crate::refusals::{Refusal, RefusalLog};
use crate::sealing::GalleryKey;

/// Answers to devices that say how much they take, under way at once: each a page, so that everybody's turn comes.
const AT_ONCE: usize = 4;
/// Answers to devices that do not, under way at once. Each may hold a whole gallery in memory.
const WHOLE_AT_ONCE: usize = 1;
/// Requests looked at together.
const TOGETHER: usize = 256;
/// Requests of one device per second, lasting and at once. A device asks again when no answer comes.
const PER_SECOND: NonZeroU32 = match NonZeroU32::new(2) {
    Some(n) => n,
    None => NonZeroU32::MIN,
};
const BURST: NonZeroU32 = match NonZeroU32::new(20) {
    Some(n) => n,
    None => NonZeroU32::MIN,
};
/// Devices remembered before the quiet ones are forgotten.
const MANY: usize = 1_024;

/// Answers requests.
pub(super) struct Answerer {
    task: Task,
    refusals: Arc<RefusalLog>,
    pack: PackId,
    served: ServedPacks,
    limits: PerDevice,
    /// The newest request of each device and pack; an older one still being answered is stopped.
    under_way: HashMap<(DeviceId, PackId), CancellationToken>,
}

/// What one answer needs.
#[derive(Clone)]
struct Task {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    mailer: Arc<Mailer>,
    patience: Patience,
}

/// A request to be answered.
struct Accepted {
    task: Task,
    root: DeviceRoot,
    session: u64,
    request: GalleryRequest,
    /// Ends when a newer request of the same device comes.
    newest: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Answerer {
    pub(super) fn new(parts: &CoreParts, mailer: Arc<Mailer>) -> Self {
        let limits = PerDevice::new(Quota::per_second(PER_SECOND).allow_burst(BURST), parts.clock.clone());
        let task = Task { store: parts.store.clone(), clock: parts.clock.clone(), mailer, patience: parts.patience };
        let (refusals, pack, served) = (parts.refusals.clone(), parts.pack.clone(), parts.served.clone());
        Self { task, refusals, pack, served, limits, under_way: HashMap::new() }
    }

    /// Answers one request.
    pub(super) async fn take(&mut self, message: Incoming, intake: &Intake) {
        for Accepted { task, root, session, request, .. } in self.admit(vec![message], intake).await {
            task.answer(root, session, &request).await;
        }
    }

    /// Answers what comes until there is no more. A device whose answer is long holds up nobody who asks for less: it
    /// gets a page for each request, and those who want everything at once wait for each other.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Incoming>, intake: Arc<Intake>) {
        let (pages, wholes) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(WHOLE_AT_ONCE)));
        let mut answers = JoinSet::new();
        let mut waiting = Vec::new();
        while queue.recv_many(&mut waiting, TOGETHER).await > 0 {
            let accepted = self.admit(std::mem::take(&mut waiting), &intake).await;
            while answers.try_join_next().is_some() {}
            for Accepted { task, root, session, request, newest } in accepted {
                let slots = if request.most_chunks.is_some() { pages.clone() } else { wholes.clone() };
                // One task for each device and pack at most: a newer request ends the one before.
                answers.spawn(newest.run_until_cancelled_owned(async move {
                    let _slot = slots.acquire_owned().await;
                    task.answer(root, session, &request).await;
                }));
            }
        }
    }

    /// Those of the messages that are to be answered; the store is asked once who sent them.
    async fn admit(&mut self, messages: Vec<Incoming>, intake: &Intake) -> Vec<Accepted> {
        let passed = intake.pass_all(&messages).await;
        let mut accepted = Vec::with_capacity(messages.len());
        for (message, passed) in messages.into_iter().zip(passed) {
            message.receipt.give().await;
            accepted.extend(self.admitted(passed));
        }
        accepted
    }

    fn admitted(&mut self, passed: Passed) -> Option<Accepted> {
        let Passed::In(admitted) = passed else { return None };
        let (root, session) = (admitted.routed.root, admitted.routed.session);
        let Message::GalleryRequest(request) = admitted.routed.message else { return None };
        let newest = self.accept(admitted.device, &request)?;
        Some(Accepted { task: self.task.clone(), root, session, request, newest })
    }

    /// Whether a request is answered; the token ends when a newer one of the same device comes.
    fn accept(&mut self, device: DeviceId, request: &GalleryRequest) -> Option<CancellationToken> {
        metrics::counter!("ostiary_server_gallery_requests_total").increment(1);
        if request.pack != self.pack && !self.served.contains(&request.pack) {
            self.refuse(device, "gallery.pack", format!("the device has {}, the server {}", request.pack, self.pack));
            return None;
        }
        if !self.limits.allows(device) {
            self.refuse(device, "gallery.rate", "too many gallery requests".to_owned());
            return None;
        }
        if self.under_way.len() >= MANY {
            self.limits.forget_quiet();
            // Those nobody holds the other end of any more are cancelled or done; losing one that is still
            // under way only means that a newer request does not stop it.
            self.under_way.clear();
        }
        let newest = CancellationToken::new();
        if let Some(older) = self.under_way.insert((device, request.pack.clone()), newest.clone()) {
            older.cancel();
        }
        Some(newest)
    }

    fn refuse(&self, device: DeviceId, action: &'static str, detail: String) {
        metrics::counter!("ostiary_server_gallery_refused_total", "reason" => action).increment(1);
        let actor = format!("device:{device}");
        self.refusals.refuse(Refusal { actor, action, target: String::new(), source: String::new(), detail });
    }
}

impl Task {
    async fn answer(&self, root: DeviceRoot, session: u64, request: &GalleryRequest) {
        match self.try_answer(root, session, request).await {
            Ok((count, to_rev)) => {
                tracing::debug!(device.id = %root.device, rev = to_rev, chunks = count, "told {} about revision {to_rev}", root.device);
            }
            Err(AnswerError::Send(SendError::Offline)) => {}
            Err(error) => tracing::error!(%error, device.id = %root.device, "a gallery request could not be answered"),
        }
    }

    async fn try_answer(
        &self,
        root: DeviceRoot,
        session: u64,
        request: &GalleryRequest,
    ) -> Result<(u32, u64), AnswerError> {
        let question = question(root.device, request, self.clock.now());
        let page = self.patience.ask(|| self.store.walk(&question)).await?;
        let to_rev = page.to_rev.0;
        let key = self.patience.ask(|| self.store.gallery_key(root.device)).await?;
        let mut count = 0;
        for chunk in chunks(MsgId(request.request.0), &page, request.most_chunks, CHUNK_BYTES) {
            let chunk = sealed(chunk, key.as_ref());
            self.mailer.send(root, &Channel::GalleryChunk, Keep::Briefly, session, chunk).await?;
            count += 1;
        }
        metrics::counter!("ostiary_server_gallery_chunks_total").increment(u64::from(count));
        Ok((count, to_rev))
    }
}

/// What a request asks of the store. A page is what the device takes in one answer; without credit that is everything.
fn question(device: DeviceId, request: &GalleryRequest, now: UnixMillis) -> WalkQuestion {
    let credit = request.most_chunks.map(|most| usize::try_from(most.max(1)).unwrap_or(usize::MAX));
    WalkQuestion {
        device,
        pack: request.pack.clone(),
        have: request.rev,
        digest: request.digest,
        resume: request.resume,
        most_bytes: credit.map_or(usize::MAX, |most| most.saturating_mul(CHUNK_BYTES)),
        now,
    }
}

/// The chunk as it goes out: sealed, if the device was given a key for it.
fn sealed(chunk: GalleryChunk, key: Option<&GalleryKey>) -> GalleryChunk {
    match key {
        Some(key) => key.seal(chunk),
        None => chunk,
    }
}
