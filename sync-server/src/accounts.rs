//! Who comes in, and how: log-in with a second step, sessions, invitations, registration, links, services and their keys.
//!
//! A service over [`ports`](crate::ports): the rules are in [`domain::account`](crate::domain::account), what is kept is
//! in the store, and `http` and `cli` use this. Start reading at [`log_in`], then [`sessions`].

pub mod csrf;
pub mod invite;
pub mod links;
pub mod log_in;
pub mod mail;
pub mod register;
pub mod reset;
pub mod secrets;
pub mod service_keys;
pub mod sessions;
pub mod standings;
pub mod totp;

use std::sync::Arc;

use ostiary_common::time::UnixMillis;
use tokio::sync::watch;

use self::links::Links;
use self::mail::Post;
use self::standings::Standings;
use crate::config::AccountsConfig;
use crate::domain::account::session::MAX_USER_AGENT_CHARS;
use crate::identity::password::{HashFailed, Passwords};
use crate::identity::tokens::Tokens;
use crate::ports::accounts::AccountBook;
use crate::ports::{Clock, StoreError};

/// Everything about accounts.
pub struct Accounts {
    /// What is kept.
    pub book: Arc<dyn AccountBook>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Signs and checks access tokens.
    pub tokens: Arc<Tokens>,
    /// How long what lasts.
    pub rules: AccountsConfig,
    /// Takes messages.
    pub post: Post,
    /// Makes links.
    pub links: Links,
    /// Rises with everything that may end somebody's standing.
    pub changes: watch::Sender<u64>,
    /// Who somebody is, remembered until then.
    pub standings: Standings,
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub struct Client {
    /// Address and port, as the audit log has it.
    pub address: String,
    /// The address to count by.
    pub network: String,
    /// What the client says it is.
    pub user_agent: String,
}

/// Why something about an account could not be done, beyond what each part says itself.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashFailed),
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

impl Accounts {
    /// Now.
    pub fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// Has everybody who stays connected look again whether he may.
    pub fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Has everybody looked up anew, because nobody knows what other servers changed.
    pub fn doubt(&self) {
        self.standings.doubt();
    }
}

impl Client {
    /// What a client says of itself, cut and cleaned.
    pub fn new(address: String, network: String, user_agent: &str) -> Self {
        let clean = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
        Self { address, network, user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).map(clean).collect() }
    }
}
