//! What must never happen.

/// The promise broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An event is gone that a device had made durable.
    Lost,
    /// An event counts twice, or one that nobody made.
    Doubled,
    /// Somebody is held, or was sent, who may not be.
    HeldWrongly,
    /// After the faults ended a device or the store did not come to the truth.
    NotConverged,
    /// A session number, settings or a command went wrong.
    Conversation,
}

/// A promise broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule:?}: {text}")]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// How.
    pub text: String,
}

impl Violation {
    /// A promise broken.
    pub fn new(rule: Rule, text: impl Into<String>) -> Self {
        Self { rule, text: text.into() }
    }
}
