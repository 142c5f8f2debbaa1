//! Events into the store: many devices share one commit. What becomes of them is told by [`super::acks`], and not before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostiary_common::topics::DeviceRoot;
use ostiary_common::wire::{AckedBatch, MAX_REJECTED_TOLD, RejectedEvent};
use tokio::sync::mpsc;

use super::batch::{BatchFault, Sorted};
use super::fault;
use super::incoming::{Incoming, Receipt};
use super::intake::{Admitted, Intake, Passed};
use super::patience::Patience;
use super::route::Message;
use crate::domain::event::{Ingest, Ingested};
use crate::ports::{Clock, Store, StoreError};

/// Batches committed together at most. One commit flushes the disk once.
const GROUP_BATCHES: usize = 512;
/// Payload bytes committed together at most, so that a group of large batches does not hold up small ones.
const GROUP_BYTES: usize = 8 * 1024 * 1024;
/// A group of so many batches shows that more will come at once.
const BUSY_BATCHES: usize = 4;
/// Then the next group is gathered for so long: what a group costs by itself, some thirty statements and a flush, is
/// shared by more batches. A batch that comes alone waits for nothing.
const GATHER: Duration = Duration::from_millis(20);

/// Longest reason told to a device.
const MAX_REASON_CHARS: usize = 120;

/// Writes events, alone, in the order they came.
pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) intake: Arc<Intake>,
    pub(super) patience: Patience,
}

/// A batch on its way into the store.
struct Pending {
    ingest: Ingest,
    sender: Sender,
}

/// Batches that were committed together, in the order they came.
pub(super) struct Committed {
    pub(super) ingests: Vec<Ingest>,
    pub(super) senders: Vec<Sender>,
    /// What the store made of each.
    pub(super) results: Vec<Result<Ingested, StoreError>>,
}

/// Whom to answer, and what beside "stored".
pub(super) struct Sender {
    pub(super) root: DeviceRoot,
    pub(super) session: u64,
    pub(super) batch: AckedBatch,
    pub(super) rejected: Vec<RejectedEvent>,
    pub(super) receipt: Receipt,
}

impl Writer {
    /// Writes what comes until there is no more. While one group is committed, the next is read and the one before is
    /// answered.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Incoming>, committed: mpsc::Sender<Committed>) {
        let (gate, mut group) = (self.gate(), Vec::new());
        loop {
            let pause = if group.len() >= BUSY_BATCHES { GATHER } else { Duration::ZERO };
            // Handed on by what wrote it: the next message may be long in coming.
            let written = async {
                match self.write(group).await {
                    Some(written) => committed.send(written).await.is_ok(),
                    None => true,
                }
            };
            let (is_heard, next) = tokio::join!(written, gate.gather(&mut queue, pause));
            let Some(next) = next.filter(|_| is_heard) else { return };
            group = next;
        }
    }

    /// Writes these in one commit, as far as they may be written.
    pub(super) async fn take(&self, messages: Vec<Incoming>) -> Option<Committed> {
        let group = self.gate().admit(messages).await;
        self.write(group).await
    }

    fn gate(&self) -> Gate<'_> {
        Gate { intake: &self.intake, clock: &*self.clock }
    }

    async fn write(&self, group: Vec<Pending>) -> Option<Committed> {
        if group.is_empty() {
            return None;
        }
        let started = Instant::now();
        let (ingests, senders): (Vec<Ingest>, Vec<Sender>) =
            group.into_iter().map(|one| (one.ingest, one.sender)).unzip();
        let results = match self.patience.ask(|| self.store.ingest_many(&ingests)).await {
            Ok(results) => results,
            Err(error) => {
                tracing::error!(%error, batches = ingests.len(), "a group of batches could not be stored, trying each alone");
                self.one_by_one(&ingests).await
            }
        };
        fault::after_commit();
        metrics::histogram!("ostiary_server_ingest_commit_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("ostiary_server_ingest_group_batches").record(ingests.len() as f64);
        Some(Committed { ingests, senders, results })
    }

    /// One batch that the database cannot take must not stop the others.
    async fn one_by_one(&self, ingests: &[Ingest]) -> Vec<Result<Ingested, StoreError>> {
        let mut results = Vec::with_capacity(ingests.len());
        for ingest in ingests {
            results.push(self.store.ingest(ingest).await);
        }
        results
    }
}

/// Who reads what waits, ahead of the writer.
struct Gate<'a> {
    intake: &'a Intake,
    clock: &'a dyn Clock,
}

impl Gate<'_> {
    /// Waits for a message, and takes those that come within `pause` or wait behind it, as far as they fit into one
    /// commit. `None` when no more will come.
    async fn gather(&self, queue: &mut mpsc::Receiver<Incoming>, pause: Duration) -> Option<Vec<Pending>> {
        let mut messages = vec![queue.recv().await?];
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let mut bytes = messages[0].payload.len();
        while messages.len() < GROUP_BATCHES && bytes < GROUP_BYTES {
            let Ok(message) = queue.try_recv() else { break };
            bytes += message.payload.len();
            messages.push(message);
        }
        Some(self.admit(messages).await)
    }

    /// Those of the messages that may be written.
    async fn admit(&self, messages: Vec<Incoming>) -> Vec<Pending> {
        let passed = self.intake.pass_all(&messages).await;
        let mut group = Vec::with_capacity(messages.len());
        for (message, passed) in messages.into_iter().zip(passed) {
            match passed {
                Passed::In(admitted) => group.extend(self.pending(message, *admitted)),
                // Sent again it would be refused again: the broker is told that it is dealt with. The device gets no
                // acknowledgement of its events, keeps them, and reports them as refused.
                Passed::Out => message.receipt.give().await,
                Passed::NotNow => {}
            }
        }
        group
    }

    fn pending(&self, message: Incoming, admitted: Admitted) -> Option<Pending> {
        let Admitted { device, routed } = admitted;
        let Message::Events(Sorted { name, batch, rejected }) = routed.message else { return None };
        self.intake.reject(&message.topic, device, &rejected);
        let (sent_at, received_at) = (routed.sent_at, self.clock.now());
        let numbers = rejected.iter().map(|(seq, _)| *seq).collect();
        let ingest = Ingest { device, batch, rejected: numbers, sent_at, received_at };
        let (root, session, receipt) = (routed.root, routed.session, message.receipt);
        Some(Pending { ingest, sender: Sender { root, session, batch: name, rejected: told(rejected), receipt } })
    }
}

/// What the device is told of events that were not taken: as many as one acknowledgement names.
fn told(rejected: Vec<(u64, BatchFault)>) -> Vec<RejectedEvent> {
    let told = rejected.into_iter().take(MAX_REJECTED_TOLD);
    told.map(|(seq, fault)| RejectedEvent { seq, reason: fault.to_string().chars().take(MAX_REASON_CHARS).collect() })
        .collect()
}
