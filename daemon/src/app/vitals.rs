//! Looks at the board every few seconds: figures for `health`, alarms by rules, and an orderly end when memory has grown
//! beyond its bound. On a thread of its own, for a dying disk can hold up even a question.

mod probes;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ostiary_common::wire::ReportKind;
use tokio_util::sync::CancellationToken;

use crate::domain::alarms::{Alarm, Alarms, Readings};
use crate::identity::IdentityFiles;
use crate::recorder::Recorder;
use crate::shared::{Shared, Vitals};
use crate::telemetry::{cpu_time, disk_written_bytes, memory_bytes};

/// Between two looks.
const ROUND: Duration = Duration::from_secs(5);
/// Before what is written a day can be told from it.
const WRITTEN_SPAN: Duration = Duration::from_secs(6 * 3600);
/// What changes seldom is looked at each so many rounds.
const SELDOM: u64 = 60;

/// What is looked at.
pub struct Watch {
    /// Reports go here.
    pub recorder: Recorder,
    /// Where the state lies.
    pub state_dir: PathBuf,
    /// Memory beyond this ends the program, bytes; 0 for no bound.
    pub max_memory_bytes: u64,
    /// Whether frames are expected.
    pub frames_end: CancellationToken,
    /// Cancelled when the program is to start again for want of memory.
    pub worn_out: CancellationToken,
    /// Figures of this run that never change.
    pub constant: BTreeMap<String, f64>,
}

/// As long as this is held the board is looked at. Then the thread ends at once: whoever hands in reports is waited for.
#[must_use]
pub struct Watcher(#[expect(dead_code, reason = "that it is dropped is heard at the other end")] Sender<()>);

/// Starts the thread.
///
/// # Errors
/// If it cannot be started.
pub fn spawn(shared: &Arc<Shared>, watch: Watch) -> std::io::Result<Watcher> {
    let (weak, (sender, held)) = (Arc::downgrade(shared), channel());
    std::thread::Builder::new().name("vitals".into()).spawn(move || Looking::new(watch).run(&weak, &held))?;
    Ok(Watcher(sender))
}

struct Looking {
    watch: Watch,
    alarms: Alarms,
    rounds: u64,
    frames: u64,
    lost: u64,
    cpu: Duration,
    at: Instant,
    oldest: Duration,
    certificate_days: Option<f64>,
}

impl Looking {
    fn new(watch: Watch) -> Self {
        Self {
            watch,
            alarms: Alarms::default(),
            rounds: 0,
            frames: 0,
            lost: 0,
            cpu: cpu_time().unwrap_or_default(),
            at: Instant::now(),
            oldest: Duration::ZERO,
            certificate_days: None,
        }
    }

    fn run(mut self, shared: &Weak<Shared>, held: &Receiver<()>) {
        while held.recv_timeout(ROUND) == Err(RecvTimeoutError::Timeout) {
            let Some(shared) = shared.upgrade() else { return };
            self.round(&shared);
        }
    }

    fn round(&mut self, shared: &Shared) {
        if self.rounds.is_multiple_of(SELDOM) {
            self.certificate_days = certificate_days(&self.watch.state_dir, shared);
        }
        if self.rounds.is_multiple_of(SELDOM / 5) {
            self.oldest = oldest_event(shared);
        }
        self.rounds += 1;
        let mut figures = self.watch.constant.clone();
        let readings = self.read(shared, &mut figures);
        for change in self.alarms.read(&readings, shared.clock.elapsed()) {
            self.tell(shared, change.alarm, change.is_raised);
        }
        let alarms: Vec<Alarm> = self.alarms.raised().collect();
        figures
            .extend(Alarm::all().map(|alarm| {
                (format!("ostiary_alarm_{}", alarm.name()), f64::from(u8::from(alarms.contains(&alarm))))
            }));
        shared.board.vitals.store(Arc::new(Vitals { figures, alarms }));
    }

    fn tell(&self, shared: &Shared, alarm: Alarm, is_raised: bool) {
        let (name, words) = (alarm.name(), alarm.words());
        if is_raised {
            tracing::warn!(alarm = name, "alarm {name}: {words}");
            self.watch.recorder.report(shared, ReportKind::AlarmRaised, &format!("{name}: {words}"));
        } else {
            tracing::info!(alarm = name, "alarm {name} is over");
            self.watch.recorder.report(shared, ReportKind::AlarmCleared, name);
        }
        if is_raised && alarm == Alarm::Memory {
            self.watch.worn_out.cancel();
        }
    }

    fn read(&mut self, shared: &Shared, figures: &mut BTreeMap<String, f64>) -> Readings {
        let passed = self.at.elapsed();
        self.at = Instant::now();
        let frames = self.rates(shared, passed, figures);
        let probe = probes::Probe::take(&self.watch.state_dir);
        probe.figures(figures);
        let memory = memory_bytes().filter(|_| self.watch.max_memory_bytes > 0);
        let written = disk_written_bytes().filter(|_| shared.clock.elapsed() >= WRITTEN_SPAN);
        let a_day = |bytes: u64| (bytes as f64 * 86_400.0 / shared.clock.elapsed().as_secs_f64()) as u64;
        figures.insert("ostiary_outbox_oldest_seconds".into(), self.oldest.as_secs_f64().round());
        figures.extend(self.certificate_days.map(|days| ("ostiary_certificate_days_left".into(), days.floor())));
        figures.extend(written.map(|bytes| ("ostiary_disk_written_bytes_per_day".into(), a_day(bytes) as f64)));
        let light = shared.board.sight.light();
        figures.extend(light.map(|(mean, _)| ("ostiary_picture_luminance".into(), f64::from(mean.round()))));
        Readings {
            frames,
            light: light.filter(|_| frames.is_some_and(|frames| frames > 0)),
            is_blurred: shared.board.sight.is_blurred(),
            celsius: probe.celsius,
            is_throttled: probe.is_throttled,
            disk_free: probe.disk_free,
            disk_refuses: shared.telemetry.disk_refusing.get() > 0,
            written_a_day: written.map(a_day),
            clock_synced: shared.clock.is_synced(),
            outbox_age: self.oldest,
            memory: memory.map(|(resident, _)| (resident, self.watch.max_memory_bytes)),
            certificate_days: self.certificate_days,
        }
    }

    /// Frames since the last look, and what follows from time: frames a second, drops, processor.
    fn rates(&mut self, shared: &Shared, passed: Duration, figures: &mut BTreeMap<String, f64>) -> Option<u64> {
        let (frames, lost) = (shared.telemetry.frames.get(), shared.telemetry.frames_lost.get());
        let cpu = cpu_time().unwrap_or_default();
        let seconds = passed.as_secs_f64().max(0.001);
        let (new, gone) = (frames.saturating_sub(self.frames), lost.saturating_sub(self.lost));
        let share = cpu.saturating_sub(self.cpu).as_secs_f64() / seconds;
        (self.frames, self.lost, self.cpu) = (frames, lost, cpu);
        figures.insert("ostiary_frames_per_second".into(), tenths(new as f64 / seconds));
        figures.insert("ostiary_frames_lost_per_second".into(), tenths(gone as f64 / seconds));
        figures.insert("ostiary_cpu_percent".into(), tenths(100.0 * share));
        (!self.watch.frames_end.is_cancelled()).then_some(new)
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// How long the oldest event waits, as far as clocks can tell.
fn oldest_event(shared: &Shared) -> Duration {
    let outbox = &shared.cache.outbox;
    if outbox.len() == 0 {
        return Duration::ZERO;
    }
    let oldest = outbox.batch(outbox.first_seq(), 1, u64::MAX).ok().and_then(|events| events.into_iter().next());
    let waited_ms = oldest.map_or(0, |event| shared.clock.wall().since_ms(event.time.wall));
    Duration::from_millis(u64::try_from(waited_ms).unwrap_or(0))
}

fn certificate_days(state_dir: &std::path::Path, shared: &Shared) -> Option<f64> {
    let (identity, _) = IdentityFiles::new(state_dir).load().ok()?;
    let ends = crate::identity::certificate_end(&identity.certificate_pem)?;
    Some(ends.since_ms(shared.clock.wall()) as f64 / 86_400_000.0)
}
