//! Events into the store: many devices share one commit, and nobody is told "stored" before it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostiary_common::ids::{DeviceId, EventId, StreamId};
use ostiary_common::topics::{Channel, DeviceRoot};
use ostiary_common::wire::{AckedBatch, EventAck, MAX_REJECTED_TOLD, RejectedEvent};
use tokio::sync::mpsc;

use super::batch::{BatchFault, Sorted};
use super::fault;
use super::holes::{Answer, HoleWatch};
use super::incoming::{Incoming, Receipt};
use super::intake::{Admitted, Intake, Passed};
use super::outgoing::{Keep, Mailer};
use super::patience::Patience;
use super::route::Message;
use super::visits;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::domain::event::{AcceptedGap, Ingest, Ingested};
use crate::ports::{Clock, LiveFeed, Store, StoreError};

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
    pub(super) live: Arc<dyn LiveFeed>,
    pub(super) intake: Arc<Intake>,
    pub(super) mailer: Arc<Mailer>,
    /// Events to be told to people. When it is full they are not told, only stored.
    pub(super) seen: mpsc::Sender<Vec<EventId>>,
    pub(super) holes: HoleWatch,
    pub(super) patience: Patience,
}

/// A batch on its way into the store.
struct Pending {
    ingest: Ingest,
    sender: Sender,
    receipt: Receipt,
}

/// Whom to answer, and what beside "stored".
struct Sender {
    root: DeviceRoot,
    session: u64,
    batch: AckedBatch,
    rejected: Vec<RejectedEvent>,
}

impl Writer {
    /// Writes what comes until there is no more. While one group is committed, the next is read.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Incoming>) {
        let mut group: Vec<Pending> = Vec::new();
        loop {
            let gate = Gate { intake: self.intake.clone(), clock: self.clock.clone() };
            let pause = if group.len() >= BUSY_BATCHES { GATHER } else { Duration::ZERO };
            let ((), next) = tokio::join!(self.write(group), gate.gather(&mut queue, pause));
            let Some(next) = next else { return };
            group = next;
        }
    }

    /// Writes these in one commit, and answers.
    pub(super) async fn take(&mut self, messages: Vec<Incoming>) {
        let gate = Gate { intake: self.intake.clone(), clock: self.clock.clone() };
        let group = gate.admit(messages).await;
        self.write(group).await;
    }

    async fn write(&mut self, group: Vec<Pending>) {
        if group.is_empty() {
            return;
        }
        let started = Instant::now();
        let (ingests, owners): (Vec<Ingest>, Vec<_>) =
            group.into_iter().map(|one| (one.ingest, (one.sender, one.receipt))).unzip();
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
        self.tell_watchers(&ingests, &results).await;
        for ((ingest, (sender, receipt)), result) in ingests.iter().zip(owners).zip(results) {
            match result {
                Ok(ingested) => self.answer(ingest, sender, &ingested, receipt).await,
                Err(error) => Self::give_up(ingest, &error, receipt).await,
            }
        }
    }

    /// One batch that the database cannot take must not stop the others.
    async fn one_by_one(&self, ingests: &[Ingest]) -> Vec<Result<Ingested, StoreError>> {
        let mut results = Vec::with_capacity(ingests.len());
        for ingest in ingests {
            results.push(self.store.ingest(ingest).await);
        }
        results
    }

    /// Tells those who watch that there is more, and passes new visits on to be told with names.
    async fn tell_watchers(&self, ingests: &[Ingest], results: &[Result<Ingested, StoreError>]) {
        let committed =
            || ingests.iter().zip(results).filter_map(|(ingest, result)| Some((ingest, result.as_ref().ok()?)));
        let stored: usize = committed().map(|(_, one)| one.stored.len()).sum();
        let duplicates: usize = committed().map(|(_, one)| one.duplicates).sum();
        metrics::counter!("ostiary_server_events_duplicates_total").increment(duplicates as u64);
        metrics::counter!("ostiary_server_events_ingested_total").increment(stored as u64);
        if stored == 0 {
            return;
        }
        committed().for_each(|(ingest, one)| {
            visits::count(ingest, one);
            for id in &one.stored {
                tracing::debug!(event.id = %id, device.id = %ingest.device, "event {id} is stored");
            }
        });
        match self.store.newest_cursor().await {
            Ok(cursor) => self.live.committed(cursor),
            Err(error) => tracing::warn!(%error, "watchers could not be told of new events"),
        }
        if !self.mailer.is_watched() {
            return;
        }
        let news: Vec<EventId> = committed().flat_map(|(ingest, one)| new_visits(ingest, one)).collect();
        let count = news.len() as u64;
        if count > 0 && self.seen.try_send(news).is_err() {
            metrics::counter!("ostiary_server_seen_dropped_total").increment(count);
        }
    }

    /// After the commit: the device first, then the broker. In the other order a crash in between would leave
    /// the device waiting for its next try.
    async fn answer(&mut self, ingest: &Ingest, sender: Sender, ingested: &Ingested, receipt: Receipt) {
        let Sender { root, session, batch, rejected } = sender;
        let ack =
            EventAck { rejected, batch: Some(batch), ..self.ack(ingest.device, ingest.batch.stream, ingested).await };
        let upto_seq = ack.upto_seq;
        if let Err(error) = self.mailer.send(root, &Channel::EventsAck, Keep::No, session, ack).await {
            tracing::debug!(%error, device.id = %ingest.device, "an acknowledgement was not sent; the device asks again");
        }
        tracing::debug!(device.id = %ingest.device, stored = ingested.stored.len(), duplicates = ingested.duplicates,
            upto_seq, "stored events of {}", ingest.device);
        receipt.give().await;
    }

    async fn ack(&mut self, device: DeviceId, stream: StreamId, ingested: &Ingested) -> EventAck {
        let ack = |upto_seq, resend_from| EventAck { stream, upto_seq, resend_from, rejected: Vec::new(), batch: None };
        match self.holes.look(self.clock.elapsed(), device, stream, ingested.missing_from) {
            Answer::Whole | Answer::Wait => ack(ingested.upto_seq, None),
            Answer::Ask(from) => {
                metrics::counter!("ostiary_server_events_asked_again_total").increment(1);
                ack(ingested.upto_seq, Some(from))
            }
            Answer::GiveUp => match self.store.accept_gap(device, stream).await {
                Ok(Some(gap)) => {
                    self.note_gap(device, stream, gap).await;
                    ack(gap.upto_seq, None)
                }
                Ok(None) => ack(ingested.upto_seq, None),
                Err(error) => {
                    tracing::error!(%error, device.id = %device, "a gap could not be accepted");
                    ack(ingested.upto_seq, None)
                }
            },
        }
    }

    async fn note_gap(&self, device: DeviceId, stream: StreamId, gap: AcceptedGap) {
        let AcceptedGap { first, last, .. } = gap;
        metrics::counter!("ostiary_server_events_lost_total").increment(last - first + 1);
        tracing::error!(device.id = %device, first, last, "events {first} to {last} of {device} never came");
        let entry = AuditEntry {
            at: self.clock.now(),
            actor: format!("device:{device}"),
            action: "events.gap".to_owned(),
            target: format!("stream:{stream}"),
            source: String::new(),
            result: AuditResult::Ok,
            detail: format!("events {first} to {last} never came, though asked for again and again"),
        };
        if let Err(error) = self.store.audit(&entry).await {
            tracing::error!(%error, "an audit line could not be written");
        }
    }

    /// A batch the store cannot take. The broker is told it is dealt with, so that it does not block what comes
    /// after; the device is told nothing and sends it again later.
    async fn give_up(ingest: &Ingest, error: &StoreError, receipt: Receipt) {
        metrics::counter!("ostiary_server_events_refused_total", "reason" => "store").increment(1);
        tracing::error!(%error, device.id = %ingest.device, "a batch of {} could not be stored", ingest.device);
        receipt.give().await;
    }
}

/// Who reads what waits, ahead of the writer.
struct Gate {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
}

impl Gate {
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
        let sender = Sender { root: routed.root, session: routed.session, batch: name, rejected: told(rejected) };
        Some(Pending { ingest, sender, receipt: message.receipt })
    }
}

/// The visits of a batch that were not stored before.
fn new_visits<'a>(ingest: &'a Ingest, ingested: &'a Ingested) -> impl Iterator<Item = EventId> + 'a {
    let visits = ingest.batch.events.iter().filter(|event| event.visit.is_some());
    visits.map(|event| event.id).filter(|id| ingested.stored.contains(id))
}

/// What the device is told of events that were not taken: as many as one acknowledgement names.
fn told(rejected: Vec<(u64, BatchFault)>) -> Vec<RejectedEvent> {
    let told = rejected.into_iter().take(MAX_REJECTED_TOLD);
    told.map(|(seq, fault)| RejectedEvent { seq, reason: fault.to_string().chars().take(MAX_REASON_CHARS).collect() })
        .collect()
}
