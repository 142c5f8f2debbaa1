//! The table of figures, by name.

/// What a figure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is spread over buckets.
    Histogram,
}

impl Kind {
    /// Its name, which is its macro's too.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Figure {
    Figure { name, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Figure {
    Figure { name, kind: Kind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Figure {
    Figure { name, kind: Kind::Histogram, help }
}

/// Every figure.
pub const FIGURES: &[Figure] = &[
    gauge("ostiary_gallery_capacity_persons", "Persons the model pack can tell apart at the set targets."),
    gauge("ostiary_gallery_capacity_persons_high", "Upper end of the interval of the capacity."),
    gauge("ostiary_gallery_capacity_persons_low", "Lower end of the interval of the capacity."),
    gauge("ostiary_gallery_persons", "Persons enrolled with the model pack in use."),
    counter("ostiary_server_audit_lines_lost_total", "Audit lines that could not be written."),
    gauge("ostiary_server_build_info", "Always 1; the program's version stands in its label."),
    counter("ostiary_server_deliveries_total", "Tries to send notices by e-mail and webhook, by what became of them."),
    counter("ostiary_server_events_asked_again_total", "Holes in streams of events that devices were asked to fill."),
    counter("ostiary_server_events_duplicates_total", "Events that came again and were stored already."),
    counter("ostiary_server_events_ingested_total", "Events stored."),
    counter("ostiary_server_events_lost_total", "Events that never came, though asked for again and again."),
    counter("ostiary_server_events_of_erased_total", "Events whose person was erased before they came."),
    counter("ostiary_server_events_refused_total", "Batches of events that were not taken, by reason."),
    counter("ostiary_server_events_rejected_total", "Events within batches that could not be read."),
    counter(
        "ostiary_server_faults_dropped_total",
        "Errors of the server not kept because there were too many kinds of them at once.",
    ),
    counter("ostiary_server_faults_total", "Errors and panics of the server; see /api/v1/errors."),
    counter("ostiary_server_gallery_chunks_total", "Parts of galleries sent to devices."),
    counter("ostiary_server_gallery_differs_total", "Times a device held something else than it should."),
    counter("ostiary_server_gallery_notices_total", "Notices of changed galleries sent to devices."),
    counter("ostiary_server_gallery_refused_total", "Requests for galleries that were refused, by reason."),
    counter("ostiary_server_gallery_requests_total", "Requests for galleries by devices."),
    counter("ostiary_server_holding_refused_total", "Proofs of what a device holds that were refused."),
    counter("ostiary_server_http_panics_total", "Requests whose handler panicked."),
    histogram(
        "ostiary_server_http_request_seconds",
        "Time from a request's headers to its answer, by route and method.",
    ),
    counter("ostiary_server_http_requests_total", "Requests answered, by route, method and status."),
    counter("ostiary_server_http_turned_away_total", "Connections closed because there were too many."),
    histogram("ostiary_server_ingest_commit_seconds", "Time to store a group of batches of events."),
    histogram("ostiary_server_ingest_group_batches", "Batches of events stored by one commit."),
    counter("ostiary_server_link_brought_again_total", "Messages the link was brought again."),
    counter("ostiary_server_link_disconnects_total", "Times the connection to the MQTT broker was lost."),
    counter("ostiary_server_job_items_total", "Items of jobs that ended, by kind and result."),
    gauge("ostiary_server_leads", "Whether this server does what one must do for all: 1 if so."),
    gauge("ostiary_server_live_connections", "Live connections of people who watch events."),
    counter("ostiary_server_live_dropped_total", "Live connections ended because their client was too slow."),
    counter("ostiary_server_matches_doubted_total", "Matches nearer to a face the person was mistaken for before."),
    gauge("ostiary_server_mqtt_connections", "Connections to the embedded MQTT broker."),
    counter("ostiary_server_mqtt_inbox_dropped_total", "MQTT messages dropped because too many waited."),
    counter("ostiary_server_mqtt_not_mqtt_total", "Connections to the embedded broker that did not speak MQTT."),
    gauge("ostiary_server_mqtt_retained", "Messages the embedded MQTT broker retains."),
    counter("ostiary_server_mqtt_retained_dropped_total", "Retained messages dropped because there were too many."),
    counter("ostiary_server_mqtt_throttled_total", "MQTT messages held up because a client sent too many."),
    counter("ostiary_server_mqtt_turned_away_total", "MQTT connections closed because there were too many."),
    gauge(
        "ostiary_server_part_state",
        "State of each part of the server (ok, degraded, failed): 1 for the one it is in, 0 for the others.",
    ),
    histogram("ostiary_server_capture_frame_seconds", "Time from a frame of a guided capture to its hint."),
    counter("ostiary_server_clip_frames_total", "Pictures of clips looked at."),
    counter(
        "ostiary_server_enroll_dropped_total",
        "Words of devices about enrollments dropped because too many waited; they come again.",
    ),
    histogram("ostiary_server_photo_seconds", "Time to make templates of a photo."),
    counter("ostiary_server_photos_total", "Photos looked at, by result."),
    counter("ostiary_server_pulses_missed_total", "Times it could not be seen what other servers changed."),
    counter("ostiary_server_mail_total", "Messages to people, by what became of them."),
    counter("ostiary_server_notices_total", "Notices that people were told of."),
    counter("ostiary_server_redis_failures_total", "Times Redis did not do in time what it was asked."),
    counter("ostiary_server_refusals_total", "Requests and messages refused, by action; see the audit log."),
    gauge("ostiary_server_replicas", "Servers heard of by the database within the last hour."),
    counter(
        "ostiary_server_seen_dropped_total",
        "Visits not mirrored for people and other systems because too many waited.",
    ),
    counter("ostiary_server_retention_removed_total", "What was removed for its age, by kind of data."),
    counter("ostiary_server_stale_status_total", "Statuses of devices' earlier sessions that were ignored."),
    counter("ostiary_server_store_retries_total", "Times something was given to the store again because it failed."),
    counter("ostiary_server_throttled_total", "Requests refused because too many came, by budget."),
    counter(
        "ostiary_server_unasked_answers_total",
        "Answers of devices to commands that nobody gave, or are forgotten.",
    ),
    counter("ostiary_server_unknown_visits_grouped_total", "Visits of nobody known that were put together."),
    counter(
        "ostiary_server_unknown_visits_regrouped_total",
        "Visits of nobody known that changed groups when all were looked at.",
    ),
    counter("ostiary_server_traces_refused_total", "Batches of spans that the collector of traces did not take."),
    counter("ostiary_server_visits_total", "Visits stored, by kind."),
    histogram("ostiary_visit_decision_to_published_seconds", "Time from a decision at a door to its sending."),
    histogram("ostiary_visit_first_frame_to_decision_seconds", "Time from the first frame of a face to the decision."),
    histogram("ostiary_visit_frame_to_decision_seconds", "Time from the deciding frame to the decision."),
    counter("ostiary_visits_held_back_total", "Visits that came late because the device was offline."),
];
