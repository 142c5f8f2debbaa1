//! Work at the desk: photos dropped by the dozen, and a session that ends over a form.

use std::fs;

use anyhow::{Result, ensure};
use fantoccini::Locator;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario};

use super::scene::Scene;

/// Photos of which one is of a face.
const BAD: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_judged_one_by_one_and_no_form_is_lost() {
    if is_there() {
        scenario("desk", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let scene = Scene::build(stage).await?;
    let browser = Browser::open(&scene.server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    drops_photos(stage, &browser, &scene.known).await?;
    keeps_the_form(&scene, &browser).await?;
    browser.no_complaints().await?;
    browser.close().await
}

async fn drops_photos(stage: &Stage, browser: &Browser, person: &str) -> Result<()> {
    browser.go(&format!("/enroll?person={person}")).await?;
    browser.wait_for(".drop").await?;
    let mut files = vec![Sitter::Obama2009.path()];
    for number in 0..BAD {
        let file = stage.file(&format!("bad-{number}.jpg"));
        fs::write(&file, format!("no picture {number}"))?;
        files.push(file);
    }
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    browser.client.find(Locator::Css("#files")).await?.send_keys(&names.join("\n")).await?;
    browser.wait_for_text(&format!("Done: 1 accepted, {BAD} refused.")).await?;
    let verdicts = browser.run("return document.querySelectorAll('.file .badge.bad').length;").await?;
    ensure!(verdicts == BAD, "each has its verdict: {verdicts}");
    Ok(())
}

/// The session ends elsewhere while a form is filled in: signing in again goes on with the same form.
async fn keeps_the_form(scene: &Scene, browser: &Browser) -> Result<()> {
    browser.go("/groups").await?;
    browser.press("New group").await?;
    browser.fill("Name", "Night shift").await?;
    let me = scene.server.api.get("/api/v1/me").await?;
    let id = me["id"].as_str().unwrap_or_default();
    scene.server.api.delete(&format!("/api/v1/users/{id}/sessions")).await?.ok()?;
    browser.press("Add").await?;
    browser.wait_for_text("Your session has ended").await?;
    browser.type_into("#again-login", LOGIN).await?;
    browser.type_into("#again-password", PASSWORD).await?;
    browser.press("Sign in").await?;
    browser
        .until(
            "the group",
            "return [...document.querySelectorAll('#list td')].some((c) => c.innerText === 'Night shift');",
        )
        .await
}
