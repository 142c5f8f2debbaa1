//! Counters and gauges, under the names Prometheus metrics have, and the heartbeats the watchdog looks at.

pub mod log_lines;
mod stages;

pub use stages::{STAGES, Spent, Stage, StageTimes};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident => $name:literal,)*) => {
        /// What happened since the start.
        #[derive(Debug, Default)]
        pub struct Telemetry {
            $($(#[$doc])* pub $field: Counter,)*
            /// Where the pipeline's time went.
            pub stages: StageTimes,
        }

        impl Telemetry {
            /// Every value by its metric's name.
            pub fn snapshot(&self) -> BTreeMap<String, f64> {
                #[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^52")]
                let mut all = BTreeMap::from([$(($name.to_owned(), self.$field.get() as f64),)*]);
                all.extend(self.stages.snapshot());
                all
            }
        }
    };
}

counters! {
    /// Frames captured.
    frames => "ostiary_frames_total",
    /// Time of the newest frame on the source's own time line.
    source_ms => "ostiary_source_milliseconds",
    /// Frames dropped because a newer one came.
    frames_dropped => "ostiary_frames_dropped_total",
    /// Frames the driver lost before this program had them, by their numbers.
    frames_lost => "ostiary_frames_lost_total",
    /// Frames the driver marked as damaged.
    frames_damaged => "ostiary_frames_damaged_total",
    /// Frames that could not be decoded.
    frames_bad => "ostiary_frames_bad_total",
    /// Frames looked at.
    frames_processed => "ostiary_frames_processed_total",
    /// Frames passed over because nothing moved.
    frames_still => "ostiary_frames_still_total",
    /// Frames passed over because everyone in sight was decided and is followed at a lower rate.
    frames_followed => "ostiary_frames_followed_total",
    /// Frames passed over because what moves in them has shown no face again and again.
    frames_vain => "ostiary_frames_vain_total",
    /// Frames passed over because the board is busy or hot.
    frames_paced => "ostiary_frames_paced_total",
    /// Least milliseconds between two frames looked at, because the board is busy or hot; 0 for every frame.
    frame_gap_ms => "ostiary_frame_gap_milliseconds",
    /// How near the board is to slowing itself down: 0 fine, 1 warm, 2 hot.
    heat => "ostiary_heat_level",
    /// Microseconds spent on frames, those passed over included.
    processing_us => "ostiary_frame_processing_microseconds_total",
    /// Faces found.
    faces => "ostiary_faces_total",
    /// Faces embedded.
    embeddings => "ostiary_embeddings_total",
    /// Inference failures.
    inference_failures => "ostiary_inference_failures_total",
    /// Visits that ended as a match.
    visits_match => "ostiary_visits_match_total",
    /// Visits that ended as unknown.
    visits_unknown => "ostiary_visits_unknown_total",
    /// Visits that ended as a suspected attack.
    visits_spoof => "ostiary_visits_spoof_suspected_total",
    /// Visits that ended as unusable.
    visits_unusable => "ostiary_visits_unusable_total",
    /// Tracks too brief to be a visit: a flicker of the detector.
    tracks_brief => "ostiary_tracks_brief_total",
    /// Tracks that turned out to be somebody else's.
    tracks_taken_over => "ostiary_tracks_taken_over_total",
    /// Visits that only went on after a short absence.
    visits_resumed => "ostiary_visits_resumed_total",
    /// Times the camera was lost.
    camera_lost => "ostiary_camera_lost_total",
    /// Events appended to the outbox.
    events_appended => "ostiary_events_appended_total",
    /// Events the server has stored.
    events_acked => "ostiary_events_acked_total",
    /// Events dropped for want of disk space.
    events_dropped => "ostiary_events_dropped_total",
    /// Pictures dropped for want of disk space.
    media_dropped => "ostiary_media_dropped_total",
    /// Reports about the device whose words were dropped for want of disk space.
    reports_dropped => "ostiary_reports_dropped_total",
    /// Whether the disk refuses writes: events wait in memory.
    disk_refusing => "ostiary_disk_refusing",
    /// Events that wait in memory until the disk takes them.
    events_unwritten => "ostiary_events_unwritten",
    /// Bytes written to the outbox's files.
    outbox_written => "ostiary_outbox_bytes_written_total",
    /// Bytes this program had written to disks.
    disk_written => "ostiary_disk_bytes_written_total",
    /// Reports about the device held back because there were too many.
    reports_suppressed => "ostiary_reports_suppressed_total",
    /// Batches sent.
    batches_sent => "ostiary_batches_sent_total",
    /// Messages refused.
    messages_refused => "ostiary_messages_refused_total",
    /// Whether the connection to the broker stands.
    connected => "ostiary_mqtt_connected",
    /// Whether camera and model are left out because the program ended badly again and again, or cannot be loaded.
    safe_mode => "ostiary_safe_mode",
    /// Connections to the broker made.
    connects => "ostiary_mqtt_connects_total",
    /// Attempts to connect that failed.
    connect_failures => "ostiary_mqtt_connect_failures_total",
    /// Tokens renewed.
    tokens_renewed => "ostiary_tokens_renewed_total",
    /// Events waiting for the server.
    outbox_events => "ostiary_outbox_events",
    /// Disk space they use, bytes.
    outbox_bytes => "ostiary_outbox_bytes",
    /// Revision of the gallery held.
    gallery_rev => "ostiary_gallery_revision",
    /// Persons in the gallery.
    gallery_persons => "ostiary_gallery_persons",
    /// Templates in the gallery.
    gallery_templates => "ostiary_gallery_templates",
}

/// A number that many threads change.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Now `n`.
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// When a loop last went round, in milliseconds since the start of the program; 0 for not yet.
#[derive(Debug, Default)]
pub struct Heartbeat(AtomicU64);

impl Heartbeat {
    /// The loop went round at `now`.
    pub fn beat(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    /// Whether it went round within `limit` before `now`. A loop that has not started yet counts from 0.
    pub fn is_alive(&self, now: Duration, limit: Duration) -> bool {
        now.saturating_sub(Duration::from_millis(self.0.load(Relaxed))) <= limit
    }
}

/// The loops that must not stand still.
#[derive(Debug, Default)]
pub struct Heartbeats {
    /// Frames come, or the source is known to be lost or at its end and is being looked after.
    pub capture: Heartbeat,
    /// Frames are looked at, or there are none.
    pub pipeline: Heartbeat,
    /// The connection is looked after.
    pub mqtt: Heartbeat,
}

impl Heartbeats {
    /// Whether every loop went round within `limit` before `now`.
    pub fn all_alive(&self, now: Duration, limit: Duration) -> bool {
        [&self.capture, &self.pipeline, &self.mqtt].iter().all(|beat| beat.is_alive(now, limit))
    }
}

/// Resident memory of this process and its peak, bytes, as the kernel has them.
pub fn memory_bytes() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

/// Bytes this process had written to disks, as the kernel has them: whole pages, and what was overwritten in memory
/// before it reached the disk counts once.
pub fn disk_written_bytes() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
}

/// Time of processors this process took, all threads, ended ones too, in steps of 10 ms.
pub fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Fields are counted after the program's name, which may hold spaces: user time and system time in ticks,
    // a hundred to the second on every Linux this runs on.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loop_that_stands_still_is_enough() {
        let beats = Heartbeats::default();
        let limit = Duration::from_secs(10);
        assert!(beats.all_alive(Duration::from_secs(5), limit), "just started");
        assert!(!beats.all_alive(Duration::from_secs(11), limit));
        let now = Duration::from_secs(60);
        [&beats.capture, &beats.mqtt].iter().for_each(|b| b.beat(now));
        assert!(!beats.all_alive(now, limit));
        beats.pipeline.beat(now);
        assert!(beats.all_alive(now + limit, limit));
    }

    #[test]
    fn values_stand_under_metric_names() {
        let telemetry = Telemetry::default();
        telemetry.frames.add(3);
        let snapshot = telemetry.snapshot();
        assert_eq!(snapshot["ostiary_frames_total"], 3.0);
        assert!(snapshot.keys().all(|name| name.starts_with("ostiary_")));
        assert!(memory_bytes().is_some_and(|(now, peak)| now > 0 && peak >= now));
    }
}
