//! `ostiary-lab pages`: how long the server takes for each page of the panel while its store is full, and how much a
//! browser is sent.
//!
//! Each page is opened in Chromium as somebody would for the first time; the browser's own books say how long it waited
//! for the page and for everything the page asked for. These are added up, though a browser asks for much of it side by
//! side: the sum is the most it can be. Start reading at [`main`].

use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::browser::Browser;
use crate::reading::Ground;
use crate::server::{LOGIN, PASSWORD, Server};
use crate::stage::Stage;

/// What the browser's books say of a page: how many requests, ms waited for answers to begin, bytes.
const BOOKS: &str =
    "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return [all.length, all.reduce((sum, entry) => sum + Math.max(0, entry.responseStart - entry.requestStart), 0),
        all.reduce((sum, entry) => sum + entry.encodedBodySize + 300, 0)];";
/// Every budget beyond what a browser can ask.
const LIMITS: &str = "[limits]\nrequests_per_second = 100000\naccount_requests_per_second = 100000\n";

/// How much is in the store, and how often each page is opened.
#[derive(Args, Clone, Debug)]
pub struct PagesArgs {
    /// Events in the store.
    #[arg(long, default_value_t = 100_000)]
    pub events: i64,
    /// Persons in the store.
    #[arg(long, default_value_t = 10_000)]
    pub persons: u32,
    /// How often each page is opened; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub times: u8,
    /// Print one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// A page as a browser sees it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PageReport {
    /// The page itself, its scripts and styles, and what it asks the API.
    pub requests: u64,
    /// Waited for all answers together, ms; the median of several times.
    pub server_ms: f64,
    /// The longest of the times, ms.
    pub server_ms_worst: f64,
    /// Sent for it, when nothing is known of it yet.
    pub bytes: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct PagesReport {
    /// Events in the store.
    pub events: i64,
    /// Persons in the store.
    pub persons: u32,
    /// The slowest page's, ms.
    pub server_ms_max: f64,
    /// The heaviest page's.
    pub bytes_max: u64,
    /// Each page, by its path; ids are taken out.
    pub pages: BTreeMap<String, PageReport>,
}

/// Opens every page, and prints what was found.
///
/// # Errors
/// If the store cannot be filled or a page does not come.
pub fn main(args: &PagesArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(measure(args))?;
    match args.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => println!("{report}"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(args: &PagesArgs) -> Result<PagesReport> {
    let stage = Stage::open().await?;
    let server = Server::start_with(&stage, LIMITS).await?;
    let url = format!("sqlite:{}", server.database().display());
    let ground = Ground::fill(&server, &url, args.events, args.persons).await?;
    let browser = Browser::open(&server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    let mut pages = BTreeMap::new();
    for (name, path) in paths(&ground) {
        let report = page(&browser, &path, args.times).await.with_context(|| path.clone())?;
        pages.insert(name, report);
    }
    browser.close().await?;
    let server_ms_max = pages.values().map(|page| page.server_ms).fold(0.0, f64::max);
    let bytes_max = pages.values().map(|page| page.bytes).max().unwrap_or(0);
    Ok(PagesReport { events: args.events, persons: args.persons, server_ms_max, bytes_max, pages })
}

/// Every page there is something on, with a name for those about one thing.
fn paths(ground: &Ground) -> Vec<(String, String)> {
    let lists = ["/", "/visits", "/people", "/groups", "/enroll", "/import", "/unknowns", "/doors", "/accuracy"];
    let more = ["/jobs", "/conversations", "/notifications", "/rules", "/analytics", "/erasures", "/retention"];
    let office = ["/accounts", "/audit", "/settings", "/system", "/me"];
    let one = [
        ("/visits/…", format!("/visits/{}", ground.event)),
        ("/people/…", format!("/people/{}", ground.person)),
        ("/doors/…", format!("/doors/{}", ground.door)),
        ("/devices/…", format!("/devices/{}", ground.device)),
    ];
    let fixed = lists.into_iter().chain(more).chain(office).map(|path| (path.to_owned(), path.to_owned()));
    fixed.chain(one.map(|(name, path)| (name.to_owned(), path))).collect()
}

async fn page(browser: &Browser, path: &str, times: u8) -> Result<PageReport> {
    let (mut waited, mut requests, mut bytes) = (Vec::new(), 0, 0);
    for _ in 0..times {
        // Not as a part of the page before.
        browser.go("/healthz").await?;
        browser.go(path).await?;
        browser.settled().await?;
        let books = browser.run(BOOKS).await?;
        let [count, ms, weight] = books.as_array().map(Vec::as_slice).unwrap_or_default() else {
            anyhow::bail!("the browser's books: {books}");
        };
        waited.push(ms.as_f64().context("a time")?);
        requests = requests.max(whole(count)?);
        bytes = bytes.max(whole(weight)?);
    }
    waited.sort_by(f64::total_cmp);
    ensure!(requests > 0, "nothing was asked for");
    let (median, worst) = (waited[waited.len() / 2], waited[waited.len() - 1]);
    Ok(PageReport { requests, server_ms: median, server_ms_worst: worst, bytes })
}

fn whole(number: &Value) -> Result<u64> {
    number.as_u64().with_context(|| format!("a count: {number}"))
}

impl fmt::Display for PagesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} events, {} persons", self.events, self.persons)?;
        for (path, page) in &self.pages {
            let (kb, median, worst) = (page.bytes as f64 / 1000.0, page.server_ms, page.server_ms_worst);
            writeln!(f, "{path:16} {:3} requests {median:7.1} ms (worst {worst:.1}) {kb:6.1} KB", page.requests)?;
        }
        write!(f, "at most {:.1} ms and {:.1} KB", self.server_ms_max, self.bytes_max as f64 / 1000.0)
    }
}
