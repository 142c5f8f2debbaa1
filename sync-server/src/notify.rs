//! People are told of what matters: rules over what happened, gathered, sent, and never lost.
//!
//! [`herald`] follows committed events, the audit log and the state of things, and writes what is to be told in one
//! transaction with how far it followed; cut off anywhere, it goes on from there. [`courier`] sends what waits, again
//! and again until it is taken. What is written stands in [`words`], the forms of rules and wishes in [`form`]. The rules
//! themselves are pure, in [`domain::notify`](crate::domain::notify).

pub mod conditions;
pub mod courier;
mod desk;
pub mod direct;
pub mod form;
pub mod herald;
mod letter;
pub mod push;
pub mod rulebook;
pub mod settings;
pub mod signals;
pub mod signed;
pub mod unsubscribe;
pub mod words;

use tokio::sync::watch;

pub use self::rulebook::Rulebook;
use crate::ports::accounts::AccountBook;
use crate::ports::notify::{CentreStore, HeraldStore, OutboxStore, RuleStore};
use crate::ports::push::PushStore;
use crate::ports::talk::TalkStore;
use crate::ports::{Store, reach::ReachStore};

/// What telling people asks of the store.
pub trait NotifyStore:
    Store + ReachStore + AccountBook + HeraldStore + OutboxStore + CentreStore + RuleStore + PushStore + TalkStore
{
}

impl<T> NotifyStore for T where
    T: Store + ReachStore + AccountBook + HeraldStore + OutboxStore + CentreStore + RuleStore + PushStore + TalkStore
{
}

/// Tells parts of this process of each other's news. Losing one loses nothing: each also looks now and then.
#[derive(Clone, Debug)]
pub struct Bells {
    /// There is something to be sent.
    pub outbox: watch::Sender<u64>,
    /// Somebody was told of something, or read it.
    pub centre: watch::Sender<u64>,
}

impl Default for Bells {
    fn default() -> Self {
        Self { outbox: watch::Sender::new(0), centre: watch::Sender::new(0) }
    }
}

impl Bells {
    /// There is something to be sent, and to be seen.
    pub fn ring(&self) {
        self.outbox.send_modify(|count| *count += 1);
        self.centre.send_modify(|count| *count += 1);
    }
}
