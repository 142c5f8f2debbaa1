//! A worker process that answers each line it is sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

/// Milliseconds by stage.
pub type Times = BTreeMap<String, f64>;

/// A running worker; it is ended when dropped.
pub struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts the worker.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let orders = child.stdin.take().context("the worker's input")?;
        let answers = BufReader::new(child.stdout.take().context("the worker's output")?);
        Ok(Self { child, orders, answers })
    }

    /// Sends an order, and reads the answer: one line of JSON.
    pub fn ask<T: DeserializeOwned>(&mut self, order: &str) -> Result<T> {
        writeln!(self.orders, "{order}").with_context(|| format!("asking a worker for {order}"))?;
        let mut line = String::new();
        self.answers.read_line(&mut line).context("reading a worker's answer")?;
        serde_json::from_str(&line).with_context(|| format!("a worker said `{}`", line.trim()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
