//! A visit as the live feed tells it.

use std::time::Duration;

use anyhow::{Context, Result};
use ostiary_common::ids::EventId;
use ostiary_common::time::UnixMillis;
use serde_json::Value;

use super::print::{Paint, paint};
use crate::api::text;
use crate::device::now;

/// What the demo wants to know of an event.
#[derive(Clone, Debug)]
pub struct Visit {
    /// `match`, `unknown`, `unusable` or `spoof_suspected`.
    pub kind: String,
    /// The person's name, of a match.
    pub name: Option<String>,
    /// Its place in the feed.
    pub cursor: i64,
    /// From the deciding frame to the decision, in milliseconds.
    pub frame_to_decision_ms: f64,
    /// From the face's first frame to the decision.
    pub first_frame_to_decision_ms: f64,
    /// From the decision until it survives a power cut on the device.
    pub decision_to_durable_ms: f64,
    /// From the decision until the live feed, which shows only what is committed, brought it here.
    pub decision_to_seen_ms: f64,
    text: String,
}

impl Visit {
    /// Reads an event; `None` if it is no visit but a device's word about itself.
    ///
    /// # Errors
    /// If something is missing.
    pub fn read(event: &Value) -> Result<Option<Self>> {
        let kind = event["kind"].as_str().context("an event's kind")?.to_owned();
        if kind == "report" {
            return Ok(None);
        }
        let latency = |key: &str| event["latency"][key].as_f64().with_context(|| format!("latency {key} in {event}"));
        let decided = decided_at(&text(event, "id")?)?;
        Ok(Some(Self {
            name: event["person"]["name"].as_str().map(str::to_owned),
            cursor: event["cursor"].as_i64().context("an event's cursor")?,
            frame_to_decision_ms: latency("frame_to_decision_ms")?,
            first_frame_to_decision_ms: latency("first_frame_to_decision_ms")?,
            decision_to_durable_ms: latency("decision_to_durable_ms")?,
            decision_to_seen_ms: now().since_ms(decided) as f64,
            text: describe(&kind, event),
            kind,
        }))
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let paints = if self.kind == "match" { Paint::Green } else { Paint::Yellow };
        format!("{} {}", paint(&format!("{:<8}", self.kind), paints), self.text)
    }
}

/// When the device decided, by its clock, which here is ours too: event ids are of UUID version 7 and begin with
/// the time they were made. (`at` will not do: where the device's clock is not synchronised, the server places it.)
fn decided_at(id: &str) -> Result<UnixMillis> {
    let id: EventId = id.parse()?;
    let made = id.0.get_timestamp().context("an event id without a time")?;
    let (seconds, nanoseconds) = made.to_unix();
    Ok(UnixMillis::from_unix_seconds(seconds).plus(Duration::from_nanos(nanoseconds.into())))
}

fn describe(kind: &str, event: &Value) -> String {
    let face = event["quality"]["face_px"].as_f64().unwrap_or_default();
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let threshold = number(&event["threshold"]);
    match kind {
        "match" => {
            let name = event["person"]["name"].as_str().unwrap_or("?");
            let similarity = number(&event["similarity"]);
            format!("{name}   similarity {similarity:.3}, threshold {threshold:.2}, face {face:.0} px")
        }
        "unusable" => event["reason"].as_str().unwrap_or("no reason given").to_owned(),
        _ => match event["nearest"]["similarity"].as_f64() {
            Some(nearest) => format!("nearest {nearest:.3}, threshold {threshold:.2}, face {face:.0} px"),
            None => format!("nobody is enrolled, face {face:.0} px"),
        },
    }
}
