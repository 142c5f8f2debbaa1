//! The master key is changed while the server runs, and the command that does it is killed again and again.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::process::binary;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::Value;

/// Enough for the change to take many turns.
const PERSONS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_changed_while_the_server_runs() {
    scenario("key rotation", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    let mut persons = Vec::new();
    for number in 0..PERSONS {
        persons.push(server.api.add_person(&format!("Person {number}")).await?);
    }
    let key_file = server.database().with_file_name("master.key");
    let first = std::fs::read_to_string(&key_file)?;
    for wait_ms in [30, 120, 300, 700, 1500, 3000] {
        killed(stage, Duration::from_millis(wait_ms))?;
        let new = format!("Between {wait_ms}");
        persons.push(server.api.add_person(&new).await?);
        known(&server, &persons).await?;
    }
    let told = server.command(&["keys", "rotate"])?;
    ensure!(told.contains("no longer needed"), "the former key is not named: {told}");
    known(&server, &persons).await?;
    let present = std::fs::read_to_string(&key_file)?;
    ensure!(present != first, "the key is the same as before");
    let former = std::fs::read_to_string(key_file.with_file_name("master.key.former"))?;
    ensure!(!former.is_empty() && !key_file.with_file_name("master.key.next").exists());
    // The former key is of no use any more, and not needed.
    std::fs::remove_file(key_file.with_file_name("master.key.former"))?;
    server.restart().await?;
    known(&server, &persons).await
}

/// Begins a change and kills it after a while, as a power cut would.
fn killed(stage: &Stage, after: Duration) -> Result<()> {
    let mut rotating = Command::new(binary("ostiary-server")?)
        .arg("--config")
        .arg(stage.file("server.toml"))
        .args(["keys", "rotate"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    std::thread::sleep(after);
    rotating.kill()?;
    rotating.wait()?;
    Ok(())
}

async fn known(server: &Server, persons: &[String]) -> Result<()> {
    for (number, person) in persons.iter().enumerate().step_by(37).chain(persons.iter().enumerate().next_back()) {
        let read: Value = server.api.get(&format!("/api/v1/persons/{person}")).await?;
        let name = read["name"].as_str().context("a name")?;
        ensure!(number >= PERSONS || name == format!("Person {number}"), "{name} instead of Person {number}");
    }
    Ok(())
}
