//! Messages to other programs, by HTTP.

use async_trait::async_trait;
use bytes::Bytes;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Headers beside those of HTTP.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent; JSON, unless a header says otherwise.
    pub body: Bytes,
}

/// Why something was not taken. Holds neither the address's path nor what was answered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// It will not be taken however often it is tried.
    #[error("{0}")]
    Refused(String),
    /// It is wanted no more (410).
    #[error("{0}")]
    Gone(String),
    /// There is nothing at that address (404).
    #[error("{0}")]
    Missing(String),
    /// It may be taken later.
    #[error("{0}")]
    Later(String),
}

/// Takes messages to other programs.
#[async_trait]
pub trait Poster: Send + Sync {
    /// Checks an address without calling it: its form, and that its scheme may be used at all.
    fn check(&self, url: &str) -> Result<(), PostError>;
    /// Hands a message over.
    async fn post(&self, post: Post) -> Result<(), PostError>;
}
