//! Whoever refers to a row is found by an index when the row goes, or each removal would read a whole table.

use std::collections::BTreeMap;

use super::place::Place;
use super::plans::{sqlite_plan, tables};

/// What refers to rows that are never removed (versions of a text, devices), or is few at any time (links that serve
/// once, for an hour).
const STAY: &[(&str, &str)] =
    &[("consents", "text_version"), ("erasure_devices", "device"), ("one_time_tokens", "session")];

#[tokio::test]
async fn whatever_refers_to_a_row_is_found_when_the_row_goes() {
    let place = Place::sqlite();
    place.open().await.close().await;
    let pool = place.pool().await;
    let mut unfound = Vec::new();
    for table in tables(&pool).await {
        let refers: Vec<(i64, String)> = sqlx::query_as("SELECT id, \"from\" FROM pragma_foreign_key_list($1)")
            .bind(&table)
            .fetch_all(&pool)
            .await
            .unwrap();
        let mut keys: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        refers.into_iter().for_each(|(key, column)| keys.entry(key).or_default().push(column));
        for columns in keys.into_values() {
            let is_known = |(of, column): &&(&str, &str)| *of == table && columns == [*column];
            if STAY.iter().any(|known| is_known(&known)) {
                continue;
            }
            let condition = columns.iter().map(|column| format!("{column} = $1")).collect::<Vec<_>>().join(" AND ");
            let text = format!("SELECT 1 FROM {table} WHERE {condition}");
            let plan = sqlite_plan(&mut pool.acquire().await.unwrap(), &text).await;
            if plan.iter().any(|step| step.starts_with("SCAN")) {
                unfound.push(format!("{table}.{}", columns.join("+")));
            }
        }
    }
    assert_eq!(unfound, [""; 0], "a row that these refer to is removed by reading all of them");
}
