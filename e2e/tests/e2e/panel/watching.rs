//! Watching: a visit stands on the wall within a second, and a server that was away costs nothing and doubles nothing.

use anyhow::{Result, ensure};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario};

use super::scene::{Scene, crop_of, unknown_visit};

/// From the decision to the card.
const AT_ONCE_MS: u64 = 1_000;
/// Tests share their machine: the fastest of so many tells what the way takes.
const TRIES: u32 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_on_the_wall_at_once_and_none_is_lost_over_a_restart() {
    if is_there() {
        scenario("watching", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let mut scene = Scene::build(stage).await?;
    let browser = Browser::open(&scene.server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    browser.wait_for(".visit-card.match").await?;
    browser.until("the line", "return document.querySelector('#state').innerText === 'Live';").await?;
    let before = cards(&browser).await?;
    ensure!(before == 4, "the visits before: {before}");
    at_once(&mut scene, &browser).await?;
    filters(&browser).await?;
    over_a_restart(&mut scene, &browser).await?;
    browser.no_complaints().await?;
    browser.close().await
}

async fn cards(browser: &Browser) -> Result<u64> {
    Ok(browser.run("return document.querySelectorAll('.visit-card').length;").await?.as_u64().unwrap_or_default())
}

async fn visit(scene: &mut Scene) -> Result<()> {
    let (nearest, crop) = (scene.known.clone(), crop_of(Sitter::Biden2010)?);
    scene.here.says(|seq| unknown_visit(seq, &nearest, crop)).await
}

/// Looked at in the page itself, by the one clock there is here: what asks a browser from outside is slower than it.
async fn at_once(scene: &mut Scene, browser: &Browser) -> Result<()> {
    let watch = "window.took = [];
        new MutationObserver((changes) => changes.flatMap((change) => [...change.addedNodes]).forEach((card) => {
            if (card.visit) window.took.push(Date.now() - Date.parse(card.visit.at));
        })).observe(document.querySelector('.wall'), { childList: true });";
    browser.run(watch).await?;
    for number in 1..=TRIES {
        visit(scene).await?;
        browser.until("the card", &format!("return window.took.length === {number};")).await?;
    }
    let took = browser.run("return window.took.sort((a, b) => a - b);").await?;
    println!("from the decision to the card, ms: {took}");
    ensure!(took[0].as_u64().is_some_and(|best| best <= AT_ONCE_MS), "{took}");
    Ok(())
}

async fn filters(browser: &Browser) -> Result<()> {
    let choose = "const kind = document.querySelector('#kind'); kind.value = 'match'; kind.dispatchEvent(new Event('input', { bubbles: true }));";
    browser.run(choose).await?;
    let shown = "return [...document.querySelectorAll('.visit-card')].filter((c) => c.getClientRects().length).every((c) => c.classList.contains('match'));";
    browser.until("only matches", shown).await?;
    browser.run(&choose.replace("'match'", "''")).await?;
    Ok(())
}

/// What comes while the browser is cut off is there afterwards, once.
async fn over_a_restart(scene: &mut Scene, browser: &Browser) -> Result<()> {
    let before = cards(browser).await?;
    scene.server.kill()?;
    scene.server.restart().await?;
    scene.here.comes_back().await?;
    for _ in 0..3 {
        visit(scene).await?;
    }
    browser
        .until("three more", &format!("return document.querySelectorAll('.visit-card').length >= {};", before + 3))
        .await?;
    let ids = "const ids = [...document.querySelectorAll('.visit-card')].map((c) => c.dataset.id); return ids.length - new Set(ids).size;";
    ensure!(browser.run(ids).await? == 0, "a visit stands there twice");
    ensure!(cards(browser).await? == before + 3, "more came than there were");
    Ok(())
}
