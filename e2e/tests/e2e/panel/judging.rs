//! A visit is judged by somebody who has a keyboard and nothing else: from the list to the visit, a word, taken back.

use anyhow::{Result, bail};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario};

use super::scene::Scene;
use super::talk::visit_at;

/// Steps to whatever is looked for: more are too many for anybody.
const MOST_STEPS: usize = 80;

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_judged_without_a_mouse() {
    if is_there() {
        scenario("judging", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let scene = Scene::build(stage).await?;
    let api = &scene.server.api;
    let visit = visit_at(api, &scene.here.door).await?;
    let browser = Browser::open(&scene.server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    browser.go("/visits").await?;
    browser.settled().await?;
    steps_to(&browser, &format!("a[href='/visits/{visit}']")).await?;
    press(&browser, char::from(Key::Enter)).await?;
    browser.is_at(&format!("/visits/{visit}")).await?;
    browser.wait_for("button[data-key='r']").await?;
    press(&browser, 'r').await?;
    browser.wait_for_text("Noted: Right.").await?;
    browser.wait_for_text("Withdraw").await?;
    let said = api.get(&format!("/api/v1/events/{visit}/verdict")).await?;
    anyhow::ensure!(said["standing"]["verdict"] == "right", "{said}");
    steps_to(&browser, ".toast button").await?;
    press(&browser, char::from(Key::Enter)).await?;
    browser.wait_for_text("Nobody has judged this visit.").await?;
    browser.no_complaints().await?;
    browser.close().await
}

/// Goes on by the tabulator until something has the focus.
async fn steps_to(browser: &Browser, selector: &str) -> Result<()> {
    let reached = format!("return document.activeElement.matches({});", serde_json::json!(selector));
    for _ in 0..MOST_STEPS {
        press(browser, char::from(Key::Tab)).await?;
        if browser.run(&reached).await? == true {
            return Ok(());
        }
    }
    bail!("{selector} is not reached by {MOST_STEPS} steps of the tabulator");
}

async fn press(browser: &Browser, key: char) -> Result<()> {
    let actions = KeyActions::new("keyboard".into());
    let actions = actions.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
    Ok(browser.client.perform_actions(actions).await?)
}
