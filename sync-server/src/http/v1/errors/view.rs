//! An error as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::fault::FaultGroup;

/// One kind of error: the same place in the program, and the same words.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerError)]
pub struct FaultView {
    /// Names it; stays the same over restarts.
    fingerprint: String,
    /// `error` or `panic`.
    #[schema(value_type = String)]
    kind: &'static str,
    /// The part of the program.
    target: String,
    /// Its words without what differs from time to time.
    template: String,
    /// Its words the last time.
    message: String,
    /// Where and within what, the last time, innermost first; request and event ids stand here.
    stack: String,
    /// The program's version the last time.
    version: String,
    /// How often it occurred.
    count: u64,
    /// The first time.
    first_at: String,
    /// The last time.
    last_at: String,
    /// When it was said to be dealt with; absent if it was not, or has occurred since.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<String>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_by: Option<String>,
}

impl From<FaultGroup> for FaultView {
    fn from(fault: FaultGroup) -> Self {
        let (resolved_at, resolved_by) = fault.resolved.map(|(at, by)| (at.to_rfc3339(), by)).unzip();
        Self {
            fingerprint: fault.fingerprint.to_string(),
            kind: fault.kind.as_str(),
            target: fault.target,
            template: fault.template,
            message: fault.message,
            stack: fault.stack,
            version: fault.version,
            count: fault.count,
            first_at: fault.first_at.to_rfc3339(),
            last_at: fault.last_at.to_rfc3339(),
            resolved_at,
            resolved_by,
        }
    }
}
