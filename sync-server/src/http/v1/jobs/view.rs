//! A job and its items as they are shown.

use ostiary_common::time::UnixMillis;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::job::{Item, ItemState, Job, pace};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobView {
    /// Id.
    id: Uuid,
    /// `photos`, `clip`, `import`, `backup`, `packs`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// `filling` (being put together), `ready` (worked on, or waiting for that), `paused`, `done`, `cancelled`.
    #[schema(value_type = String)]
    state: &'static str,
    /// What it is doing now, in words; absent once it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    step: Option<&'static str>,
    /// How many items it has.
    items: u64,
    /// How many did what they were to do.
    done: u64,
    /// How many were turned down; each says why.
    refused: u64,
    /// How many failed too often. They can be put back with `retry`.
    dead: u64,
    /// Share of the items that have ended, 0 to 1.
    progress: f64,
    /// How long it will go on, seconds; absent while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_left: Option<u64>,
    /// The account that asked for it; absent if the server did.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Uuid>,
    /// The one person it is about, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Uuid>,
    /// Asked for at.
    created_at: String,
    /// First worked on at.
    #[serde(skip_serializing_if = "Option::is_none")]
    began_at: Option<String>,
    /// Over since.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// Forgotten at, with its items.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_until: Option<String>,
}

impl JobView {
    /// As of `now`.
    pub fn of(job: &Job, now: UnixMillis) -> Self {
        let counts = job.counts;
        let text = |at: Option<UnixMillis>| at.map(UnixMillis::to_rfc3339);
        let phase = job.phase.filter(|_| !job.state.is_over());
        Self {
            id: job.id.0,
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            step: phase.map(|phase| job.kind.step(phase)),
            items: counts.items,
            done: counts.done,
            refused: counts.refused,
            dead: counts.dead,
            progress: if counts.items == 0 { 1.0 } else { counts.ended() as f64 / counts.items as f64 },
            seconds_left: pace::left(job, now).map(|left| left.as_secs()),
            account: job.account.map(|account| account.0),
            person: job.person.map(|person| person.0),
            created_at: job.created_at.to_rfc3339(),
            began_at: text(job.began_at),
            ended_at: text(job.ended_at),
            kept_until: text(job.keep_until),
        }
    }
}

/// An item of a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobItem)]
pub struct ItemView {
    /// Its number in the job, from 0 on.
    n: u64,
    /// `waiting`, `leased` (worked on), `done`, `refused`, `dead` (failed too often), `cancelled`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Why it ended as it did: a stable word.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Whom it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Uuid>,
    /// How often it failed.
    failures: u32,
    /// Tried again at.
    #[serde(skip_serializing_if = "Option::is_none")]
    again_at: Option<String>,
    /// What became of it, depending on the kind of job.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    outcome: Option<Value>,
    /// Ended at.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
}

impl ItemView {
    /// With what the file or row was called only for who may see whom it is about.
    pub fn of(item: Item, with_labels: bool) -> Self {
        let mut outcome: Option<Value> = serde_json::from_slice(&item.outcome).ok();
        if !with_labels && let Some(fields) = outcome.as_mut().and_then(Value::as_object_mut) {
            fields.retain(|name, _| !matches!(name.as_str(), "label" | "external_id" | "lookalike"));
        }
        let again = item.state == ItemState::Waiting && item.failures > 0;
        Self {
            n: item.n,
            state: item.state.as_str(),
            reason: item.reason,
            person: item.person.map(|person| person.0),
            failures: item.failures,
            again_at: again.then(|| item.due_at.to_rfc3339()),
            outcome,
            ended_at: item.ended_at.map(UnixMillis::to_rfc3339),
        }
    }
}
