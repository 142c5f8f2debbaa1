//! An operator of one door sees nothing of another, on any page.

use anyhow::{Context, Result, ensure};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::json;

use super::every_page::pages;
use super::scene::{PASSWORD, Scene, account};

/// What is called so is at the other door.
const SECRETS: [&str; 3] = ["Warehouse", "Depot", "Depot camera"];

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_of_one_door_sees_nothing_of_another() {
    if is_there() {
        scenario("reach", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let scene = Scene::build(stage).await?;
    let api = &scene.server.api;
    account(api, "guard", json!([{"role": "operator", "door": scene.here.door}])).await?;
    let hidden = api.events().await?.into_iter().find(|event| event["door"] == scene.there.door.as_str());
    let hidden = hidden.and_then(|event| event["id"].as_str().map(str::to_owned)).context("a visit there")?;
    let mut all = pages(&scene).await?;
    let device = scene.there.device.identity.device;
    all.extend([format!("/visits/{hidden}"), format!("/doors/{}", scene.there.door), format!("/devices/{device}")]);
    all.push(format!("/visits?door={}", scene.there.door));

    let browser = Browser::open(&scene.server, 1280, 900).await?;
    browser.sign_in("guard", PASSWORD).await?;
    browser.wait_for(".visit-card").await?;
    for page in &all {
        browser.go(page).await?;
        browser.settled().await?;
        let words = browser.run("return document.documentElement.outerHTML;").await?;
        let words = words.as_str().unwrap_or_default();
        let found: Vec<_> = SECRETS.into_iter().filter(|secret| words.contains(secret)).collect();
        ensure!(found.is_empty(), "{page} names {found:?}");
    }
    browser.close().await
}
