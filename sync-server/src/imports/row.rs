//! From a line of a table to a person, or to what is wrong with it. Pure.

use std::collections::{BTreeMap, HashMap};

use ostiary_common::ids::GroupId;
use ostiary_common::time::UnixMillis;
use serde::{Deserialize, Serialize};

use super::table::Line;
use crate::domain::fields::{FieldSchema, FieldValue};
use crate::domain::gallery::Validity;
use crate::domain::import::MOST_EXTERNAL_CHARS;
use crate::domain::name::Name;
use crate::domain::profile::MOST_NOTES_CHARS;

/// Photos of one row.
const MOST_PHOTOS: usize = 100;
/// Groups of one row.
const MOST_GROUPS: usize = 100;

/// A person as a row tells them; kept, sealed, until the row is done.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct RowTask {
    /// Its line in the table.
    pub line: u64,
    /// What the other system calls the person.
    pub external: String,
    /// Display name.
    pub name: String,
    /// Whether the row says that the person has consented.
    pub consent: Option<bool>,
    /// Since when.
    pub consent_at: Option<i64>,
    /// Beginning and end of validity, if the table has such columns.
    pub validity: Option<(Option<i64>, Option<i64>)>,
    /// Groups, if the table has such a column.
    pub groups: Option<Vec<GroupId>>,
    /// Notes.
    pub notes: Option<String>,
    /// Values of fields: texts, or numbers.
    pub fields: BTreeMap<String, Cell>,
    /// Why nothing can be made of it: a stable word, and words.
    pub problem: Option<(String, String)>,
}

impl RowTask {
    /// Whether the row says that the person has consented: a time alone says so, too.
    pub fn says_consent(&self) -> bool {
        self.consent == Some(true) || (self.consent.is_none() && self.consent_at.is_some())
    }
}

/// A field's value.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Of a number.
    Number(f64),
    /// Of anything else.
    Text(String),
}

impl From<Cell> for FieldValue {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Number(number) => Self::Number(number),
            Cell::Text(text) => Self::Text(text),
        }
    }
}

/// What rows are read by.
pub struct Rules {
    /// Groups by id and by name; only those who asks may see.
    pub groups: HashMap<String, GroupId>,
    /// Which fields persons have.
    pub schema: FieldSchema,
}

/// A row, and the photos it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The person.
    pub task: RowTask,
    /// Paths of photos, as the row has them.
    pub photos: Vec<String>,
}

/// What is wrong with a row.
struct Wrong(&'static str, String);

/// Reads a line.
pub fn read(line: &Line, rules: &Rules) -> Row {
    let mut task = RowTask { line: line.number, ..RowTask::default() };
    let mut photos = Vec::new();
    let read = match &line.values {
        Ok(values) => {
            task.external = values.get("external_id").cloned().unwrap_or_default();
            fill(&mut task, &mut photos, values, rules)
        }
        Err(why) => Err(Wrong("row-unreadable", why.clone())),
    };
    if let Err(Wrong(slug, detail)) = read {
        task.problem = Some((slug.to_owned(), format!("Line {}: {detail}.", line.number)));
    }
    Row { task, photos }
}

fn fill(
    task: &mut RowTask,
    photos: &mut Vec<String>,
    values: &BTreeMap<String, String>,
    rules: &Rules,
) -> Result<(), Wrong> {
    let value = |name: &str| values.get(name).map(String::as_str);
    // First of all: photos of a row that is refused are not nobody's.
    *photos = listed(value("photos").unwrap_or_default());
    match task.external.chars().count() {
        0 => return Err(Wrong("external-id-missing", "`external_id` is empty".to_owned())),
        1..=MOST_EXTERNAL_CHARS => {}
        _ => {
            let detail = format!("`external_id` has more than {MOST_EXTERNAL_CHARS} characters");
            return Err(Wrong("external-id-too-long", detail));
        }
    }
    let name = Name::parse(value("name").unwrap_or_default());
    task.name = name.map_err(|error| Wrong("name-invalid", error.to_string()))?.into_string();
    task.consent = value("consent").map(yes_or_no).transpose()?;
    task.consent_at = value("consent_at").map(|text| time("consent_at", text)).transpose()?;
    let (from, until) = (value("valid_from"), value("valid_until"));
    if from.is_some() || until.is_some() {
        let from = from.map(|text| time("valid_from", text)).transpose()?;
        let until = until.map(|text| time("valid_until", text)).transpose()?;
        Validity::parse(from.map(UnixMillis), until.map(UnixMillis))
            .map_err(|error| Wrong("validity-invalid", error.to_string()))?;
        task.validity = Some((from, until));
    }
    task.groups = value("groups").map(|text| groups(text, rules)).transpose()?;
    task.notes = value("notes").map(str::to_owned);
    if task.notes.as_ref().is_some_and(|notes| notes.chars().count() > MOST_NOTES_CHARS) {
        return Err(Wrong("notes-too-long", format!("`notes` has more than {MOST_NOTES_CHARS} characters")));
    }
    task.fields = fields(values, &rules.schema)?;
    if photos.len() > MOST_PHOTOS {
        return Err(Wrong("too-many-photos", format!("`photos` names more than {MOST_PHOTOS}")));
    }
    Ok(())
}

/// Several values in one: between them stands `|`, or `;` where there is no `|`.
fn listed(text: &str) -> Vec<String> {
    let between = if text.contains('|') { '|' } else { ';' };
    text.split(between).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn yes_or_no(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "y" => Ok(true),
        "no" | "false" | "0" | "n" => Ok(false),
        _ => Err(Wrong("consent-invalid", "`consent` must be yes or no".to_owned())),
    }
}

fn time(column: &str, text: &str) -> Result<i64, Wrong> {
    let is_day = text.len() == 10;
    let whole = if is_day { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let read = UnixMillis::parse_rfc3339(&whole).map(|at| at.0);
    let detail = || format!("`{column}` must be a time like 2026-11-21T08:00:00Z, or a day");
    read.ok_or_else(|| Wrong("time-invalid", detail()))
}

fn groups(text: &str, rules: &Rules) -> Result<Vec<GroupId>, Wrong> {
    let names = listed(text);
    if names.len() > MOST_GROUPS {
        return Err(Wrong("too-many-groups", format!("more than {MOST_GROUPS} groups")));
    }
    let known = |name: String| {
        let there = rules.groups.get(&name).copied();
        there.ok_or_else(|| Wrong("unknown-group", format!("there is no group `{name}`")))
    };
    names.into_iter().map(known).collect()
}

fn fields(values: &BTreeMap<String, String>, schema: &FieldSchema) -> Result<BTreeMap<String, Cell>, Wrong> {
    use crate::domain::fields::FieldKind;
    let mut cells = BTreeMap::new();
    for (key, text) in values.iter().filter_map(|(name, text)| Some((name.strip_prefix("field:")?, text))) {
        let is_number =
            schema.fields().iter().any(|field| field.key == key && matches!(field.kind, FieldKind::Number { .. }));
        let number = text.parse().ok().filter(|number: &f64| is_number && number.is_finite());
        cells.insert(key.to_owned(), number.map_or_else(|| Cell::Text(text.clone()), Cell::Number));
    }
    let checked = cells.iter().map(|(key, cell)| (key.clone(), cell.clone().into())).collect();
    let words = |wrong: Vec<crate::domain::fields::Misfit>| {
        let words: Vec<String> =
            wrong.into_iter().map(|misfit| format!("`field:{}`: {}", misfit.field, misfit.reason)).collect();
        Wrong("field-invalid", words.join("; "))
    };
    schema.check(&checked).map_err(words)?;
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[(&str, &str)]) -> Line {
        let values = values.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect();
        Line { number: 7, values: Ok(values) }
    }

    fn check(values: &[(&str, &str)], expected: Result<(), &str>) {
        let staff = GroupId::generate();
        let rules = Rules { groups: HashMap::from([("Staff".to_owned(), staff)]), schema: FieldSchema::default() };
        let mut all = vec![("external_id", "E1"), ("name", "Ada")];
        all.retain(|(name, _)| !values.iter().any(|(given, _)| given == name));
        all.extend(values);
        let row = read(&line(&all), &rules);
        let found = row.task.problem.as_ref().map_or(Ok(()), |(slug, _)| Err(slug.as_str()));
        assert_eq!(found, expected, "{values:?}: {:?}", row.task.problem);
    }

    #[test]
    fn says_what_is_wrong_with_a_row() {
        check(&[], Ok(()));
        check(&[("external_id", "")], Err("external-id-missing"));
        check(&[("external_id", &"x".repeat(201))], Err("external-id-too-long"));
        check(&[("name", "  ")], Err("name-invalid"));
        check(&[("name", "A\u{202E}da")], Err("name-invalid"));
        check(&[("consent", "Yes"), ("consent_at", "2026-11-21")], Ok(()));
        check(&[("consent", "perhaps")], Err("consent-invalid"));
        check(&[("consent_at", "yesterday")], Err("time-invalid"));
        check(&[("valid_from", "2026-11-21"), ("valid_until", "2026-11-20")], Err("validity-invalid"));
        check(&[("groups", "Staff")], Ok(()));
        check(&[("groups", "Staff|Nobody")], Err("unknown-group"));
        check(&[("field:shoe_size", "42")], Err("field-invalid"));
        check(&[("notes", &"x".repeat(4001))], Err("notes-too-long"));
        check(&[("photos", &"a.jpg;".repeat(101))], Err("too-many-photos"));
    }

    #[test]
    fn lists_in_a_value() {
        assert_eq!(listed("a.jpg; b.jpg"), ["a.jpg", "b.jpg"]);
        assert_eq!(listed("a;1.jpg|b.jpg|"), ["a;1.jpg", "b.jpg"]);
        assert!(listed("  ").is_empty());
    }
}
