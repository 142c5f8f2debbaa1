//! Conversations: `keys` opens what is sealed, `threads` and `messages` are their tables' reads and writes, `follow` has
//! those about unknown visitors follow what becomes of these.

mod follow;
mod keys;
mod messages;
mod rows;
mod threads;

use std::collections::HashSet;

use async_trait::async_trait;
use ostiary_common::ids::UserId;
use ostiary_common::time::UnixMillis;

pub(super) use self::follow::end_orphans;
use super::SqlStore;
use crate::domain::audit::AuditNote;
use crate::domain::notify::{MessageId, ThreadId};
use crate::domain::recognition::Change;
use crate::domain::talk::{Message, Thread};
use crate::ports::StoreError;
use crate::ports::talk::{NewMessage, OldThreads, Searchable, TalkSight, TalkStore, ThreadChange, ThreadFilter};

#[async_trait]
impl TalkStore for SqlStore {
    async fn open_thread(&self, thread: &Thread) -> Result<(Thread, bool), StoreError> {
        self.begin_thread(thread).await
    }

    async fn thread(&self, id: ThreadId, account: UserId) -> Result<Option<Thread>, StoreError> {
        self.thread_of(id, account).await
    }

    async fn threads(
        &self,
        sight: &TalkSight,
        filter: ThreadFilter,
        before: Option<(UnixMillis, ThreadId)>,
        limit: u32,
    ) -> Result<Vec<Thread>, StoreError> {
        self.list_threads(sight, filter, before, limit).await
    }

    async fn visible(&self, sight: &TalkSight, threads: &[ThreadId]) -> Result<HashSet<ThreadId>, StoreError> {
        self.visible_of(sight, threads).await
    }

    async fn say(&self, message: &NewMessage) -> Result<bool, StoreError> {
        self.add_message(message).await
    }

    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.message_of(id).await
    }

    async fn messages(
        &self,
        thread: ThreadId,
        before: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        self.list_messages(thread, before, limit).await
    }

    async fn edit(&self, id: MessageId, text: Option<&str>, now: UnixMillis) -> Result<bool, StoreError> {
        self.edit_message(id, text, now).await
    }

    async fn history(&self, id: MessageId) -> Result<Vec<(UnixMillis, String)>, StoreError> {
        self.message_history(id).await
    }

    async fn put_thread(
        &self,
        id: ThreadId,
        became: ThreadChange,
        change: Change,
        note: &AuditNote,
    ) -> Result<Option<u64>, StoreError> {
        self.set_thread(id, became, change, note).await
    }

    async fn read_upto(
        &self,
        account: UserId,
        thread: ThreadId,
        upto: MessageId,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        self.mark_thread(account, thread, upto, now).await
    }

    async fn searchable(&self, after: i64, limit: u32) -> Result<Vec<Searchable>, StoreError> {
        self.changed_messages(after, limit).await
    }

    async fn newest_edit(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT edit FROM message_edits").fetch_one(&self.read).await?)
    }

    async fn prune_threads(&self, old: &OldThreads<'_>, at_most: u32) -> Result<u64, StoreError> {
        self.remove_old_threads(old, at_most).await
    }

    async fn old_threads(&self, old: &OldThreads<'_>, at_most: u32) -> Result<u64, StoreError> {
        self.count_old_threads(old, at_most).await
    }
}
