//! Work at the desk: a session that ends over a form.

use anyhow::Result;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario};

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn no_form_is_lost_with_the_session() {
    if is_there() {
        scenario("desk", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let scene = Scene::build(stage).await?;
    let browser = Browser::open(&scene.server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    keeps_the_form(&scene, &browser).await?;
    browser.no_complaints().await?;
    browser.close().await
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
