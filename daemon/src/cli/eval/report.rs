//! Figures for programs and for people.

use ostiary_models::metrics::Estimate;
use serde_json::{Map, Value, json};

use super::Lab;

/// A figure as JSON; null where there was nothing to measure.
pub fn figure(found: Option<Estimate>) -> Value {
    found.map_or(Value::Null, |found| rounded(found.value))
}

/// Its interval of 95 %: `[low, high]`.
pub fn interval(found: Option<Estimate>) -> Value {
    found.map_or(Value::Null, |found| json!([rounded(found.low), rounded(found.high)]))
}

/// An object with the points as keys.
pub fn at_points(points: &[(f64, Option<Estimate>)], show: fn(Option<Estimate>) -> Value) -> Value {
    Value::Object(points.iter().map(|(point, found)| (point.to_string(), show(*found))).collect())
}

/// Each point with its name for people.
pub fn with_points(name: &str, points: &[(f64, Option<Estimate>)], mut show: impl FnMut(String, Option<Estimate>)) {
    for (point, found) in points {
        show(format!("{name} {} %", 100.0 * point), *found);
    }
}

/// With what it was measured.
pub fn about(lab: &Lab) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("pack".into(), lab.pack.id().to_string().into());
    let kernels = lab.engine.kernels();
    let runs = json!({ "detector": kernels.detector.to_string(), "embedder": kernels.embedder.to_string() });
    about.insert("kernels".into(), runs);
    about.insert("threads".into(), lab.threads.into());
    about
}

/// Adds keys to an object.
pub fn extend(answer: &mut Value, more: &Map<String, Value>) {
    if let Some(object) = answer.as_object_mut() {
        object.extend(more.clone());
    }
}

/// Photos that cannot be read, with the reason.
pub fn unreadable(photos: &[(String, String)]) -> Value {
    photos.iter().map(|(name, why)| json!({ "image": name, "why": why })).collect()
}

/// The same for people, on stderr.
pub fn print_unreadable(photos: &[(String, String)]) {
    for (name, why) in photos {
        eprintln!("left out: {name}: {why}");
    }
}

/// Seven decimals: finer than any photo set can tell.
fn rounded(value: f64) -> Value {
    json!((value * 1e7).round() / 1e7)
}

/// Lines of name, figure and interval.
#[derive(Debug, Default)]
pub struct Table(Vec<(String, String, String)>);

impl Table {
    /// A number of things.
    pub fn count(&mut self, name: &str, count: usize) {
        self.0.push((name.to_owned(), count.to_string(), String::new()));
    }

    /// How many of how many, and which.
    pub fn names(&mut self, name: &str, of: usize, names: &[String]) {
        let mut shown = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > 5 {
            shown.push_str(", ...");
        }
        self.0.push((name.to_owned(), format!("{} of {of}", names.len()), shown));
    }

    /// A rate, in per cent.
    pub fn rate(&mut self, name: &str, found: Option<Estimate>) {
        let percent = |value: f64| format!("{:.3} %", 100.0 * value);
        self.line(name, found, percent);
    }

    /// A share that is near one.
    pub fn share(&mut self, name: &str, found: Option<Estimate>) {
        self.line(name, found, |value| format!("{value:.5}"));
    }

    /// Prints it.
    pub fn print(&self) {
        let widest = self.0.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
        for (name, value, more) in &self.0 {
            println!("{}", format!("{name:widest$}  {value:>11}  {more}").trim_end());
        }
    }

    fn line(&mut self, name: &str, found: Option<Estimate>, show: impl Fn(f64) -> String) {
        let (value, more) = found.map_or_else(
            || ("-".to_owned(), "nothing to measure it on".to_owned()),
            |found| (show(found.value), format!("(95 %: {} to {})", show(found.low), show(found.high))),
        );
        self.0.push((name.to_owned(), value, more));
    }
}
