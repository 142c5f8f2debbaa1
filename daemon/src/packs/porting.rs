//! What the conversation with the server and whoever looks after packs tell each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostiary_common::ids::PackId;
use ostiary_common::wire::PackOrder;
use ostiary_common::wire::monitor::OtherPack;
use tokio::sync::watch;

/// What the conversation is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortWord {
    /// Hold the gallery of this pack as well; `None`: of no other.
    Beside(Option<PackId>),
    /// Tell the server how it stands with another pack.
    Tell(Option<OtherPack>),
    /// End, to be started anew with another pack.
    Switch,
}

/// What is to be run, as the server said last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ordered {
    /// It has not said anything since the device was claimed.
    #[default]
    Nothing,
    /// This; `None`: the configuration's own.
    Pack(Option<PackOrder>),
}

/// The board both sides write on.
#[derive(Debug)]
pub struct Porting {
    order: watch::Sender<Ordered>,
    filled: watch::Sender<Option<PackId>>,
    words: Mutex<VecDeque<PortWord>>,
    company: AtomicBool,
}

impl Default for Porting {
    fn default() -> Self {
        let (order, filled) = (watch::Sender::new(Ordered::Nothing), watch::Sender::new(None));
        Self { order, filled, words: Mutex::default(), company: AtomicBool::new(false) }
    }
}

impl Porting {
    /// The server wants this.
    pub fn order(&self, order: Option<PackOrder>) {
        // The same again, with other settings, is no reason to begin anew.
        self.order.send_if_modified(|known| {
            let wanted = Ordered::Pack(order);
            let is_new = *known != wanted;
            *known = wanted;
            is_new
        });
    }

    /// What the server wants.
    pub fn orders(&self) -> watch::Receiver<Ordered> {
        self.order.subscribe()
    }

    /// The gallery held beside is the server's, of this pack; `None` if none is.
    pub fn fill(&self, pack: Option<PackId>) {
        self.filled.send_if_modified(|known| {
            let is_new = *known != pack;
            *known = pack;
            is_new
        });
    }

    /// Whether the gallery of a pack is held beside and proven.
    pub fn is_filled(&self, pack: &PackId) -> bool {
        self.filled.borrow().as_ref() == Some(pack)
    }

    /// Asks the conversation for something; whoever asks wakes it.
    pub fn ask(&self, word: PortWord) {
        self.words().push_back(word);
    }

    /// What the conversation is asked, in order.
    pub fn heard(&self) -> Vec<PortWord> {
        self.words().drain(..).collect()
    }

    /// Whether somebody is in sight, whose visit must not be cut in two.
    pub fn set_company(&self, is_there: bool) {
        self.company.store(is_there, Ordering::Relaxed);
    }

    /// The same, asked.
    pub fn has_company(&self) -> bool {
        self.company.load(Ordering::Relaxed)
    }

    fn words(&self) -> MutexGuard<'_, VecDeque<PortWord>> {
        // A queue is whole between two calls.
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
