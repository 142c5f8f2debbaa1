//! A reach as a condition.

use std::collections::BTreeSet;

use crate::domain::access::Reach;
use crate::store::sql::statement::Statement;

/// Adds ` AND …`: what is at the site in column `site` and the door in column `door` lies within.
pub(in crate::store::sql) fn within(statement: &mut Statement, reach: &Reach, site: &str, door: &str) {
    let Reach::Within { sites, doors } = reach else { return };
    statement.push(" AND (");
    one_of(statement, site, sites.iter().map(|site| site.as_bytes().to_vec()));
    statement.push(" OR ");
    one_of(statement, door, doors.iter().map(|door| door.as_bytes().to_vec()));
    statement.push(")");
}

/// Adds a condition: the column is one of these ids. None of them is never so.
pub(super) fn one_of(statement: &mut Statement, column: &str, ids: impl IntoIterator<Item = Vec<u8>>) {
    let ids: BTreeSet<Vec<u8>> = ids.into_iter().collect();
    if ids.is_empty() {
        statement.push("1 = 0");
    } else {
        statement.push(column).push(" IN ").bind_list(ids);
    }
}
