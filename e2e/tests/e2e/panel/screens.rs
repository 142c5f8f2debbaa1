//! Pictures of every page, light and dark, wide and on a phone: to be looked at, not compared. What can be told without
//! eyes is tested: that nothing reaches beyond the edge. They are left in `target/screenshots`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario, workspace};
use ostiary_e2e::wait;
use serde_json::json;

use super::every_page::pages;
use super::scene::Scene;
use crate::LATER;

/// Says where they are put, if not there.
const FOLDER: &str = "OSTIARY_SCREENS";
/// Of a UUID.
const ID_LENGTH: usize = 36;
const THEMES: [&str; 2] = ["light", "dark"];
const SIZES: [(&str, u32, u32); 2] = [("wide", 1440, 900), ("phone", 390, 844)];

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_every_page() {
    if is_there() {
        scenario("screens", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let folder = std::env::var_os(FOLDER).map_or_else(|| workspace().join("target/screenshots"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let scene = Scene::build(stage).await?;
    let pages = pages(&scene).await?;
    counted(&scene.server).await?;
    for (size, width, height) in SIZES {
        window(&scene.server, &folder, &pages, (size, width, height)).await?;
    }
    Ok(())
}

/// Figures are counted now and then; before that there is nothing to be drawn.
async fn counted(server: &Server) -> Result<()> {
    wait::until_true("figures", LATER, async || {
        let figure = server.api.get("/api/v1/analytics/visits?by=hour").await?;
        let counts = figure["rows"].as_array().into_iter().flatten().filter_map(|row| row["values"].as_array());
        Ok(counts.flatten().any(|count| count.as_f64() > Some(0.0)))
    })
    .await
}

async fn window(server: &Server, folder: &Path, pages: &[String], size: (&str, u32, u32)) -> Result<()> {
    let browser = Browser::open(server, size.1, size.2).await?;
    // A window of its own cannot be as narrow as a phone.
    let narrow = json!({"width": size.1, "height": size.2, "deviceScaleFactor": 1, "mobile": false});
    browser.devtools("Emulation.setDeviceMetricsOverride", &narrow).await?;
    for theme in THEMES {
        picture(&browser, folder, "/sign-in", theme, size.0).await?;
    }
    browser.sign_in(LOGIN, PASSWORD).await?;
    for theme in THEMES {
        for page in pages {
            picture(&browser, folder, page, theme, size.0).await?;
        }
    }
    browser.close().await
}

async fn picture(browser: &Browser, folder: &Path, page: &str, theme: &str, size: &str) -> Result<()> {
    browser.go("/healthz").await?;
    browser.run(&format!("document.cookie = 'ostiary-theme={theme}; Path=/; Secure; SameSite=Lax';")).await?;
    browser.go(page).await?;
    browser.settled().await?;
    let beyond = "const page = document.documentElement; return page.scrollWidth - page.clientWidth;";
    let beyond = browser.run(beyond).await?;
    ensure!(beyond == 0, "{page}, {size}: something is {beyond} pixels wider than the window");
    let file = format!("{}-{theme}-{size}.png", name_of(page));
    fs::write(folder.join(file), browser.picture().await?)?;
    Ok(())
}

/// A file's name for a page, with `one` for the id of what it is about.
fn name_of(page: &str) -> String {
    let one = |part: &str| if part.len() >= ID_LENGTH { "one" } else { part }.to_owned();
    let parts: Vec<String> = page.split(['/', '?', '#', '=']).filter(|part| !part.is_empty()).map(one).collect();
    if parts.is_empty() { "live".to_owned() } else { parts.join("-") }
}
