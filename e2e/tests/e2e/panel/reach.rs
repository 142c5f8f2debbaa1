//! An operator of one door sees nothing of another, on any page.

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::text;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::json;

use super::every_page::pages;
use super::scene::{PASSWORD, Scene, account};

/// What is called so is at the other door.
const SECRETS: [&str; 4] = ["Warehouse", "Depot", "Depot camera", "Midnight parcel"];

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
    all.extend(said_there(&scene, &hidden).await?);

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

/// What is said about the other door and a visit there, and whom a rule there tells.
async fn said_there(scene: &Scene, visit: &str) -> Result<Vec<String>> {
    let api = &scene.server.api;
    let mut pages = vec!["/conversations?q=parcel".to_owned(), "/analytics".into()];
    for about in [json!({"door": scene.there.door}), json!({"event": visit})] {
        let thread = text(&api.post("/api/v1/threads", &about).await?.ok()?, "id")?;
        let said = json!({"text": "Midnight parcel"});
        api.post(&format!("/api/v1/threads/{thread}/messages"), &said).await?.ok()?;
        pages.push(format!("/conversations/{thread}"));
    }
    let rule = json!({"name": "Depot at night", "what": ["unknown"], "door": scene.there.door,
        "whom": {"roles": ["owner"]}});
    api.post("/api/v1/notification-rules", &rule).await?.ok()?;
    Ok(pages)
}
