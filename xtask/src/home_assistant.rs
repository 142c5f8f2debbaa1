//! `cargo xtask check-home-assistant`: what a device tells Home Assistant, held against the schemas of Home Assistant's own
//! MQTT integration. The last release that runs on Debian 12's Python; the description of a whole device came later, so
//! each of its entities is checked as the integration checks it alone.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::models::environment::Environment;
use crate::shell;

/// Builds the daemon, has it describe itself, and checks that.
///
/// # Errors
/// If something cannot be built or had, or an entity does not fit.
pub fn run() -> Result<()> {
    shell::run(&mut shell::cargo(&["build", "--workspace", "--bins"]))?;
    let environment = Environment::home_assistant()?;
    let path = environment.dir().join("description.json");
    let mut describe = shell::command(shell::dev_binary("ostiaryd"), &["generate-docs", "--discovery"]);
    shell::run(describe.arg(&path))?;
    let whole: Value = serde_json::from_str(&fs::read_to_string(&path)?).context("the description")?;
    let named = whole["components"].as_object().context("it has entities")?.values();
    let figures: Vec<String> = named.filter_map(|entity| figure(entity["value_template"].as_str()?)).collect();
    let mut check = environment.script("check.py");
    shell::run(check.arg(&path).arg(serde_json::to_string(&figures)?))
}

/// The figure a template reads.
fn figure(template: &str) -> Option<String> {
    let name = template.split_once("value_json.")?.1;
    Some(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?.to_owned())
}
