//! Conversations. Texts go in and come out open; in the store they lie sealed.

use std::collections::HashSet;

use async_trait::async_trait;
use ostiary_common::ids::{EventId, SiteId, UserId};
use ostiary_common::time::UnixMillis;

use super::StoreError;
use crate::domain::access::{Circle, Reach};
use crate::domain::audit::AuditNote;
use crate::domain::notify::{MessageId, ThreadId};
use crate::domain::recognition::Change;
use crate::domain::talk::{About, Message, Thread, ThreadState};

/// Whose conversations are looked for, and what of them may be seen.
#[derive(Clone, Debug)]
pub struct TalkSight {
    /// Who reads: what is unread is counted for them.
    pub account: UserId,
    /// Doors whose conversations may be seen.
    pub reach: Reach,
    /// Persons of whom they may be.
    pub circle: Circle,
}

/// Which conversations a list wants.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadFilter {
    /// In this state.
    pub state: Option<ThreadState>,
    /// Whose turn it is.
    pub assignee: Option<UserId>,
    /// In which this account wrote, was named, or is to act.
    pub of: Option<UserId>,
    /// About this.
    pub about: Option<About>,
}

/// A message to be kept.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Id.
    pub id: MessageId,
    /// In which conversation.
    pub thread: ThreadId,
    /// Who writes it.
    pub author: UserId,
    /// When.
    pub at: UnixMillis,
    /// What it says.
    pub text: String,
    /// Whom it names.
    pub mentions: Vec<UserId>,
    /// Which events it points to.
    pub events: Vec<EventId>,
}

/// What of a conversation changes.
#[derive(Clone, Copy, Debug)]
pub struct ThreadChange {
    /// Its state.
    pub state: ThreadState,
    /// Whose turn it is.
    pub assignee: Option<UserId>,
    /// Whether it is kept.
    pub held: bool,
}

/// A message as search knows it.
#[derive(Clone, Debug)]
pub struct Searchable {
    /// The number of its last change.
    pub edit: i64,
    /// The message.
    pub message: MessageId,
    /// Its conversation.
    pub thread: ThreadId,
    /// What it says; `None` if it was taken back, or cannot be opened any more.
    pub text: Option<String>,
}

/// Conversations in which nothing was said for long, and that are not held.
#[derive(Clone, Copy, Debug)]
pub struct OldThreads<'a> {
    /// About things of this site; of none, and of none of `but`, if `None`.
    pub site: Option<SiteId>,
    /// Sites that have a time of their own.
    pub but: &'a [SiteId],
    /// Nothing was said since.
    pub before: UnixMillis,
}

/// Keeps conversations.
#[async_trait]
pub trait TalkStore: Send + Sync {
    /// The conversation about something, begun now if there is none; `true` if it was. [`StoreError::NoSuch`] if the
    /// person is not there.
    async fn open_thread(&self, thread: &Thread) -> Result<(Thread, bool), StoreError>;
    /// One, as an account sees it.
    async fn thread(&self, id: ThreadId, account: UserId) -> Result<Option<Thread>, StoreError>;
    /// A page of those that may be seen, the last spoken in first, before `before`.
    async fn threads(
        &self,
        sight: &TalkSight,
        filter: ThreadFilter,
        before: Option<(UnixMillis, ThreadId)>,
        limit: u32,
    ) -> Result<Vec<Thread>, StoreError>;
    /// Which of these may be seen.
    async fn visible(&self, sight: &TalkSight, threads: &[ThreadId]) -> Result<HashSet<ThreadId>, StoreError>;
    /// Adds a message, which opens a resolved conversation again. `false` if it is not there any more.
    async fn say(&self, message: &NewMessage) -> Result<bool, StoreError>;
    /// One message.
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError>;
    /// A page of messages, the newest first, before `before`.
    async fn messages(
        &self,
        thread: ThreadId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError>;
    /// Changes what a message says (`None` takes it back) and keeps what it said. `false` if it is not there or was taken
    /// back.
    async fn edit(&self, id: MessageId, text: Option<&str>, now: UnixMillis) -> Result<bool, StoreError>;
    /// What a message said before, the oldest first, each until when.
    async fn history(&self, id: MessageId) -> Result<Vec<(UnixMillis, String)>, StoreError>;
    /// Sets what of a conversation changes, with its line in the audit log, and returns the new version;
    /// [`StoreError::Outdated`]; `None` if it is not there.
    async fn put_thread(
        &self,
        id: ThreadId,
        became: ThreadChange,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError>;
    /// An account has read up to here.
    async fn read_upto(
        &self,
        account: UserId,
        thread: ThreadId,
        upto: MessageId,
        now: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Messages changed after number `after`, in order of the change.
    async fn searchable(&self, after: i64, limit: u32) -> Result<Vec<Searchable>, StoreError>;
    /// The number of the last change.
    async fn newest_edit(&self) -> Result<i64, StoreError>;
    /// Removes conversations that are old, `at_most` so many.
    async fn prune_threads(&self, old: &OldThreads<'_>, at_most: u32) -> Result<u64, StoreError>;
    /// How many are, counted up to `at_most`.
    async fn old_threads(&self, old: &OldThreads<'_>, at_most: u32) -> Result<u64, StoreError>;
}
