//! The audit log: who did what, on what, from where, with what result. No secrets, no biometrics, no names of persons.
//!
//! Lines form a [`chain`], so that a change of what was written shows.

pub mod chain;

use ostiary_common::time::UnixMillis;

/// What a line says that tells of a job whose items have all ended; its target is the job.
pub const JOB_DONE: &str = "job.done";
/// The same of a job of which items were given up.
pub const JOB_FAILED: &str = "job.failed";

/// A line to be written.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: UnixMillis,
    /// Who: `user:<id>`, `device:<id>`, `cli`, `anonymous`.
    pub actor: String,
    /// What: dotted, for example `person.create`, `mqtt.publish`.
    pub action: String,
    /// On what: `person:<id>`, a topic, or empty.
    pub target: String,
    /// From where: an address, or empty.
    pub source: String,
    /// Allowed and done, or refused.
    pub result: AuditResult,
    /// More, in words.
    pub detail: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditResult {
    /// Done.
    Ok,
    /// Refused.
    Refused,
}

impl AuditResult {
    /// The result's name in store and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
        }
    }

    /// Reads a result's name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Refused].into_iter().find(|result| result.as_str() == text)
    }
}

/// What goes with a line of a change made through the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditTrace {
    /// The request's id, or empty.
    pub request: String,
    /// What was there before, JSON.
    pub was: Option<String>,
    /// What is there now, JSON.
    pub became: Option<String>,
}

/// A line with what goes with it, for stores that write it in the transaction of the change it tells of.
#[derive(Clone, Debug)]
pub struct AuditNote {
    /// The line.
    pub entry: AuditEntry,
    /// What goes with it.
    pub trace: AuditTrace,
}

/// Which lines a list wants. Absent means any.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this actor.
    pub actor: Option<String>,
    /// Of one of these actions; empty for any.
    pub actions: Vec<String>,
    /// On this target.
    pub target: Option<String>,
    /// With this result.
    pub result: Option<AuditResult>,
    /// From this time on.
    pub from: Option<UnixMillis>,
    /// Before this time.
    pub until: Option<UnixMillis>,
}

/// A position in a list by time: the line's time, and its number among lines of the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition {
    /// The line's time.
    pub at: UnixMillis,
    /// The line's number.
    pub seq: u64,
}
