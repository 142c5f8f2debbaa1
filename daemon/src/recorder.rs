//! Making events durable: one thread takes what the pipeline decided and what the device says of itself,
//! and writes it to the outbox before anybody is told. What came together is written together.

mod waiting;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ostiary_common::ids::EventId;
use ostiary_common::wire::{DeviceReport, ReportKind, VisitReport};

use crate::cache::{CacheError, Dropped, EventDraft};
use crate::shared::Shared;
use waiting::{Waiter, Waiting};

/// Decisions that wait to be written. Full means the disk is slower than people walk: the pipeline waits.
const QUEUE: usize = 64;
/// Reports of one kind: this many at once, then one each [`REPORT_EVERY`].
const REPORT_BURST: u32 = 5;
/// See [`REPORT_BURST`].
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// Events written with one flush, at most.
const MOST_AT_ONCE: usize = 64;
/// Memory for events that a refusing disk does not take, bytes.
const MOST_WAITING_BYTES: usize = 4 << 20;
/// Between attempts to write to a disk that refused.
const RETRY_EVERY: Duration = Duration::from_secs(1);
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
    /// Somebody waits until everything before this is on disk.
    Settle(Sender<()>),
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

    /// Waits until everything that was handed in before is on disk, or `limit` is over; whether it is.
    pub fn settle(&self, limit: Duration) -> bool {
        let (settled, wait) = crossbeam_channel::bounded(1);
        self.sender.send_timeout(Record::Settle(settled), limit).is_ok() && wait.recv_timeout(limit).is_ok()
    }
}

/// Starts the thread. It ends when every [`Recorder`] is dropped and the queue is empty. A disk that refuses does not
/// end it: events wait in memory, within bounds, and are written once the disk takes them again.
///
/// # Errors
/// If no thread can be started.
pub fn spawn(shared: Arc<Shared>, receiver: Receiver<Record>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("recorder".into()).spawn(move || {
        let mut waiting = Waiting::default();
        while gather(&shared, &receiver, &mut waiting) {
            write(&shared, &mut waiting);
        }
        write(&shared, &mut waiting);
        if !waiting.is_empty() {
            tracing::error!("{} events are lost: the disk refused them to the end", waiting.len());
        }
    })
}

/// Takes in what there is, waiting for it unless something is to be tried again; whether there may be more.
fn gather(shared: &Shared, receiver: &Receiver<Record>, waiting: &mut Waiting) -> bool {
    let first = match waiting.is_empty() {
        true => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        false => receiver.recv_timeout(RETRY_EVERY),
    };
    let open = !matches!(first, Err(RecvTimeoutError::Disconnected));
    let more = receiver.try_iter().take(QUEUE);
    for record in first.into_iter().chain(more) {
        match record {
            Record::Visit { report, decided, .. } => waiting.push(draft(shared, Some(*report), None, Some(decided))),
            Record::Report(report) => waiting.push(draft(shared, None, Some(report), None)),
            Record::Settle(settled) => waiting.tell_when_settled(settled),
        }
    }
    open
}

fn draft(
    shared: &Shared,
    visit: Option<VisitReport>,
    report: Option<DeviceReport>,
    decided: Option<Instant>,
) -> Waiter {
    // A visit is timed by its decision, not by when the disk was ready for it.
    let time = decided.map_or_else(|| shared.clock.event_time(), |decided| shared.clock.event_time_at(decided));
    Waiter { draft: EventDraft { id: EventId::generate(), time, visit, report }, decided }
}

/// Makes everything that waits durable with one flush, or keeps it for later.
fn write(shared: &Shared, waiting: &mut Waiting) {
    let (outbox, telemetry) = (&shared.cache.outbox, &shared.telemetry);
    while !waiting.is_empty() {
        let (drafts, decided) = waiting.first(MOST_AT_ONCE);
        match outbox.append_all(&drafts) {
            Ok((last, dropped)) => {
                waiting.written(drafts.len());
                note_durable(shared, &drafts, &decided, last);
                count_dropped(shared, waiting, dropped);
            }
            Err(error) => {
                refused(shared, waiting, &error);
                break;
            }
        }
    }
    telemetry.events_unwritten.set(waiting.len() as u64);
    waiting.tell_settled();
    if waiting.is_empty() && telemetry.disk_refusing.get() > 0 {
        telemetry.disk_refusing.set(0);
        tracing::info!("the disk takes writes again");
    }
}

fn note_durable(shared: &Shared, drafts: &[EventDraft], decided: &[Option<Instant>], last: u64) {
    let first = last + 1 - drafts.len() as u64;
    for ((seq, draft), decided) in (first..).zip(drafts).zip(decided) {
        tracing::debug!(event.id = %draft.id, seq, "event {} is durable", draft.id);
        if let Some(decided) = decided {
            let elapsed_ms = u32::try_from(decided.elapsed().as_millis()).unwrap_or(u32::MAX);
            shared.cache.outbox.set_durable_ms(seq, elapsed_ms);
        }
    }
    shared.telemetry.events_appended.add(drafts.len() as u64);
    shared.outbox_changed.notify_one();
}

/// The disk refuses. What waits is kept within bounds: pictures go first, then words, then the oldest events, of those
/// on disk as well if it is merely full.
fn refused(shared: &Shared, waiting: &mut Waiting, error: &CacheError) {
    if shared.telemetry.disk_refusing.get() == 0 {
        tracing::error!(%error, "the disk refuses writes: events wait in memory: {error}");
        let detail = format!("the disk refused writes: {error}").chars().take(MAX_DETAIL).collect();
        let report = DeviceReport { kind: ReportKind::DiskFailed, detail };
        waiting.push(draft(shared, None, Some(report), None));
    }
    shared.telemetry.disk_refusing.set(1);
    let mut dropped = waiting.shrink(MOST_WAITING_BYTES);
    if dropped.events > 0 && error.is_full() {
        dropped += shared.cache.outbox.drop_oldest();
    }
    count_dropped(shared, waiting, dropped);
}

fn count_dropped(shared: &Shared, waiting: &mut Waiting, dropped: Dropped) {
    if dropped == Dropped::default() {
        return;
    }
    let telemetry = &shared.telemetry;
    telemetry.media_dropped.add(dropped.media);
    telemetry.reports_dropped.add(dropped.reports);
    telemetry.events_dropped.add(dropped.events);
    if shared.overflow_limiter.check().is_err() {
        return;
    }
    let detail = format!(
        "the outbox is full: {} pictures, the words of {} reports and {} events dropped since the start",
        telemetry.media_dropped.get(),
        telemetry.reports_dropped.get(),
        telemetry.events_dropped.get()
    );
    tracing::warn!("{detail}");
    let report = DeviceReport { kind: ReportKind::OutboxOverflow, detail };
    waiting.push(draft(shared, None, Some(report), None));
}
