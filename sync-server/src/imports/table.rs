//! A table of persons: CSV or JSON Lines, as lines of named values. Pure.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::ImportRefused;

/// Rows of a table.
pub const MOST_ROWS: usize = 100_000;
/// Characters of a value.
pub const MOST_VALUE_CHARS: usize = 8_000;
/// Columns every table must have.
const DEMANDED: [&str; 2] = ["external_id", "name"];
/// Columns that are understood, beside those that begin with `field:`.
pub const KNOWN: [&str; 9] =
    ["external_id", "name", "consent", "consent_at", "valid_from", "valid_until", "groups", "notes", "photos"];

/// A table's lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Its lines, in order.
    pub lines: Vec<Line>,
    /// Columns that nothing is known of.
    pub ignored: Vec<String>,
}

/// A line: values by column, or why it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// As an editor counts, from 1 on.
    pub number: u64,
    /// Values that are not empty.
    pub values: Result<BTreeMap<String, String>, String>,
}

/// From the names of a table's columns to those that are understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(BTreeMap<String, String>);

impl Columns {
    /// Reads `name=Full name;external_id=No.`: ours, then theirs.
    ///
    /// # Errors
    /// Words on what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut columns = BTreeMap::new();
        for pair in text.split(';').filter(|pair| !pair.trim().is_empty()) {
            let (ours, theirs) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is not `column=their name`"))?;
            let (ours, theirs) = (ours.trim(), theirs.trim());
            if !is_known(ours) {
                return Err(format!("`{ours}` is no column; there are {} and `field:<key>`", KNOWN.join(", ")));
            }
            if theirs.is_empty() || columns.insert(theirs.to_owned(), ours.to_owned()).is_some() {
                return Err(format!("`{pair}`: give each of their columns once"));
            }
        }
        Ok(Self(columns))
    }

    fn ours<'a>(&'a self, theirs: &'a str) -> &'a str {
        self.0.get(theirs).map_or(theirs, String::as_str)
    }
}

fn is_known(column: &str) -> bool {
    KNOWN.contains(&column) || column.strip_prefix("field:").is_some_and(|key| !key.is_empty())
}

/// Reads a table; which of the two it is, its first character says.
///
/// # Errors
/// [`ImportRefused::File`] if it is no table of persons at all; what is wrong with a line stands in the line.
pub fn read(bytes: &[u8], columns: &Columns) -> Result<Table, ImportRefused> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let detail = format!("The table is not UTF-8 (line {line}): save it as \"CSV UTF-8\" and send it again.");
        ImportRefused::file("table-encoding", detail)
    })?;
    if text.contains('\0') {
        return Err(ImportRefused::file("table-encoding", "The table is not UTF-8 text: save it as \"CSV UTF-8\"."));
    }
    let table = if text.trim_start().starts_with('{') { read_json(text, columns) } else { read_csv(text, columns) }?;
    match table.lines.len() {
        0 => Err(ImportRefused::file("table-empty", "The table has no lines: there is nothing to import.")),
        1..=MOST_ROWS => Ok(table),
        _ => {
            let detail = format!("The table has more than {MOST_ROWS} lines: split it.");
            Err(ImportRefused::file("table-too-long", detail))
        }
    }
}

fn read_csv(text: &str, columns: &Columns) -> Result<Table, ImportRefused> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter(text)).flexible(true).from_reader(text.as_bytes());
    let unreadable =
        |error: csv::Error| ImportRefused::file("table-unreadable", format!("The table's first line: {error}"));
    let headers: Vec<String> =
        reader.headers().map_err(unreadable)?.iter().map(|name| columns.ours(name.trim()).to_owned()).collect();
    check_columns(&headers)?;
    let mut table = Table { ignored: ignored(&headers), ..Table::default() };
    for record in reader.records() {
        let (number, values) = match record {
            Ok(record) => {
                let number = record.position().map_or(0, csv::Position::line);
                if record.iter().all(|value| value.trim().is_empty()) {
                    continue;
                }
                (number, values(&headers, &record))
            }
            Err(error) => (error.position().map_or(0, csv::Position::line), Err("it cannot be read".to_owned())),
        };
        table.lines.push(Line { number, values });
        if table.lines.len() > MOST_ROWS {
            break;
        }
    }
    Ok(table)
}

fn values(headers: &[String], record: &csv::StringRecord) -> Result<BTreeMap<String, String>, String> {
    if record.len() != headers.len() {
        return Err(format!("it has {} values, and there are {} columns", record.len(), headers.len()));
    }
    let pairs = headers.iter().zip(record).map(|(name, value)| (name.clone(), plain(value)));
    checked(pairs.filter(|(name, value)| is_known(name) && !value.is_empty()).collect())
}

/// A spreadsheet must not take a name for a formula, so exports put `'` before such; here it goes again.
fn plain(value: &str) -> String {
    let value = value.trim();
    let is_guarded =
        value.strip_prefix('\'').is_some_and(|rest| rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@']));
    if is_guarded { value[1..].to_owned() } else { value.to_owned() }
}

fn checked(values: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    match values.iter().find(|(_, value)| value.chars().count() > MOST_VALUE_CHARS) {
        Some((name, _)) => Err(format!("`{name}` has more than {MOST_VALUE_CHARS} characters")),
        None => Ok(values),
    }
}

/// What stands between values: of the usual ones, that which the first line has most of.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |delimiter: &u8| first.bytes().filter(|byte| byte == delimiter).count();
    // The last of those that are alike: the comma.
    [b'\t', b';', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

fn check_columns(names: &[String]) -> Result<(), ImportRefused> {
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| is_known(name) && !seen.insert(name.as_str())) {
        let detail = format!("The column `{twice}` is there twice: leave one out, or name another with `columns`.");
        return Err(ImportRefused::file("table-columns", detail));
    }
    if let Some(missing) = DEMANDED.into_iter().find(|name| !names.iter().any(|there| there == name)) {
        let detail = format!(
            "There is no column `{missing}`: name it so, or say which one it is with `columns={missing}=<their name>`."
        );
        return Err(ImportRefused::file("table-columns", detail));
    }
    Ok(())
}

fn ignored(names: &[String]) -> Vec<String> {
    names.iter().filter(|name| !is_known(name)).take(100).cloned().collect()
}

fn read_json(text: &str, columns: &Columns) -> Result<Table, ImportRefused> {
    let mut table = Table::default();
    let mut ignored = HashSet::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let values = json_values(line, columns, &mut ignored);
        table.lines.push(Line { number, values });
        if table.lines.len() > MOST_ROWS {
            break;
        }
    }
    table.ignored = ignored.into_iter().take(100).collect();
    table.ignored.sort_unstable();
    Ok(table)
}

fn json_values(
    line: &str,
    columns: &Columns,
    ignored: &mut HashSet<String>,
) -> Result<BTreeMap<String, String>, String> {
    let object: serde_json::Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("it is no JSON object: {error}"))?;
    let mut values = BTreeMap::new();
    for (name, value) in object {
        let name = columns.ours(&name).to_owned();
        if !is_known(&name) {
            ignored.insert(name);
            continue;
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(items) => {
                let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                texts.ok_or_else(|| format!("`{name}` must be a list of texts"))?.join("|")
            }
            Value::Object(_) => return Err(format!("`{name}` must be a text")),
        };
        if !text.is_empty() && values.insert(name.clone(), text).is_some() {
            return Err(format!("`{name}` is there twice"));
        }
    }
    checked(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &[u8], columns: &str) -> Result<Vec<Result<String, String>>, &'static str> {
        let table = read(text, &Columns::parse(columns).unwrap()).map_err(|refused| match refused {
            ImportRefused::File { slug, .. } => slug,
            ImportRefused::Spool(_) => "spool",
        })?;
        let name = |line: Line| line.values.map(|values| values.get("name").cloned().unwrap_or_default());
        Ok(table.lines.into_iter().map(name).collect())
    }

    fn check(text: &[u8], columns: &str, expected: Result<&[&str], &str>) {
        let found = names(text, columns);
        let found = found.map(|names| names.into_iter().map(|name| name.unwrap_or_else(|why| why)).collect::<Vec<_>>());
        assert_eq!(found, expected.map(|names| names.iter().map(|name| String::from(*name)).collect()));
    }

    #[test]
    fn reads_tables_as_programs_write_them() {
        check(b"external_id,name\n1,Ada\n2,\"Love, lace\"\n", "", Ok(&["Ada", "Love, lace"]));
        check("\u{FEFF}name;external_id;else\r\nÅsa;1;x\r\n;;\r\n".as_bytes(), "", Ok(&["Åsa"]));
        check(b"No.\tFull name\n1\tAda\n", "external_id=No.;name=Full name", Ok(&["Ada"]));
        check(br#"{"external_id": 1, "name": "Ada", "photos": ["a.jpg", "b.jpg"]}"#, "", Ok(&["Ada"]));
        check(b"external_id,name\n1,Ada,too much\n", "", Ok(&["it has 3 values, and there are 2 columns"]));
        check(b"external_id,name\n1,'=SUM(A1)\n", "", Ok(&["=SUM(A1)"]));
        check(b"external_id,name\n", "", Err("table-empty"));
        check(b"", "", Err("table-columns"));
        check(b"id,name\n1,Ada\n", "", Err("table-columns"));
        check(b"external_id,name,name\n1,Ada,Bob\n", "", Err("table-columns"));
        check(b"external_id,name\n1,\xC5sa\n", "", Err("table-encoding"));
        check(b"\xFF\xFEe\0x\0t\0", "", Err("table-encoding"));
        assert!(Columns::parse("surname=Name").is_err() && Columns::parse("name").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, text in ".{0,300}") {
            let _ = read(&bytes, &Columns::default());
            let _ = read(format!("external_id,name,photos\n{text}").as_bytes(), &Columns::default());
            let _ = read(format!("{{\"external_id\": \"1\", {text}").as_bytes(), &Columns::default());
        }
    }
}
