//! Pictures of every page, light and dark, wide and on a phone: to be looked at, not compared. `cargo xtask screenshots`
//! has them made.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ostiary_e2e::browser::Browser;
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};

use super::every_page::pages;
use super::scene::Scene;

/// Where they are put.
const FOLDER: &str = "OSTIARY_SCREENS";
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
    let mut pages = pages(&scene).await?;
    pages.push("/sign-in".into());
    for (size, width, height) in SIZES {
        window(&scene.server, &folder, &pages, (size, width, height)).await?;
    }
    Ok(())
}

async fn window(server: &Server, folder: &std::path::Path, pages: &[String], size: (&str, u32, u32)) -> Result<()> {
    let browser = Browser::open(server, size.1, size.2).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    for theme in ["light", "dark"] {
        for page in pages {
            browser.go("/healthz").await?;
            browser.run(&format!("document.cookie = 'ostiary-theme={theme}; Path=/; Secure; SameSite=Lax';")).await?;
            browser.go(page).await?;
            browser.settled().await?;
            let name = page.trim_start_matches('/').split(['/', '?', '#']).next().filter(|name| !name.is_empty());
            let detail = if page.trim_start_matches('/').contains(['/', '?', '#']) { "-one" } else { "" };
            let file = format!("{}{detail}-{theme}-{}.png", name.unwrap_or("live"), size.0);
            fs::write(folder.join(file), browser.picture().await?)?;
        }
    }
    browser.close().await
}
