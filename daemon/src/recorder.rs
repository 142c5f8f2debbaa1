//! Making events durable: one thread takes what the pipeline decided and what the device says of itself,
//! and writes it to the outbox before anybody is told.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ostiary_common::ids::EventId;
use ostiary_common::wire::{DeviceReport, ReportKind, VisitReport};

use crate::cache::{CacheError, Dropped, EventDraft};
use crate::shared::Shared;

/// Decisions that wait to be written. Full means the disk is slower than people walk: the pipeline waits.
const QUEUE: usize = 64;
/// Reports of one kind: this many at once, then one each [`REPORT_EVERY`].
const REPORT_BURST: u32 = 5;
/// See [`REPORT_BURST`].
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// The longest detail of a report, characters.
const MAX_DETAIL: usize = 400;

/// When a visit began and was decided, for those who measure; times are on the source's own time line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VisitSpan {
    /// The first frame the face was seen in.
    pub began: Duration,
    /// The frame that decided.
    pub decided: Duration,
    /// From the capture of that frame to the decision.
    pub frame_to_decision: Duration,
    /// Faces in that frame.
    pub faces: usize,
}

/// What is to be written.
#[derive(Debug)]
pub enum Record {
    /// A decided visit.
    Visit {
        /// The report, but for the time it takes to become durable.
        report: Box<VisitReport>,
        /// When it was decided.
        decided: Instant,
        /// From when to when, on the source's own time line.
        span: VisitSpan,
    },
    /// The device about itself.
    Report(DeviceReport),
}

/// Where records are handed in; clones share the queue.
#[derive(Clone, Debug)]
pub struct Recorder {
    sender: Sender<Record>,
    limiter: Arc<DefaultKeyedRateLimiter<ReportKind>>,
}

impl Recorder {
    /// A queue, and the end that [`spawn`] works off.
    #[must_use]
    pub fn new() -> (Self, Receiver<Record>) {
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE);
        let burst = std::num::NonZeroU32::new(REPORT_BURST).expect("the burst is not zero");
        let quota = Quota::with_period(REPORT_EVERY).expect("the period is not zero").allow_burst(burst);
        (Self { sender, limiter: Arc::new(RateLimiter::keyed(quota)) }, receiver)
    }

    /// Hands in a decided visit; waits if the queue is full.
    pub fn visit(&self, report: VisitReport, decided: Instant, span: VisitSpan) {
        if self.sender.send(Record::Visit { report: Box::new(report), decided, span }).is_err() {
            tracing::error!("a decided visit came after the recorder had ended");
        }
    }

    /// Hands in a report about the device; never waits. Too many of one kind are counted and held back: then
    /// it returns `false`, and the log should be spared too.
    pub fn report(&self, shared: &Shared, kind: ReportKind, detail: &str) -> bool {
        if self.limiter.check_key(&kind).is_err() {
            shared.telemetry.reports_suppressed.add_one();
            return false;
        }
        let detail = detail.chars().take(MAX_DETAIL).collect();
        match self.sender.try_send(Record::Report(DeviceReport { kind, detail })) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => shared.telemetry.reports_suppressed.add_one(),
        }
        true
    }
}

/// Starts the thread. It ends when every [`Recorder`] is dropped and the queue is empty, or with an error
/// when the outbox cannot be written.
///
/// # Errors
/// If no thread can be started.
pub fn spawn(shared: Arc<Shared>, receiver: Receiver<Record>) -> std::io::Result<JoinHandle<Result<(), CacheError>>> {
    let work = move || -> Result<(), CacheError> {
        for record in receiver {
            write(&shared, record)?;
        }
        Ok(())
    };
    std::thread::Builder::new().name("recorder".into()).spawn(work)
}

fn write(shared: &Shared, record: Record) -> Result<(), CacheError> {
    let (visit, report, decided) = match record {
        Record::Visit { report, decided, .. } => (Some(*report), None, Some(decided)),
        Record::Report(report) => (None, Some(report), None),
    };
    // A visit is timed by its decision, not by when the disk was ready for it.
    let time = decided.map_or_else(|| shared.clock.event_time(), |decided| shared.clock.event_time_at(decided));
    let draft = EventDraft { id: EventId::generate(), time, visit, report };
    let id = draft.id;
    let outbox = &shared.cache.outbox;
    let (seq, dropped) = outbox.append(draft)?;
    if let Some(decided) = decided {
        outbox.set_durable_ms(seq, u32::try_from(decided.elapsed().as_millis()).unwrap_or(u32::MAX))?;
    }
    tracing::debug!(event.id = %id, seq, "event {id} is durable");
    shared.telemetry.events_appended.add_one();
    shared.outbox_changed.notify_one();
    if dropped == Dropped::default() { Ok(()) } else { tell_overflow(shared, dropped) }
}

fn tell_overflow(shared: &Shared, dropped: Dropped) -> Result<(), CacheError> {
    shared.telemetry.media_dropped.add(dropped.media);
    shared.telemetry.events_dropped.add(dropped.events);
    if shared.overflow_limiter.check().is_err() {
        return Ok(());
    }
    let detail = format!(
        "the outbox is full: {} pictures and {} events dropped since the start",
        shared.telemetry.media_dropped.get(),
        shared.telemetry.events_dropped.get()
    );
    tracing::warn!("{detail}");
    let report = DeviceReport { kind: ReportKind::OutboxOverflow, detail };
    let time = shared.clock.event_time();
    shared.cache.outbox.append(EventDraft { id: EventId::generate(), time, visit: None, report: Some(report) })?;
    Ok(())
}
