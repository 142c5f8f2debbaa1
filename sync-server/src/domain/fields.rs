//! Fields that admins add to persons: what each may hold, and whether values fit.

use std::collections::{BTreeMap, HashSet};

/// Fields of one installation.
pub const MOST_FIELDS: usize = 50;
/// Choices of one field.
pub const MOST_CHOICES: usize = 100;
/// Characters of a text.
pub const MOST_TEXT_CHARS: u32 = 2000;
/// Characters of a key.
pub const MOST_KEY_CHARS: usize = 40;

/// What a field may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// A text of at most so many characters.
    Text {
        /// 1 to [`MOST_TEXT_CHARS`].
        max_chars: u32,
    },
    /// A number.
    Number {
        /// The least.
        min: Option<f64>,
        /// The greatest.
        max: Option<f64>,
    },
    /// A day, `2026-11-21`.
    Date,
    /// One of these.
    Choice(Vec<String>),
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in the API: lower-case letters, digits and `_`, beginning with a letter.
    pub key: String,
    /// What people read.
    pub label: String,
    /// What it may hold.
    pub kind: FieldKind,
}

/// Every field, in the order they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSchema(Vec<Field>);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// Of a text, a date or a choice.
    Text(String),
    /// Of a number.
    Number(f64),
}

/// What is wrong with a schema or a value: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The field's key, or its place in the schema.
    pub field: String,
    /// Why.
    pub reason: String,
}

impl FieldSchema {
    /// Checks a schema.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(fields: Vec<Field>) -> Result<Self, Vec<Misfit>> {
        let mut keys = HashSet::new();
        let mut wrong: Vec<Misfit> = Vec::new();
        for (place, field) in fields.iter().enumerate() {
            let reasons = [field.wrong_key(), field.kind.wrong(), twice(&mut keys, &field.key)];
            wrong.extend(reasons.into_iter().flatten().map(|reason| Misfit { field: place.to_string(), reason }));
        }
        if fields.len() > MOST_FIELDS {
            wrong.push(Misfit { field: String::new(), reason: format!("at most {MOST_FIELDS} fields") });
        }
        if wrong.is_empty() { Ok(Self(fields)) } else { Err(wrong) }
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.0
    }

    /// Checks values as sent.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn check(&self, values: &BTreeMap<String, FieldValue>) -> Result<(), Vec<Misfit>> {
        let judge = |(key, value): (&String, &FieldValue)| {
            let reason = match self.0.iter().find(|field| field.key == *key) {
                Some(field) => field.kind.misfit(value)?,
                None => "there is no such field; see /api/v1/settings/person-fields".to_owned(),
            };
            Some(Misfit { field: key.clone(), reason })
        };
        let wrong: Vec<Misfit> = values.iter().filter_map(judge).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Those of the values that fit the schema as it is now: a field that was taken away is not shown.
    #[must_use]
    pub fn shown(&self, mut values: BTreeMap<String, FieldValue>) -> BTreeMap<String, FieldValue> {
        values.retain(|key, value| self.0.iter().any(|field| field.key == *key && field.kind.misfit(value).is_none()));
        values
    }
}

fn twice(keys: &mut HashSet<String>, key: &str) -> Option<String> {
    (!keys.insert(key.to_owned())).then(|| format!("the key `{key}` is there twice"))
}

impl Field {
    fn wrong_key(&self) -> Option<String> {
        let fits = (1..=MOST_KEY_CHARS).contains(&self.key.len())
            && self.key.starts_with(|c: char| c.is_ascii_lowercase())
            && self.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let words = "the key must be lower-case letters, digits and `_`, begin with a letter, and have at most";
        (!fits).then(|| format!("{words} {MOST_KEY_CHARS} characters"))
    }
}

impl FieldKind {
    fn wrong(&self) -> Option<String> {
        match self {
            Self::Text { max_chars } if !(1..=MOST_TEXT_CHARS).contains(max_chars) => {
                Some(format!("max_chars must be 1 to {MOST_TEXT_CHARS}"))
            }
            Self::Number { min: Some(min), max: Some(max) } if min > max => Some("min must not be above max".into()),
            Self::Choice(choices) if choices.is_empty() || choices.len() > MOST_CHOICES => {
                Some(format!("there must be 1 to {MOST_CHOICES} choices"))
            }
            Self::Choice(choices) if choices.iter().collect::<HashSet<_>>().len() < choices.len() => {
                Some("a choice is there twice".into())
            }
            _ => None,
        }
    }

    fn misfit(&self, value: &FieldValue) -> Option<String> {
        match (self, value) {
            (Self::Text { max_chars }, FieldValue::Text(text)) => {
                let long = text.chars().count() > *max_chars as usize;
                let control = text.chars().any(|c| c.is_control() && c != '\n');
                long.then(|| format!("at most {max_chars} characters"))
                    .or_else(|| control.then(|| "must not contain control characters".into()))
            }
            (Self::Number { min, max }, FieldValue::Number(number)) => {
                let within = min.is_none_or(|min| *number >= min) && max.is_none_or(|max| *number <= max);
                let words = |bound: &Option<f64>| bound.map_or_else(|| "any".to_owned(), |bound| bound.to_string());
                (!within || !number.is_finite()).then(|| format!("must be from {} to {}", words(min), words(max)))
            }
            (Self::Date, FieldValue::Text(text)) => (!is_day(text)).then(|| "must be a day, as 2026-11-21".into()),
            (Self::Choice(choices), FieldValue::Text(text)) => {
                (!choices.contains(text)).then(|| format!("must be one of: {}", choices.join(", ")))
            }
            (Self::Number { .. }, FieldValue::Text(_)) => Some("must be a number".into()),
            (_, FieldValue::Number(_)) => Some("must be a text".into()),
        }
    }
}

/// Whether it is a day of the Gregorian calendar, as `2026-02-28`.
fn is_day(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else { return false };
    let shape = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    shape && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, kind: FieldKind) -> Field {
        Field { key: key.into(), label: key.to_uppercase(), kind }
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.into())
    }

    #[test]
    fn values_fit_or_not() {
        let check = |kind: FieldKind, value: FieldValue, fits: bool| {
            let schema = FieldSchema::parse(vec![field("x", kind.clone())]).unwrap();
            let found = schema.check(&BTreeMap::from([("x".to_owned(), value.clone())]));
            assert_eq!(found.is_ok(), fits, "{kind:?} {value:?}");
        };
        let short = || FieldKind::Text { max_chars: 3 };
        check(short(), text("abc"), true);
        check(short(), text("äöü"), true);
        check(short(), text("abcd"), false);
        check(short(), text("\u{7}"), false);
        check(short(), FieldValue::Number(1.0), false);
        let number = || FieldKind::Number { min: Some(0.0), max: None };
        check(number(), FieldValue::Number(0.0), true);
        check(number(), FieldValue::Number(-0.5), false);
        check(number(), FieldValue::Number(f64::NAN), false);
        check(number(), text("1"), false);
        check(FieldKind::Date, text("2024-02-29"), true);
        check(FieldKind::Date, text("2023-02-29"), false);
        check(FieldKind::Date, text("2023-1-01"), false);
        check(FieldKind::Date, text("2023-01-01T00"), false);
        check(FieldKind::Date, text("2023/01/01"), false);
        check(FieldKind::Date, text("20é3-01-1"), false);
        let choice = || FieldKind::Choice(vec!["red".into(), "blue".into()]);
        check(choice(), text("red"), true);
        check(choice(), text("green"), false);
    }

    #[test]
    fn schemas_are_checked_whole() {
        let check = |fields: Vec<Field>, expected: usize| {
            assert_eq!(FieldSchema::parse(fields.clone()).err().map_or(0, |wrong| wrong.len()), expected, "{fields:?}");
        };
        check(vec![], 0);
        check(vec![field("badge_no", FieldKind::Date), field("b2", FieldKind::Date)], 0);
        check(vec![field("a", FieldKind::Date), field("a", FieldKind::Date)], 1);
        check(vec![field("A", FieldKind::Text { max_chars: 0 })], 2);
        check(vec![field("1a", FieldKind::Date)], 1);
        check(vec![field("a", FieldKind::Choice(vec![]))], 1);
        check(vec![field("a", FieldKind::Choice(vec!["x".into(), "x".into()]))], 1);
        check(vec![field("a", FieldKind::Number { min: Some(2.0), max: Some(1.0) })], 1);
        check((0..51).map(|n| field(&format!("f{n}"), FieldKind::Date)).collect(), 1);
    }

    #[test]
    fn what_no_longer_fits_is_not_shown() {
        let schema = FieldSchema::parse(vec![field("a", FieldKind::Date)]).unwrap();
        let values = [("a", text("2026-11-21")), ("gone", text("x"))].map(|(key, value)| (key.to_owned(), value));
        assert_eq!(schema.shown(values.into()).into_keys().collect::<Vec<_>>(), ["a"]);
        let wrong = schema.check(&BTreeMap::from([("gone".to_owned(), text("x"))])).unwrap_err();
        assert_eq!(wrong[0].field, "gone");
    }
}
