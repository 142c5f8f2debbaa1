//! What was measured, as a table for people and a line of JSON for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    events: i64,
    persons: u32,
    /// How the programs were compiled.
    profile: &'static str,
    /// By engine, by list.
    list_ms_p99: BTreeMap<String, BTreeMap<String, f64>>,
    /// A mix of reads, by engine.
    reads_per_s: BTreeMap<String, f64>,
    /// Each read of the mix by itself, by engine.
    read_per_s: BTreeMap<String, BTreeMap<String, f64>>,
    /// The list of events: ours, the bare handler, and the one divided by the other.
    events_per_s: BTreeMap<String, f64>,
    bare_per_s: BTreeMap<String, f64>,
    bare_ratio: BTreeMap<String, f64>,
}

/// What was measured on one database.
#[derive(Debug, Default)]
pub(super) struct EngineReport {
    pub(super) list_ms_p99: BTreeMap<String, f64>,
    pub(super) reads_per_s: f64,
    pub(super) read_per_s: BTreeMap<String, f64>,
    pub(super) events_per_s: f64,
    pub(super) bare_per_s: f64,
    pub(super) bare_ratio: f64,
}

impl Report {
    pub(super) fn new(events: i64, persons: u32) -> Self {
        Self {
            events,
            persons,
            profile: if cfg!(debug_assertions) { "dev" } else { "optimised" },
            list_ms_p99: BTreeMap::new(),
            reads_per_s: BTreeMap::new(),
            read_per_s: BTreeMap::new(),
            events_per_s: BTreeMap::new(),
            bare_per_s: BTreeMap::new(),
            bare_ratio: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, engine: &str, of: EngineReport) {
        let engine = engine.to_owned();
        self.list_ms_p99.insert(engine.clone(), of.list_ms_p99);
        self.reads_per_s.insert(engine.clone(), of.reads_per_s);
        self.read_per_s.insert(engine.clone(), of.read_per_s);
        self.events_per_s.insert(engine.clone(), of.events_per_s);
        self.bare_per_s.insert(engine.clone(), of.bare_per_s);
        self.bare_ratio.insert(engine, of.bare_ratio);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} persons, {} profile", self.events, self.persons, self.profile)?;
        for (engine, lists) in &self.list_ms_p99 {
            writeln!(f, "\n{engine}: p99 of each list, ms")?;
            for (name, ms) in lists {
                writeln!(f, "  {name:<22} {ms:>8.1}")?;
            }
            let of = |table: &BTreeMap<String, f64>| table.get(engine).copied().unwrap_or(f64::NAN);
            writeln!(f, "  reads/s                {:>8.0}", of(&self.reads_per_s))?;
            for (name, per_second) in self.read_per_s.get(engine).into_iter().flatten() {
                writeln!(f, "    {name:<20} {per_second:>8.0}")?;
            }
            let (ours, bare, ratio) = (of(&self.events_per_s), of(&self.bare_per_s), of(&self.bare_ratio));
            writeln!(f, "  list of events/s       {ours:>8.0}   bare {bare:.0}, ratio {ratio:.2}")?;
        }
        Ok(())
    }
}
