//! Every statement about what grows finds its rows by an index, on both databases.
//!
//! The stories of other tests are told once more while PostgreSQL writes down what it is asked. Each statement is then
//! explained: by PostgreSQL with scans of whole tables forbidden, so that one that is left has no index to go by, and
//! by SQLite, which says so itself. Plans of both are those for parameters that are not known: however much there is, a
//! million events say, the plan is the same.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};

use super::place::{Diary, Place, Story};
use super::{
    commands, consent, door_enrollments, jobs, judgements, mending, names, nights, notify, retention, talked, unknowns,
};

/// Tables that stay small in any installation, or of which all is always wanted.
const SMALL: &[&str] = &[
    "_sqlx_migrations",
    "accounts",
    "account_grants",
    "audit_head",
    "changes",
    "consent_texts",
    "devices",
    "doors",
    "face_grouping",
    "followers",
    "gallery",
    "installation",
    "leases",
    "message_edits",
    "notify_conditions",
    "notify_rules",
    "person_edits",
    "person_groups",
    "push_subscriptions",
    "recognition",
    "replicas",
    "retention_removed",
    "sealing",
    "settings",
    "sites",
    "store_keys",
    "store_move",
    // Emptied at the first start with accounts.
    "users",
    "webhooks",
];

/// Statements that read all of a table on purpose, by a piece of them, and why.
const WHOLE: &[(&str, &str)] = &[
    ("FROM api_keys WHERE last_used_from IS NOT NULL LIMIT", "at a start, until everything is sealed"),
    ("FROM sessions WHERE user_agent <> '' OR address <> '' LIMIT", "at a start, until everything is sealed"),
    ("FROM audit ORDER BY id LIMIT", "lines of before the chain, from the first on, at the first start"),
    ("FROM persons WHERE valid_from IS NOT NULL OR valid_until IS NOT NULL", "a clock that was set back"),
    ("FROM unknown_visits v JOIN unknowns u ON u.id = v.visitor WHERE u.pack", "all that a server holds in memory"),
    ("DELETE FROM unknowns WHERE NOT EXISTS", "visitors of a few days, once an hour"),
    ("SELECT sealed FROM device_command_attachments", "asked by a test"),
];

/// Statements of whose parameters only the binding tells the types, and PostgreSQL cannot prepare them without. SQLite
/// explains them.
const UNTYPED: &[&str] = &["UPDATE jobs SET state = CASE WHEN items = 0", "CROSS JOIN recognition i"];

/// Told at once.
const TOGETHER: usize = 4;

fn stories() -> Vec<Story> {
    [
        commands::stories(),
        consent::stories(),
        door_enrollments::stories(),
        jobs::stories(),
        judgements::stories(),
        mending::stories(),
        names::stories(),
        nights::stories(),
        notify::stories(),
        retention::stories(),
        talked::stories(),
        unknowns::stories(),
    ]
    .concat()
}

/// What a plan was asked for.
fn text(plan: &str) -> Option<String> {
    let (_, behind) = plan.split_once("Query Text: ")?;
    let lines = behind.lines().take_while(|line| !line.contains("(cost="));
    Some(lines.map(str::trim).collect::<Vec<_>>().join(" "))
}

/// Tells a story and returns what the database was asked meanwhile.
async fn statements((_, tell): &Story) -> BTreeSet<String> {
    let place = Place::postgres().await;
    place.open().await.close().await;
    let pool = place.pool().await;
    place.watch_plans(&pool).await;
    pool.close().await;
    let diary: Diary = place.diary();
    tell(place).await;
    diary.plans(0).0.iter().filter_map(|plan| text(plan)).collect()
}

async fn all_statements() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for some in stories().chunks(TOGETHER) {
        join_all(some.iter().map(statements)).await.into_iter().for_each(|more| found.extend(more));
    }
    // What tests ask past the store, and what a database asks itself.
    found.retain(|text| !["pg_catalog", "current_database", "COPY"].iter().any(|piece| text.contains(piece)));
    found
}

/// How many parameters a statement has.
fn parameters(text: &str) -> usize {
    let numbers = text.split('$').skip(1).filter_map(|behind| {
        let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    numbers.max().unwrap_or(0)
}

/// The plan PostgreSQL has for any values, with scans of whole tables as the last resort; `None` if it cannot tell what
/// values it is to expect.
async fn postgres_plan(conn: &mut AnyConnection, text: &str) -> Option<Vec<String>> {
    let count = parameters(text);
    let ids = format!("({})", vec!["bytea"; count].join(", "));
    let mut prepared = false;
    for types in ["", &ids] {
        let prepare = format!("PREPARE asked{types} AS {text}");
        prepared = prepared || sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.is_ok();
    }
    if !prepared {
        return None;
    }
    let nulls = vec!["NULL"; count].join(", ");
    let arguments = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let rows = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN EXECUTE asked{arguments}"))).fetch_all(&mut *conn).await;
    let rows = rows.unwrap_or_else(|e| panic!("{text}: {e}"));
    sqlx::raw_sql("DEALLOCATE asked").execute(conn).await.unwrap();
    Some(rows.iter().map(|row| row.get::<String, _>(0)).collect())
}

pub(super) async fn sqlite_plan(conn: &mut AnyConnection, text: &str) -> Vec<String> {
    let explained = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"))).fetch_all(conn).await;
    let plan: Vec<(i64, i64, i64, String)> = explained.unwrap_or_else(|e| panic!("{text}: {e}"));
    plan.into_iter().map(|step| step.3).collect()
}

/// What a database has, as far as plans are read by it.
struct Schema {
    /// Tables that grow.
    tables: BTreeSet<String>,
    /// Indexes of some rows only: who goes along one of them reads no more than those.
    partial: BTreeSet<String>,
}

impl Schema {
    async fn of_sqlite(pool: &AnyPool) -> Self {
        let partial = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'";
        let partial: Vec<String> = sqlx::query_scalar(partial).fetch_all(pool).await.unwrap();
        Self { tables: tables(pool).await, partial: partial.into_iter().collect() }
    }

    /// Tables that a plan of `text` reads from end to end; `of` gives what a step says behind such words.
    fn scanned(&self, plan: &[String], text: &str, of: impl Fn(&str) -> Option<&str>) -> BTreeSet<&str> {
        let is_page = text.contains("LIMIT");
        let steps = plan.iter().filter_map(|step| of(step.trim_start_matches([' ', '-', '>'])));
        let is_whole = |behind: &&str| {
            let index = behind.split_once(" INDEX ").map(|(_, index)| index.trim());
            // Along an index in the order wanted, with an end: a page.
            index.is_none_or(|index| !is_page && !self.partial.contains(index))
        };
        steps.filter(is_whole).filter_map(|it| named(it.split_whitespace().next()?, text, &self.tables)).collect()
    }
}

/// A count of everything, as figures want it once a day, and tests.
fn counts_all(text: &str) -> bool {
    text.starts_with("SELECT count(*) FROM ") && !text.contains("WHERE")
}

/// The table of a name in a plan: its own, or the one that a statement gives it.
fn named<'t>(word: &str, text: &str, names: &'t BTreeSet<String>) -> Option<&'t str> {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "(),".contains(c)).collect();
    let is_alias = |name: &str| {
        words.windows(2).any(|two| two == [name, word]) || words.windows(3).any(|three| three == [name, "AS", word])
    };
    let own = names.get(word).map(String::as_str);
    own.or_else(|| names.iter().map(String::as_str).find(|name| is_alias(name)))
}

fn by_postgres(step: &str) -> Option<&str> {
    step.strip_prefix("Seq Scan on ")
}

fn by_sqlite(step: &str) -> Option<&str> {
    step.strip_prefix("SCAN ")
}

pub(super) async fn tables(pool: &AnyPool) -> BTreeSet<String> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(pool).await.unwrap();
    names.into_iter().filter(|name| !SMALL.contains(&name.as_str())).collect()
}

fn has<'p>(pieces: impl IntoIterator<Item = &'p str>, text: &str) -> bool {
    pieces.into_iter().any(|piece| text.contains(piece))
}

#[tokio::test]
async fn what_grows_is_never_read_from_end_to_end() {
    let asked = all_statements().await;
    assert!(asked.len() > 200, "only {} statements were heard", asked.len());
    let (sqlite, postgres) = (Place::sqlite(), Place::postgres().await);
    sqlite.open().await.close().await;
    postgres.open().await.close().await;
    let (sqlite, postgres) = (sqlite.pool().await, postgres.pool().await);
    let schema = Schema::of_sqlite(&sqlite).await;
    let (mut here, mut there) = (sqlite.acquire().await.unwrap(), postgres.acquire().await.unwrap());
    for setting in ["SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan"] {
        sqlx::raw_sql(setting).execute(&mut *there).await.unwrap();
    }
    let mut faults = Vec::new();
    for text in asked.iter().filter(|text| !counts_all(text) && !has(WHOLE.iter().map(|(piece, _)| *piece), text)) {
        match postgres_plan(&mut there, text).await {
            Some(plan) => {
                let tables = schema.scanned(&plan, text, by_postgres);
                faults.extend(tables.into_iter().map(|name| format!("PostgreSQL, {name}: {text}")));
            }
            None if has(UNTYPED.iter().copied(), text) => {}
            None => faults.push(format!("PostgreSQL cannot prepare it: {text}")),
        }
        // The few statements that are written for one of them.
        if has(["clock_timestamp", "pg_", "position("], text) {
            continue;
        }
        let plan = sqlite_plan(&mut here, text).await;
        let tables = schema.scanned(&plan, text, by_sqlite);
        faults.extend(tables.into_iter().map(|name| format!("SQLite, {name}: {text}")));
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), asked.len(), faults.join("\n"));
}
