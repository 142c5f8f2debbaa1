//! The keys of conversations, from the rows they lie in.

use ostiary_common::ids::PersonId;
use sqlx::AnyConnection;

use super::rows::MessageRow;
use crate::domain::notify::ThreadId;
use crate::ports::StoreError;
use crate::sealing::{ThreadKeeper, ThreadKey};
use crate::store::sql::error::corrupt;
use crate::store::sql::opener::{key_of, unwrap};
use crate::store::sql::{SqlStore, columns};

/// Opens rows of one conversation after another; the last one's key is kept no longer than an answer takes.
pub(super) struct ThreadOpener<'a> {
    store: &'a SqlStore,
    last: Option<(Vec<u8>, ThreadKey)>,
}

impl<'a> ThreadOpener<'a> {
    pub(super) const fn new(store: &'a SqlStore) -> Self {
        Self { store, last: None }
    }

    /// What a message says; `None` if it was taken back.
    pub(super) fn text(&mut self, row: &MessageRow) -> Result<Option<String>, StoreError> {
        row.sealed.as_deref().map(|sealed| self.open(row, sealed)).transpose()
    }

    /// A text sealed for a message.
    pub(super) fn open(&mut self, row: &MessageRow, sealed: &[u8]) -> Result<String, StoreError> {
        let message: [u8; 16] = row.id.as_slice().try_into().map_err(|e| corrupt("message", e))?;
        self.key(row)?.open(&message, sealed).map_err(|e| corrupt("message", e))
    }

    fn key(&mut self, row: &MessageRow) -> Result<&ThreadKey, StoreError> {
        if self.last.as_ref().is_none_or(|(of, _)| *of != row.thread) {
            let thread: [u8; 16] = row.thread.as_slice().try_into().map_err(|e| corrupt("conversation", e))?;
            let key = match (&row.person, &row.person_key) {
                (Some(person), Some(wrapped)) => {
                    let key = unwrap(&self.store.master, columns::id(PersonId, person)?, wrapped)?;
                    ThreadKey::unwrap(&ThreadKeeper::Person(&key), &thread, &row.wrapped)
                }
                _ => ThreadKey::unwrap(&ThreadKeeper::Directory(&self.store.directory.key), &thread, &row.wrapped),
            };
            self.last = Some((row.thread.clone(), key.map_err(|e| corrupt("conversation's key", e))?));
        }
        Ok(&self.last.as_ref().expect("set above").1)
    }
}

impl SqlStore {
    /// A new conversation's wrapped key; [`StoreError::NoSuch`] if the person is not there.
    pub(super) async fn new_thread_key(
        &self,
        conn: &mut AnyConnection,
        thread: ThreadId,
        person: Option<PersonId>,
    ) -> Result<Vec<u8>, StoreError> {
        let Some(person) = person else {
            return Ok(ThreadKey::new(&ThreadKeeper::Directory(&self.directory.key), thread.as_bytes()).1);
        };
        let key = key_of(conn, &self.master, person).await?.ok_or(StoreError::NoSuch("person"))?;
        Ok(ThreadKey::new(&ThreadKeeper::Person(&key), thread.as_bytes()).1)
    }

    /// A conversation's key; `None` if it is not there.
    pub(super) async fn thread_key(
        &self,
        conn: &mut AnyConnection,
        thread: ThreadId,
    ) -> Result<Option<ThreadKey>, StoreError> {
        let row: Option<(Vec<u8>, Option<Vec<u8>>)> =
            sqlx::query_as("SELECT wrapped, person FROM threads WHERE id = $1")
                .bind(thread.as_bytes().to_vec())
                .fetch_optional(&mut *conn)
                .await?;
        let Some((wrapped, person)) = row else { return Ok(None) };
        let opened = match person {
            Some(person) => {
                let person = columns::id(PersonId, &person)?;
                let Some(key) = key_of(conn, &self.master, person).await? else { return Ok(None) };
                ThreadKey::unwrap(&ThreadKeeper::Person(&key), thread.as_bytes(), &wrapped)
            }
            None => ThreadKey::unwrap(&ThreadKeeper::Directory(&self.directory.key), thread.as_bytes(), &wrapped),
        };
        opened.map(Some).map_err(|e| corrupt("conversation's key", e))
    }
}
