//! Rows of conversations and messages.

use ostiary_common::ids::{DoorId, PersonId, SiteId, UserId};
use ostiary_common::time::UnixMillis;
use uuid::Uuid;

use crate::domain::notify::ThreadId;
use crate::domain::talk::{About, Thread, ThreadState};
use crate::ports::StoreError;
use crate::store::sql::columns;
use crate::store::sql::error::corrupt;
use crate::store::sql::values::Flag;

/// Columns of [`ThreadRow`] but what is unread; the table is `t`.
pub(super) const THREAD: &str = "t.id, t.about, t.subject, t.person, t.site, t.door, t.state, t.assignee, t.held,
    t.messages, t.created_at, t.last_at, t.version";

#[derive(sqlx::FromRow)]
pub(super) struct ThreadRow {
    id: Vec<u8>,
    about: String,
    subject: Vec<u8>,
    person: Option<Vec<u8>>,
    site: Option<Vec<u8>>,
    door: Option<Vec<u8>>,
    state: String,
    assignee: Option<Vec<u8>>,
    held: Flag,
    messages: i64,
    created_at: i64,
    last_at: i64,
    version: i64,
    unread: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct MessageRow {
    pub(super) id: Vec<u8>,
    pub(super) thread: Vec<u8>,
    pub(super) author: Option<Vec<u8>>,
    pub(super) at: i64,
    pub(super) edited_at: Option<i64>,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) edit: i64,
    pub(super) wrapped: Vec<u8>,
    pub(super) person: Option<Vec<u8>>,
    pub(super) person_key: Option<Vec<u8>>,
}

fn id<T>(make: fn(Uuid) -> T, bytes: Option<Vec<u8>>) -> Result<Option<T>, StoreError> {
    bytes.map(|bytes| columns::id(make, &bytes)).transpose()
}

impl TryFrom<ThreadRow> for Thread {
    type Error = StoreError;
    fn try_from(row: ThreadRow) -> Result<Self, StoreError> {
        let about = About::parse(&row.about, columns::id(|id| id, &row.subject)?);
        Ok(Self {
            id: columns::id(ThreadId, &row.id)?,
            about: about.ok_or_else(|| corrupt("conversation", &row.about))?,
            person: id(PersonId, row.person)?,
            place: id(SiteId, row.site)?.zip(id(DoorId, row.door)?),
            state: ThreadState::parse(&row.state).ok_or_else(|| corrupt("conversation", &row.state))?,
            assignee: id(UserId, row.assignee)?,
            held: row.held.0,
            messages: columns::unsigned("messages", row.messages)?,
            created_at: UnixMillis(row.created_at),
            last_at: UnixMillis(row.last_at),
            version: columns::unsigned("version", row.version)?,
            unread: columns::unsigned("unread", row.unread)?,
        })
    }
}
