//! A line of the audit log as the API and exports show it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::audit::chain::ChainedLine;

/// Who did what, on what, from where, with what result.
#[derive(Serialize, ToSchema)]
pub struct AuditLine {
    /// Number, rising without holes.
    id: u64,
    /// When.
    at: String,
    /// `user:<id>`, `key:<id>`, `device:<id>`, `cli`, `server` or `anonymous`.
    actor: String,
    /// Dotted, for example `person.create`.
    action: String,
    /// `person:<id>`, a topic, a path, or empty.
    target: String,
    /// An address, or empty.
    source: String,
    /// `ok` or `refused`.
    #[schema(value_type = String)]
    result: &'static str,
    /// More, in words.
    detail: String,
    /// The id of the request, as in its answer's `X-Request-Id`.
    request: Option<String>,
    /// What was there before, without secrets, names of persons or biometrics.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// What is there now.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// SHA-256 over this line and the hash of the line before, hexadecimal.
    hash: String,
}

impl AuditLine {
    /// The line's number.
    pub const fn seq(&self) -> u64 {
        self.id
    }
}

impl From<ChainedLine> for AuditLine {
    fn from(line: ChainedLine) -> Self {
        let ChainedLine { entry, trace, point } = line;
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            id: point.seq,
            at: entry.at.to_rfc3339(),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            source: entry.source,
            result: entry.result.as_str(),
            detail: entry.detail,
            request: Some(trace.request).filter(|id| !id.is_empty()),
            before: json(trace.was),
            after: json(trace.became),
            hash: point.hash.to_hex(),
        }
    }
}
