//! The audit log: who did what, on what, from where, with what result. No secrets, no biometrics.

use ostiary_common::time::UnixMillis;

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

/// A line as stored.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Position, rising.
    pub id: i64,
    /// The line.
    pub entry: AuditEntry,
}
