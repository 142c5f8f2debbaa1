//! Names of persons as events show them: opened once, and kept in memory.
//!
//! A page of events names few persons many times, and opening a name takes two keys. What is kept is bound to the sealed
//! bytes it was opened from, which every row brings along and every change of the name replaces: a name that another
//! server changed is not shown once more, whoever heard of the change. Persons who are gone are forgotten with the next
//! revision of the gallery ([`SqlStore::forget_names`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use ostiary_common::ids::PersonId;
use ostiary_common::seal::OpenError;

use super::error::corrupt;
use super::events::EventRow;
use super::opener::unwrap;
use super::statement::Statement;
use super::{SqlStore, columns};
use crate::domain::event::StoredEvent;
use crate::ports::StoreError;

/// The least used go beyond it. Each takes some two hundred bytes.
const KEPT_AT_MOST: u64 = 50_000;
/// Who is not seen any more need not be known by name.
const IDLE_FOR: Duration = Duration::from_secs(600);

/// A name, and what it was opened from.
#[derive(Clone)]
struct Shown {
    sealed: Arc<[u8]>,
    name: Arc<str>,
}

/// Names opened lately.
pub(super) struct ShownNames(Cache<PersonId, Shown>);

impl Default for ShownNames {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT_AT_MOST).time_to_idle(IDLE_FOR).build())
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    person: Vec<u8>,
    wrapped: Vec<u8>,
}

impl SqlStore {
    /// Forgets every name kept in memory: somebody may be gone.
    pub fn forget_names(&self) {
        self.names.0.invalidate_all();
    }

    /// Events of rows, with the names of whom they are about.
    pub(super) async fn open_events(&self, rows: Vec<EventRow>) -> Result<Vec<StoredEvent>, StoreError> {
        let names = self.names_of(&rows).await?;
        rows.into_iter().map(|row| row.open(&names)).collect()
    }

    async fn names_of(&self, rows: &[EventRow]) -> Result<HashMap<PersonId, Arc<str>>, StoreError> {
        let mut sealed: HashMap<PersonId, &[u8]> = HashMap::new();
        for (id, name) in rows.iter().filter_map(EventRow::sealed_name) {
            sealed.insert(columns::id(PersonId, id)?, name);
        }
        let mut names = HashMap::with_capacity(sealed.len());
        for (id, bytes) in &sealed {
            if let Some(kept) = self.names.0.get(id).await.filter(|kept| *kept.sealed == **bytes) {
                names.insert(*id, kept.name);
            }
        }
        sealed.retain(|id, _| !names.contains_key(id));
        if !sealed.is_empty() {
            self.open_names_of(&sealed, &mut names).await?;
        }
        Ok(names)
    }

    /// Opens these names. Who has no key any more has no name.
    async fn open_names_of(
        &self,
        sealed: &HashMap<PersonId, &[u8]>,
        names: &mut HashMap<PersonId, Arc<str>>,
    ) -> Result<(), StoreError> {
        let mut statement = Statement::new("SELECT person, wrapped FROM person_keys WHERE person IN ");
        statement.bind_list(sealed.keys().map(|id| id.as_bytes().to_vec()));
        let keys: Vec<KeyRow> = statement.query_as().fetch_all(&self.read).await?;
        for row in keys {
            let id = columns::id(PersonId, &row.person)?;
            let Some(bytes) = sealed.get(&id) else { continue };
            let opened: Result<String, OpenError> = unwrap(&self.master, id, &row.wrapped)?.open_name(bytes);
            let name: Arc<str> = opened.map_err(|e| corrupt("name", e))?.into();
            self.names.0.insert(id, Shown { sealed: Arc::from(*bytes), name: Arc::clone(&name) }).await;
            names.insert(id, name);
        }
        Ok(())
    }
}
