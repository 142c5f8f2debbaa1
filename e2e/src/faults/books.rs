//! The two books that are compared: what each device has written down, by its own word, and what the store holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::api::{Api, text};
use crate::daemon::event_id;

/// What one device has written down, read from its log as it grows.
#[derive(Debug)]
pub struct Written {
    log: PathBuf,
    read_bytes: u64,
    /// Ids of events, in the order in which they were made durable.
    pub ids: Vec<String>,
}

impl Written {
    /// Of the device that logs there.
    pub const fn new(log: PathBuf) -> Self {
        Self { log, read_bytes: 0, ids: Vec::new() }
    }

    /// Reads what was added.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn read(&mut self) -> Result<()> {
        let mut file = File::open(&self.log).with_context(|| format!("opening {}", self.log.display()))?;
        file.seek(SeekFrom::Start(self.read_bytes))?;
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        loop {
            line.clear();
            let bytes = lines.read_until(b'\n', &mut line)?;
            if bytes == 0 || !line.ends_with(b"\n") {
                return Ok(());
            }
            self.read_bytes += bytes as u64;
            self.ids.extend(durable(&line));
        }
    }
}

/// The id in a line that says that an event is durable.
fn durable(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok().filter(|text| text.contains("is durable"))?;
    event_id(&serde_json::from_str(text).ok()?)
}

/// An event of the store, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its id.
    pub id: String,
    /// The life of the outbox it is numbered in.
    pub stream: String,
    /// Its number.
    pub seq: u64,
    /// What a drill marks each visit with; of no meaning elsewhere.
    pub mark: Option<(u64, u64)>,
}

/// What the store holds of every device, read on from where it was left.
#[derive(Debug, Default)]
pub struct Stored {
    cursor: i64,
    /// By device, in the order of commit.
    pub events: BTreeMap<String, Vec<StoredEvent>>,
    /// Reports of trouble by kind.
    pub reports: BTreeMap<String, u64>,
}

impl Stored {
    /// Reads what was added.
    ///
    /// # Errors
    /// If the server refuses or does not answer.
    pub async fn read(&mut self, api: &Api) -> Result<()> {
        loop {
            let page = api.get(&format!("/api/v1/events?limit=200&after={}", self.cursor)).await?;
            let items = page["items"].as_array().with_context(|| format!("items in {page}"))?;
            if items.is_empty() {
                return Ok(());
            }
            items.iter().try_for_each(|item| self.take(item))?;
        }
    }

    fn take(&mut self, item: &Value) -> Result<()> {
        self.cursor = item["cursor"].as_i64().context("a cursor")?;
        if let Some(kind) = item["report"]["kind"].as_str() {
            *self.reports.entry(kind.to_owned()).or_default() += 1;
        }
        let mark = item["frames"].as_u64().zip(item["embeddings"].as_u64());
        let seq = item["seq"].as_u64().context("a number")?;
        let event = StoredEvent { id: text(item, "id")?, stream: text(item, "stream")?, seq, mark };
        self.events.entry(text(item, "device")?).or_default().push(event);
        Ok(())
    }

    /// How many of these events of a device are not there.
    pub fn missing(&self, device: &str, written: &[String]) -> usize {
        let there: BTreeSet<&str> = self.of(device).iter().map(|event| event.id.as_str()).collect();
        written.iter().filter(|id| !there.contains(id.as_str())).count()
    }

    /// The events of a device.
    pub fn of(&self, device: &str) -> &[StoredEvent] {
        self.events.get(device).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_is_read_on_and_half_a_line_waits() {
        let mut log = tempfile::NamedTempFile::new().unwrap();
        let mut written = Written::new(log.path().to_owned());
        let line = |id: &str| format!("{{\"message\":\"event {id} is durable\",\"event.id\":\"{id}\"}}\n");
        write!(log, "{}no JSON that is durable\n{}", line("a"), &line("b")[..20]).unwrap();
        written.read().unwrap();
        assert_eq!(written.ids, ["a"]);
        write!(log, "{}{}", &line("b")[20..], line("c")).unwrap();
        written.read().unwrap();
        assert_eq!(written.ids, ["a", "b", "c"]);
    }
}
