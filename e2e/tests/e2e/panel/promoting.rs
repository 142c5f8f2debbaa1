//! Somebody nobody knows becomes a person by a press of a button, and past visits follow.

use anyhow::{Result, ensure};
use ostiary_e2e::browser::is_there;
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;

use super::scene::{Scene, crop_of, unknown_visit};
use super::talk::{open, visitor};
use crate::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_visitor_is_enrolled_and_past_visits_follow() {
    if is_there() {
        scenario("promoting", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let mut scene = Scene::build(stage).await?;
    let (known, crop) = (scene.known.clone(), crop_of(Sitter::Astronaut)?);
    scene.here.says(|seq| unknown_visit(seq, &known, crop)).await?;
    let api = &scene.server.api;
    let id = visitor(api).await?;
    let path = format!("/api/v1/unknowns/{id}");
    // One of the scene's at each door, and the one just now.
    wait::until_true("three visits together", SOON, async || Ok(api.get(&path).await?["visits"] == 3)).await?;

    let browser = open(&scene, LOGIN, PASSWORD).await?;
    browser.go("/unknowns").await?;
    browser.settled().await?;
    browser.click(&format!("a[href='/unknowns/{id}']")).await?;
    browser.is_at(&format!("/unknowns/{id}")).await?;
    browser.press("Enroll").await?;
    browser.fill("Name", "Person C").await?;
    browser.press("The person has consented to be recognised").await?;
    browser.press("Enroll").await?;
    browser.until("the person's page", "return location.pathname.startsWith('/people/');").await?;
    browser.wait_for_text("Person C").await?;
    browser.until("past visits", "return document.querySelectorAll('.visit-card').length === 3;").await?;
    browser.go("/unknowns").await?;
    browser.settled().await?;
    let left = browser.run(&format!("return document.querySelectorAll(\"a[href='/unknowns/{id}']\").length;")).await?;
    ensure!(left == 0, "the visitor is still unknown");
    browser.no_complaints().await?;
    browser.close().await
}
