//! Persons removed for good or merged into others, as ingest asks for them: a device that was away may still tell of one.

use std::collections::HashMap;

use ostiary_common::ids::PersonId;
use ostiary_common::wire::EventRecord;
use sqlx::AnyConnection;

use super::mending::now_known_as;
use crate::domain::erasure::forget_person;
use crate::ports::StoreError;

/// What one transaction learned of who is gone. Not kept longer: another one may remove somebody.
#[derive(Default)]
pub(super) struct Gone {
    removed: HashMap<PersonId, bool>,
    merged: HashMap<PersonId, Option<PersonId>>,
}

impl Gone {
    /// Takes everybody who is gone out of a record.
    pub(super) async fn forget_in(
        &mut self,
        tx: &mut AnyConnection,
        record: &mut EventRecord,
    ) -> Result<(), StoreError> {
        let Some(visit) = record.visit.as_ref() else { return Ok(()) };
        let told = [visit.matched.map(|it| it.person), visit.nearest.map(|it| it.person)];
        for person in told.into_iter().flatten() {
            if self.has(tx, person).await? {
                forget_person(record, person);
                metrics::counter!("ostiary_server_events_of_erased_total").increment(1);
            }
        }
        Ok(())
    }

    async fn has(&mut self, tx: &mut AnyConnection, person: PersonId) -> Result<bool, StoreError> {
        if let Some(gone) = self.removed.get(&person) {
            return Ok(*gone);
        }
        let graves: i64 = sqlx::query_scalar("SELECT count(*) FROM tombstones WHERE person = $1")
            .bind(person.as_bytes().as_slice())
            .fetch_one(tx)
            .await?;
        let gone = graves > 0;
        self.removed.insert(person, gone);
        Ok(gone)
    }

    /// Who somebody was merged into; `None` for who is a person of their own.
    pub(super) async fn known_as(
        &mut self,
        tx: &mut AnyConnection,
        person: PersonId,
    ) -> Result<Option<PersonId>, StoreError> {
        if let Some(known) = self.merged.get(&person) {
            return Ok(*known);
        }
        let known = now_known_as(tx, person).await?;
        self.merged.insert(person, known);
        Ok(known)
    }
}
