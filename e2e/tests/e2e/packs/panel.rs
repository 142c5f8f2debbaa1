//! A model pack in the panel: brought, its templates made, compared, tried at a door, taken back.

use anyhow::{Result, ensure};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::photos::portrait;
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};

use super::{Keys, NEW, second_pack};

const LIMITS: &str = "\n[limits]\nrequests_per_second = 1000\naccount_requests_per_second = 1000\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_brought_compared_tried_and_taken_back() {
    if is_there() {
        scenario("a pack in the panel", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let keys = Keys::make(stage)?;
    let archive = keys.sign(stage, &second_pack(stage)?)?;
    let server = Server::start_with(stage, &format!("{}{LIMITS}", keys.trusted())).await?;
    server.add_device("Head office", "Entrance", "Entrance camera")?;
    let person = server.api.add_person("Person A").await?;
    for sitter in [Sitter::Obama2009, Sitter::Obama2012] {
        server.api.enroll(&person, portrait(sitter)?).await?;
    }
    let page = format!("/packs/{NEW}");
    let browser = Browser::open(&server, 1280, 1000).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;

    browser.go("/packs").await?;
    browser.wait_for_text("In force").await?;
    browser.choose("#file", &[archive]).await?;
    browser.press("Install it").await?;
    browser.is_at(&page).await?;
    browser.wait_for_text("nothing was made with it yet").await?;

    browser.press("Make its templates").await?;
    browser.until_late("the comparison", "return document.body.innerText.includes('Ready to be tried');").await?;
    browser.wait_for("#comparison table").await?;
    browser.wait_for_text("Pairs: equal error rate").await?;

    browser.click("#rollout fieldset input").await?;
    browser.press("Try it there").await?;
    browser.wait_for_text("Being tried").await?;
    let api = &server.api;
    let state = async || Ok::<_, anyhow::Error>(api.get(&format!("/api/v1/model-packs/{NEW}")).await?["state"].clone());
    ensure!(state().await? == "staged");

    browser.press("Take it back").await?;
    browser.wait_for("dialog").await?;
    browser.click("dialog .buttons button:last-child").await?;
    browser.wait_for_text("Ready to be tried").await?;
    ensure!(state().await? == "comparing");

    browser.press("Remove").await?;
    browser.click("dialog .buttons button:last-child").await?;
    browser.is_at("/packs").await?;
    browser.no_complaints().await?;
    browser.close().await
}
