//! The first hour: an invitation is accepted, and a site, a door, its camera and the first person are made.

use anyhow::Result;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::device::RawDevice;
use ostiary_e2e::server::Server;
use ostiary_e2e::stage::{Stage, scenario};
use serde_json::json;

use super::scene::{PASSWORD, invitation};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_comes_from_the_link_to_the_first_person() {
    if is_there() {
        scenario("first steps", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let server = Server::start(stage).await?;
    let browser = Browser::open(&server, 1280, 900).await?;
    let link = invitation(&server.api, json!([{"role": "owner"}])).await?;
    let secret = link.split_once('#').map(|(_, secret)| secret.to_owned()).unwrap_or_default();
    browser.go(&format!("/accept#{secret}")).await?;
    browser.fill("Login name", "first").await?;
    browser.fill("What people call you", "The first").await?;
    browser.fill("Password", "short").await?;
    browser.press("Make the account").await?;
    browser.wait_for_text("a password has 15 to 256 characters").await?;
    browser.fill("Password", PASSWORD).await?;
    browser.press("Make the account").await?;

    browser.is_at("/setup").await?;
    browser.fill("Name of the site", "Museum").await?;
    browser.press("Go on").await?;
    browser.fill("Name of the door", "Staff entrance").await?;
    browser.press("Go on").await?;
    browser.fill("Name of the device", "Camera").await?;
    browser.press("Go on").await?;
    browser.wait_for("img.qr").await?;
    // Taken up again after a reload, with a new code: the first was shown once.
    browser.go("/").await?;
    browser.go("/setup").await?;
    browser.press("Make a new code").await?;
    browser.wait_for("#claim-code").await?;
    let code = browser.run("return document.querySelector('#claim-code').innerText;").await?;
    let code = code.as_str().unwrap_or_default().to_owned();
    RawDevice::claim_by_code(&server.api, server.endpoints.mqtts.clone(), code).await?;
    browser.fill("Name", "Person A").await?;
    browser.press("Go on to the pictures").await?;
    browser.wait_for_text("This person has not consented").await?;
    browser.no_complaints().await?;
    browser.close().await
}
