//! Messages to people.

use std::borrow::Cow;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::domain::account::Email;

/// A message in plain text, and perhaps in HTML beside.
#[derive(Clone)]
pub struct Message {
    /// To whom.
    pub to: Email,
    /// Its subject.
    pub subject: Cow<'static, str>,
    /// Its text; holds a link, so it reaches no log.
    pub text: Zeroizing<String>,
    /// The same in HTML.
    pub html: Option<Zeroizing<String>>,
    /// A picture that the HTML shows as `cid:picture`, JPEG.
    pub picture: Option<Vec<u8>>,
    /// Of a message that may come twice or is not wanted any more: by what it is known, and how to end it.
    pub bulk: Option<Bulk>,
}

/// What a message carries of which there may be many.
#[derive(Clone)]
pub struct Bulk {
    /// The same for each try, so that a mail program shows it once.
    pub id: String,
    /// Where no more of it can be asked for with one click (RFC 8058).
    pub unsubscribe: String,
}

impl Message {
    /// A message in plain text.
    #[must_use]
    pub fn plain(to: Email, subject: impl Into<Cow<'static, str>>, text: String) -> Self {
        Self { to, subject: subject.into(), text: Zeroizing::new(text), html: None, picture: None, bulk: None }
    }
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
