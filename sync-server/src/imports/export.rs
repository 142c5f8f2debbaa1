//! Persons as a table that an import takes back: CSV or JSON Lines. Photos are not kept, so none are in it.

use std::collections::HashMap;

use ostiary_common::ids::GroupId;
use ostiary_common::time::UnixMillis;
use serde_json::{Map, Value, json};

use super::work::OWN_PREFIX;
use crate::domain::fields::{FieldSchema, FieldValue};
use crate::domain::person::Person;
use crate::domain::profile::Profile;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, UTF-8.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

/// Somebody to be written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The person; of the groups, those that may be seen.
    pub person: Person,
    /// Notes and fields.
    pub profile: Profile,
    /// What another system calls the person.
    pub external: Option<String>,
}

/// Writes tables.
pub struct Writer {
    format: Format,
    /// Names of groups.
    groups: HashMap<GroupId, String>,
    /// Keys of fields, in order.
    fields: Vec<String>,
}

impl Writer {
    /// With the groups and fields there are.
    pub fn new(format: Format, groups: HashMap<GroupId, String>, schema: &FieldSchema) -> Self {
        Self { format, groups, fields: schema.fields().iter().map(|field| field.key.clone()).collect() }
    }

    /// What stands before the first person.
    pub fn head(&self) -> Vec<u8> {
        match self.format {
            Format::Csv => csv_line(self.columns().iter().map(String::as_str)),
            Format::JsonLines => Vec::new(),
        }
    }

    /// Some persons, each a line.
    pub fn lines(&self, persons: &[Exported]) -> Vec<u8> {
        persons.iter().flat_map(|person| self.line(person)).collect()
    }

    fn columns(&self) -> Vec<String> {
        let plain = ["external_id", "name", "consent", "consent_at", "valid_from", "valid_until", "groups", "notes"];
        plain.into_iter().map(str::to_owned).chain(self.fields.iter().map(|key| format!("field:{key}"))).collect()
    }

    fn line(&self, exported: &Exported) -> Vec<u8> {
        let values = self.values(exported);
        match self.format {
            Format::Csv => {
                csv_line(values.iter().map(|value| guarded(value)).collect::<Vec<_>>().iter().map(String::as_str))
            }
            Format::JsonLines => {
                let fields: Map<String, Value> = self
                    .columns()
                    .into_iter()
                    .zip(values)
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(column, value)| (column, json!(value)))
                    .collect();
                let mut line = Value::Object(fields).to_string().into_bytes();
                line.push(b'\n');
                line
            }
        }
    }

    fn values(&self, exported: &Exported) -> Vec<String> {
        let person = &exported.person;
        let time = |at: Option<UnixMillis>| at.map(UnixMillis::to_rfc3339).unwrap_or_default();
        let groups: Vec<&str> =
            person.groups.iter().filter_map(|group| self.groups.get(group)).map(String::as_str).collect();
        let own = || format!("{OWN_PREFIX}{}", person.id);
        // Where there is one group only, a `;` in its name must not part it.
        let groups = if groups.is_empty() { String::new() } else { format!("{}|", groups.join("|")) };
        let plain = [
            exported.external.clone().unwrap_or_else(own),
            person.name.clone(),
            if person.consent_at.is_some() { "yes" } else { "no" }.to_owned(),
            time(person.consent_at),
            time(person.validity.from()),
            time(person.validity.until()),
            groups,
            exported.profile.notes.clone(),
        ];
        let field = |key: &String| match exported.profile.fields.get(key) {
            Some(FieldValue::Text(text)) => text.clone(),
            Some(FieldValue::Number(number)) => number.to_string(),
            None => String::new(),
        };
        plain.into_iter().chain(self.fields.iter().map(field)).collect()
    }
}

/// A spreadsheet must not take a name for a formula. What looks as if it had been guarded is guarded again, so that
/// every value comes back as it was.
fn guarded(value: &str) -> String {
    if value.trim_start_matches('\'').starts_with(['=', '+', '-', '@']) {
        format!("'{value}")
    } else {
        value.to_owned()
    }
}

fn csv_line<'a>(values: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(values).expect("memory takes every write");
    writer.into_inner().expect("memory takes every write")
}

#[cfg(test)]
mod tests {
    use ostiary_common::ids::PersonId;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fields::FieldSchema;
    use crate::imports::row::{self, Rules};
    use crate::imports::table::{self, Columns};

    proptest! {
        #[test]
        fn what_is_exported_is_read_back(
            name in "[=+@a-zA-Z\"',;|\u{e5}\u{4e16}]{1,20}", notes in "[ -~\n\u{e9}]{0,60}", external in "[!-~]{1,30}", json: bool,
        ) {
            let group = GroupId::generate();
            let mut person = Person::new(PersonId::generate(), name.clone(), UnixMillis(1_000), Some(UnixMillis(2_000)));
            person.groups = vec![group];
            let profile = Profile { notes: notes.trim().to_owned(), ..Profile::default() };
            let exported = Exported { person, profile, external: Some(external.clone()) };
            let format = if json { Format::JsonLines } else { Format::Csv };
            let groups = HashMap::from([(group, "Staff; all".to_owned())]);
            let writer = Writer::new(format, groups, &FieldSchema::default());
            let bytes = [writer.head(), writer.lines(&[exported])].concat();
            let table = table::read(&bytes, &Columns::default()).unwrap();
            let rules =
                Rules { groups: HashMap::from([("Staff; all".to_owned(), group)]), schema: FieldSchema::default() };
            let row = row::read(&table.lines[0], &rules).task;
            prop_assert_eq!(&row.problem, &None);
            prop_assert_eq!((row.name, row.external), (name, external));
            prop_assert_eq!(row.notes.unwrap_or_default(), notes.trim());
            prop_assert_eq!((row.groups, row.consent, row.consent_at), (Some(vec![group]), Some(true), Some(2_000)));
        }
    }
}
