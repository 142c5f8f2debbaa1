//! Conversations end with time: set in a browser how long they are kept, days later what is due goes by a press of a
//! button, and what is held stays.

use anyhow::{Result, ensure};
use ostiary_e2e::api::{Api, text};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::faults::clock::Clock;
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::json;

use super::scene::Scene;
use super::talk::{open, visit_at};
use crate::SOON;

/// Longer than the day conversations are kept for here.
const LATER_S: i64 = 2 * 24 * 3600;
const REMOVE: &str = "Remove what is due now";

#[tokio::test(flavor = "multi_thread")]
async fn conversations_end_when_their_time_is_over() {
    if !is_there() {
        return;
    }
    let Some(library) = Clock::library() else {
        eprintln!("SKIPPED: no clock that can be set is installed (Debian package `faketime`)");
        return;
    };
    scenario("conversations end", async |stage| play(stage, Clock::new(&library, stage.file("clock"))?).await).await;
}

async fn play(stage: &Stage, clock: Clock) -> Result<()> {
    let mut scene = Scene::build(stage).await?;
    let visit = visit_at(&scene.server.api, &scene.here.door).await?;
    let goes = thread(&scene.server.api, "event", &visit, "Nobody waits for this.").await?;
    let stays = thread(&scene.server.api, "door", &scene.here.door, "The lawyer asks for this.").await?;
    scene.server.set_env(clock.env());
    scene.server.restart().await?;

    let browser = open(&scene, LOGIN, PASSWORD).await?;
    browser.go(&format!("/conversations/{stays}")).await?;
    browser.press("Hold").await?;
    browser.wait_for_text("Held: nothing of it is removed").await?;
    browser.go("/retention").await?;
    browser.fill("Days after the last word", "1").await?;
    browser.click("#conversations form button").await?;
    browser.wait_for_text("Saved.").await?;
    browser.settled().await?;
    ensure!(!says(&browser, REMOVE).await?, "nothing is due yet");

    clock.set(LATER_S)?;
    // No session lasts that long, which shows that the server has seen what time it is.
    let over = async || Ok(scene.server.api.try_get("/api/v1/me").await?.status == 401);
    wait::until_true("the session to be over", SOON, over).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    browser.go("/retention").await?;
    browser.wait_for_text(REMOVE).await?;
    browser.press(REMOVE).await?;
    browser.press("Remove it").await?;
    let gone =
        "return !document.querySelector('main .loading') && ![...document.querySelectorAll('#report button')].length;";
    browser.until("nothing to be due any more", gone).await?;

    browser.go(&format!("/conversations/{stays}")).await?;
    browser.wait_for_text("The lawyer asks for this.").await?;
    browser.go("/conversations?which=all").await?;
    browser.settled().await?;
    ensure!(!says(&browser, "Nobody waits for this.").await?, "it is listed though it ended");
    browser.no_complaints().await?;
    browser.close().await?;
    let api = scene.server.api.with_token(None).login(LOGIN, PASSWORD).await?;
    ensure!(api.try_get(&format!("/api/v1/threads/{goes}")).await?.status == 404, "it ended");
    let asked = api.audited("retention.sweep").await?;
    ensure!(asked.len() == 1, "who had it removed is on record: {asked:?}");
    Ok(())
}

async fn says(browser: &Browser, words: &str) -> Result<bool> {
    Ok(browser.run(&format!("return document.body.innerText.includes({});", json!(words))).await? == true)
}

/// Begins a conversation about something by a first word.
async fn thread(api: &Api, about: &str, id: &str, said: &str) -> Result<String> {
    let thread = text(&api.post("/api/v1/threads", &json!({about: id})).await?.ok()?, "id")?;
    api.post(&format!("/api/v1/threads/{thread}/messages"), &json!({"text": said})).await?.ok()?;
    Ok(thread)
}
