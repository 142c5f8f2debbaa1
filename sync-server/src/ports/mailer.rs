//! Messages to people.

use async_trait::async_trait;

use crate::domain::account::Email;

/// A message in plain text.
#[derive(Clone)]
pub struct Message {
    /// To whom.
    pub to: Email,
    /// Its subject.
    pub subject: &'static str,
    /// Its text; holds a link, so it reaches no log.
    pub text: zeroize::Zeroizing<String>,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It will not be taken however often it is tried.
    #[error("the mail server refuses the message: {0}")]
    Refused(String),
    /// It may be taken later.
    #[error("the mail server cannot be reached or is busy: {0}")]
    Later(String),
}

/// Takes messages to people.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a message over.
    async fn send(&self, message: &Message) -> Result<(), MailError>;
}
