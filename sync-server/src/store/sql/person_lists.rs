//! Lists of persons by filter.

use ostiary_common::ids::PersonId;

use super::SqlStore;
use super::opener::Opener;
use super::persons::{PersonRow, select};
use super::statement::Statement;
use crate::domain::person::Person;
use crate::domain::profile::{PersonFilter, ValidAt};
use crate::ports::StoreError;

impl SqlStore {
    pub(super) async fn list_persons(
        &self,
        filter: &PersonFilter,
        after: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, StoreError> {
        let rows: Vec<PersonRow> = list(filter, after, limit).query_as().fetch_all(&self.read).await?;
        let mut opener = Opener::new(&self.master);
        rows.into_iter().map(|row| row.open(&mut opener)).collect()
    }
}

fn list(filter: &PersonFilter, after: Option<PersonId>, limit: u32) -> Statement {
    let mut query = Statement::new(&select(""));
    query.push(" WHERE p.id > ").bind(after.map_or_else(Vec::new, |id| id.as_bytes().to_vec()));
    if let Some(among) = &filter.among {
        // An empty list has nobody in it, which `IN ()` cannot say on every engine.
        query.push(" AND p.id IN (").bind(Vec::<u8>::new());
        for id in among {
            query.push(", ").bind(id.as_bytes().to_vec());
        }
        query.push(")");
    }
    if let Some(group) = filter.group {
        query.push(" AND EXISTS (SELECT 1 FROM memberships m WHERE m.person = p.id AND m.in_group = ");
        query.bind(group.as_bytes().to_vec()).push(")");
    }
    if let Some(groups) = &filter.in_one_of {
        query.push(" AND EXISTS (SELECT 1 FROM memberships m WHERE m.person = p.id AND m.in_group IN (");
        query.bind(Vec::<u8>::new());
        for group in groups {
            query.push(", ").bind(group.as_bytes().to_vec());
        }
        query.push("))");
    }
    if let Some((state, at)) = filter.validity {
        match state {
            ValidAt::Before => query.push(" AND p.valid_from > ").bind(at.0),
            ValidAt::After => query.push(" AND p.valid_until <= ").bind(at.0),
            ValidAt::During => {
                query.push(" AND (p.valid_from IS NULL OR p.valid_from <= ").bind(at.0);
                query.push(") AND (p.valid_until IS NULL OR p.valid_until > ").bind(at.0).push(")")
            }
        };
    }
    if let Some(given) = filter.consent {
        query.push(if given { " AND p.consent_at IS NOT NULL" } else { " AND p.consent_at IS NULL" });
    }
    if let Some(has) = filter.has_templates {
        let not = if has { "" } else { "NOT " };
        query.push(" AND ").push(not).push("EXISTS (SELECT 1 FROM templates t WHERE t.person = p.id)");
    }
    for (compare, time) in [(">=", filter.created_from), ("<", filter.created_until)] {
        if let Some(time) = time {
            query.push(" AND p.created_at ").push(compare).push(" ").bind(time.0);
        }
    }
    query.push(" ORDER BY p.id").limit(limit);
    query
}
