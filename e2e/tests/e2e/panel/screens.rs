//! Pictures of every page, light and dark, wide and on a phone: to be looked at, not compared. `cargo xtask screenshots`
//! has them made.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ostiary_e2e::browser::Browser;
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;

use super::every_page::pages;
use super::scene::Scene;
use crate::LATER;

/// Where they are put.
const FOLDER: &str = "OSTIARY_SCREENS";
const THEMES: [&str; 2] = ["light", "dark"];
const SIZES: [(&str, u32, u32); 2] = [("wide", 1440, 900), ("phone", 500, 900)];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes pictures; run by `cargo xtask screenshots`"]
async fn pictures_of_every_page() {
    scenario("screens", play).await;
}

async fn play(stage: &Stage) -> Result<()> {
    let folder = PathBuf::from(std::env::var(FOLDER).context("OSTIARY_SCREENS says where the pictures are put")?);
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
    let name = page.trim_start_matches('/').split(['/', '?', '#']).next().filter(|name| !name.is_empty());
    let detail = if page.trim_start_matches('/').contains(['/', '?', '#']) { "-one" } else { "" };
    let file = format!("{}{detail}-{theme}-{size}.png", name.unwrap_or("live"));
    fs::write(folder.join(file), browser.picture().await?)?;
    Ok(())
}
