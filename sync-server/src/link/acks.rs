//! What is told of events once they are committed: the device that they are stored, the broker that its message is dealt
//! with, those who watch that there is more. It goes on while the next group is being committed.

use std::sync::Arc;

use ostiary_common::ids::{DeviceId, EventId, StreamId};
use ostiary_common::topics::Channel;
use ostiary_common::wire::EventAck;
use tokio::sync::mpsc;

use super::holes::{Answer, HoleWatch};
use super::ingest::{Committed, Sender};
use super::outgoing::{Keep, Mailer};
use super::visits;
use crate::domain::audit::{AuditEntry, AuditResult};
use crate::domain::event::{AcceptedGap, Ingest, Ingested};
use crate::ports::{Clock, LiveFeed, Store, StoreError};

/// Answers for what was committed, in the order of the commits.
pub(super) struct Acks {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) live: Arc<dyn LiveFeed>,
    pub(super) mailer: Arc<Mailer>,
    /// Events to be told to people. When it is full they are not told, only stored.
    pub(super) seen: mpsc::Sender<Vec<EventId>>,
    pub(super) holes: HoleWatch,
}

impl Acks {
    /// Answers for what comes until there is no more.
    pub(super) async fn run(mut self, mut committed: mpsc::Receiver<Committed>) {
        while let Some(group) = committed.recv().await {
            self.answer(group).await;
        }
    }

    /// Answers for one group.
    pub(super) async fn answer(&mut self, Committed { ingests, senders, results }: Committed) {
        self.tell_watchers(&ingests, &results).await;
        for ((ingest, sender), result) in ingests.iter().zip(senders).zip(results) {
            match result {
                Ok(ingested) => self.stored(ingest, sender, &ingested).await,
                Err(error) => Self::give_up(ingest, &error, sender).await,
            }
        }
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

    /// The device first, then the broker. In the other order a crash in between would leave the device waiting for its
    /// next try.
    async fn stored(&mut self, ingest: &Ingest, sender: Sender, ingested: &Ingested) {
        let Sender { root, session, batch, rejected, receipt } = sender;
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
    async fn give_up(ingest: &Ingest, error: &StoreError, sender: Sender) {
        metrics::counter!("ostiary_server_events_refused_total", "reason" => "store").increment(1);
        tracing::error!(%error, device.id = %ingest.device, "a batch of {} could not be stored", ingest.device);
        sender.receipt.give().await;
    }
}

/// The visits of a batch that were not stored before.
fn new_visits<'a>(ingest: &'a Ingest, ingested: &'a Ingested) -> impl Iterator<Item = EventId> + 'a {
    let visits = ingest.batch.events.iter().filter(|event| event.visit.is_some());
    visits.map(|event| event.id).filter(|id| ingested.stored.contains(id))
}
