//! People talk about a visit: one names another, who hears of it at once, answers, and resolves it. And what is there to
//! be talked about, for the tests of every page.

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::server::{LOGIN, PASSWORD as OWNERS};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::{Value, json};

use super::scene::{PASSWORD, Scene, account};
use crate::SOON;

/// A conversation, a notification of it, and somebody nobody knows.
pub struct Talk {
    pub thread: String,
    pub notification: String,
    pub unknown: String,
}

impl Talk {
    /// Begins a conversation about a visit in which the owner is named by somebody else, with an unknown visitor.
    pub async fn begun(scene: &Scene, visit: &str) -> Result<Self> {
        let api = &scene.server.api;
        let speaker = colleague(api).await?;
        let thread = text(&speaker.post("/api/v1/threads", &json!({"event": visit})).await?.ok()?, "id")?;
        let me = text(&api.get("/api/v1/me").await?, "id")?;
        let said = json!({"text": "Do you know this one?", "mentions": [me], "events": [visit]});
        speaker.post(&format!("/api/v1/threads/{thread}/messages"), &said).await?.ok()?;
        let told = api.get("/api/v1/notifications").await?;
        let notification = told["items"][0]["id"].as_str().context("a notification")?.to_owned();
        rules(api).await?;
        Ok(Self { thread, notification, unknown: visitor(api).await? })
    }
}

/// Somebody who watches everything, signed in.
async fn colleague(api: &Api) -> Result<Api> {
    if let Ok(there) = api.login("colleague", PASSWORD).await {
        return Ok(there);
    }
    account(api, "colleague", json!([{"role": "operator"}])).await?;
    api.login("colleague", PASSWORD).await
}

/// A rule and a webhook, once.
async fn rules(api: &Api) -> Result<()> {
    let there = api.get("/api/v1/notification-rules").await?;
    if there["items"].as_array().is_some_and(|items| !items.is_empty()) {
        return Ok(());
    }
    let hook = json!({"name": "Tickets", "url": "https://hooks.invalid/x"});
    let hook = text(&api.post("/api/v1/webhooks", &hook).await?.ok()?, "id")?;
    let when = json!([{"days": ["mon", "fri"], "from": "22:00", "until": "06:00"}]);
    let rule = json!({"name": "Unknown at night", "what": ["unknown"], "when": when, "whom": {"roles": ["operator"]},
        "how": {"email": true, "webhooks": [hook]}});
    api.post("/api/v1/notification-rules", &rule).await?.ok().map(drop)
}

/// The first unknown visitor, once visits are put together.
pub async fn visitor(api: &Api) -> Result<String> {
    wait::until("an unknown visitor", SOON, async || {
        Ok(api.get("/api/v1/unknowns").await?["items"][0]["id"].as_str().map(str::to_owned))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_hears_of_it_at_once_and_answers() {
    if is_there() {
        scenario("talk", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let scene = Scene::build(stage).await?;
    let api = &scene.server.api;
    account(api, "guard", json!([{"role": "operator", "door": scene.here.door}])).await?;
    let visit = visit_at(api, &scene.here.door).await?;
    let (owner, guard) = (open(&scene, LOGIN, OWNERS).await?, open(&scene, "guard", PASSWORD).await?);
    guard.go("/people").await?;
    guard.settled().await?;
    guard.until("nothing new", "return document.querySelector('#bell .count').hidden;").await?;

    owner.go(&format!("/visits/{visit}")).await?;
    owner.press("Begin a conversation").await?;
    let area = ".thread textarea";
    owner.type_into(area, "Who is this, @gua").await?;
    owner.press("guard").await?;
    let words = "return document.querySelector('.thread textarea').value;";
    ensure!(owner.run(words).await? == "Who is this, @guard ", "the name is put in");
    owner.press("Send").await?;
    owner.wait_for(".message .mention").await?;
    // Who goes on looking has read what is said.
    owner.go("/people").await?;

    guard.until("the bell", "return document.querySelector('#bell .count').innerText === '1';").await?;
    guard.press("Look").await?;
    guard.is_at("/notifications").await?;
    guard.wait_for(".notice.unread").await?;
    guard.click(".notice .name").await?;
    guard.wait_for_text("You were mentioned").await?;
    guard.until("it is read", "return document.querySelector('#bell .count').hidden;").await?;
    guard.wait_for_text("Read it").await?;
    guard.client.find(fantoccini::Locator::LinkText("Read it")).await?.click().await?;
    guard.type_into(area, "The postman.").await?;
    guard.press("Send").await?;
    guard.wait_for_text("The postman.").await?;
    guard.press("Resolve").await?;
    guard.wait_for_text("Resolved").await?;

    owner.go("/conversations?which=mine").await?;
    owner.wait_for_text("1 new").await?;
    owner.go("/conversations?q=postman").await?;
    owner.wait_for_text("The postman.").await?;
    for browser in [owner, guard] {
        browser.no_complaints().await?;
        browser.close().await?;
    }
    Ok(())
}

/// A window as wide as a desk's, signed in.
pub async fn open(scene: &Scene, login: &str, password: &str) -> Result<Browser> {
    let browser = Browser::open(&scene.server, 1280, 900).await?;
    browser.sign_in(login, password).await?;
    Ok(browser)
}

/// A visit at a door.
pub async fn visit_at(api: &Api, door: &str) -> Result<String> {
    let is_there = |event: &Value| event["door"] == door && event["kind"] == "unknown";
    let found = api.events().await?.into_iter().find(is_there);
    found.and_then(|event| event["id"].as_str().map(str::to_owned)).context("a visit there")
}
