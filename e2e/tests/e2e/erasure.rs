//! A removed person is provably gone: every device signs that it holds them no more, also one that was away.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::text;
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::daemon::{Daemon, View};
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::{ledger, wait};
use serde_json::Value;

use crate::LATER;

/// What is promised to whoever asks to be forgotten.
const ONLINE_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_person_is_provably_gone() {
    scenario("erase", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let mut front = Daemon::claim(stage, &server, "front")?;
    let mut back = Daemon::claim(stage, &server, "back")?;
    let view = View::Drill(1.0);
    front.run(&view)?;
    back.run(&view)?;
    let person = server.api.add_person("Person A").await?;
    server.api.enroll(&person, portrait(Sitter::Obama2012)?).await?;
    ledger::same_gallery(&server.api, &front.device, LATER).await?;
    ledger::same_gallery(&server.api, &back.device, LATER).await?;

    back.stop().await?;
    let asked = Instant::now();
    let removed = server.api.delete(&format!("/api/v1/persons/{person}")).await?.ok()?;
    let path = format!("/api/v1/erasures/{}", text(&removed, "erasure")?);
    stands(&server, &path, ONLINE_WITHIN, |erasure| state(erasure, "front") == Some("confirmed")).await?;
    println!("online: confirmed and signed after {:.1} s", asked.elapsed().as_secs_f64());
    let open = server.api.get(&path).await?;
    ensure!(state(&open, "back") == Some("waiting") && open["completed_at"].is_null(), "too early: {open}");

    let returned = Instant::now();
    back.run(&view)?;
    let done = stands(&server, &path, ONLINE_WITHIN, |erasure| !erasure["completed_at"].is_null()).await?;
    println!("returned: complete after {:.1} s", returned.elapsed().as_secs_f64());
    ensure!(state(&done, "back") == Some("confirmed"), "the returned device did not sign: {done}");
    receipt_can_be_checked(stage, &server, &path).await?;
    front.stop().await?;
    back.stop().await
}

async fn stands(server: &Server, path: &str, deadline: Duration, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let found = wait::until("the erasure to get on", deadline, async || {
        let erasure = server.api.get(path).await?;
        Ok(is_so(&erasure).then_some(erasure))
    });
    match found.await {
        Ok(erasure) => Ok(erasure),
        Err(error) => Err(error).context(server.api.get(path).await?),
    }
}

fn state<'a>(erasure: &'a Value, name: &str) -> Option<&'a str> {
    let devices = erasure["device_states"].as_array()?;
    devices.iter().find(|device| device["name"] == name)?["state"].as_str()
}

async fn receipt_can_be_checked(stage: &Stage, server: &Server, path: &str) -> Result<()> {
    let receipt = server.api.get_bytes(&format!("{path}/receipt")).await?;
    let jwks = server.api.get_bytes("/.well-known/jwks.json").await?;
    let (file, keys) = (stage.file("receipt.jws"), stage.file("jwks.json"));
    std::fs::write(&file, &receipt)?;
    std::fs::write(&keys, &jwks)?;
    let verify = |file: &std::path::Path| {
        let file = file.to_string_lossy();
        server.command(&["erasure", "verify", &file, "--jwks", &keys.to_string_lossy()])
    };
    let printed = verify(&file)?;
    ensure!(printed.matches("signature good").count() == 2, "not both devices' signatures are good: {printed}");
    let mut altered = receipt;
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    std::fs::write(&file, &altered)?;
    ensure!(verify(&file).is_err(), "an altered receipt was taken for good");
    Ok(())
}
