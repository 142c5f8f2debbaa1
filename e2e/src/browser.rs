//! A real browser: Debian's Chromium, driven through its own WebDriver, as somebody who uses the panel.
//!
//! Everything is waited for by a condition with a deadline. [`Browser::open`] starts it; what it can do is below.

mod driver;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::key::Key;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

pub use driver::{Driver, is_there};

use crate::server::Server;
use crate::wait;

/// A page shows what it has no later, even on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// What takes its time by itself.
const LATER: Duration = Duration::from_secs(150);
/// More stops than any page has.
const MOST_TABS: usize = 80;

/// A window of a browser, signed in or not.
pub struct Browser {
    /// For what has no word of its own here.
    pub client: Client,
    base: String,
    driver: Driver,
}

impl Browser {
    /// Opens a window that trusts the server's certificate, of this size.
    ///
    /// # Errors
    /// If browser or driver do not start.
    pub async fn open(server: &Server, width: u32, height: u32) -> Result<Self> {
        Self::open_with(server, width, height, None).await
    }

    /// As [`Browser::open`], before a camera that shows a file of JPEGs (`.mjpeg`) over and over.
    ///
    /// # Errors
    /// If browser or driver do not start.
    pub async fn open_before(server: &Server, width: u32, height: u32, shows: &Path) -> Result<Self> {
        Self::open_with(server, width, height, Some(shows)).await
    }

    async fn open_with(server: &Server, width: u32, height: u32, shows: Option<&Path>) -> Result<Self> {
        let driver = Driver::start().await?;
        let client = driver.client(width, height, shows).await?;
        Ok(Self { client, base: format!("https://{}", server.endpoints.https), driver })
    }

    /// Goes to a page of the panel.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub async fn go(&self, path: &str) -> Result<()> {
        self.client.goto(&format!("{}{path}", self.base)).await.with_context(|| format!("going to {path}"))
    }

    /// Signs in, and waits for the first page.
    ///
    /// # Errors
    /// If that does not come.
    pub async fn sign_in(&self, login: &str, password: &str) -> Result<()> {
        self.client.delete_all_cookies().await?;
        self.go("/sign-in").await?;
        self.type_into("#login", login).await?;
        self.type_into("#password", password).await?;
        self.click("#sign-in button").await?;
        self.wait_for("nav.side").await
    }

    /// Waits until something is shown.
    ///
    /// # Errors
    /// If it is not, in time; with what is there instead.
    pub async fn wait_for(&self, selector: &str) -> Result<()> {
        let shown = json!(selector);
        let script =
            format!("const e = document.querySelector({shown}); return Boolean(e && e.getClientRects().length);");
        self.until(selector, &script).await
    }

    /// Waits until the page says these words.
    ///
    /// # Errors
    /// If it does not, in time.
    pub async fn wait_for_text(&self, words: &str) -> Result<()> {
        self.until(words, &format!("return document.body.innerText.includes({});", json!(words))).await
    }

    /// Waits until nothing of the page is still loading.
    ///
    /// # Errors
    /// If it goes on.
    pub async fn settled(&self) -> Result<()> {
        let script = "return document.readyState === 'complete' && !document.querySelector('main .loading');";
        self.until("the page to be there", script).await
    }

    /// Waits until a script answers `true`.
    ///
    /// # Errors
    /// If it does not in time; with the words of the page.
    pub async fn until(&self, what: &str, script: &str) -> Result<()> {
        self.until_within(what, script, SOON).await
    }

    async fn until_within(&self, what: &str, script: &str, deadline: Duration) -> Result<()> {
        let waited = wait::until_true(what, deadline, async || Ok(self.run(script).await? == true)).await;
        let Err(error) = waited else { return Ok(()) };
        let page = self.run("return location.pathname + ': ' + document.body.innerText.slice(0, 1500);").await;
        Err(error.context(format!("the page: {}", page.unwrap_or_default())))
    }

    /// As [`Browser::until`], for what takes as long as somebody needs before a camera.
    ///
    /// # Errors
    /// As there.
    pub async fn until_late(&self, what: &str, script: &str) -> Result<()> {
        self.until_within(what, script, LATER).await
    }

    /// Types on the keyboard, wherever the focus is.
    ///
    /// # Errors
    /// If nothing has it.
    pub async fn keys(&self, keys: &str) -> Result<()> {
        let focused = self.client.active_element().await.context("what has the focus")?;
        focused.send_keys(keys).await.context("typing")
    }

    /// Goes on by the tabulator until something has the focus.
    ///
    /// # Errors
    /// If it cannot be reached so.
    pub async fn tab_to(&self, selector: &str) -> Result<()> {
        self.wait_for(selector).await?;
        let there = format!("return document.activeElement.matches({});", json!(selector));
        for _ in 0..MOST_TABS {
            if self.run(&there).await? == true {
                return Ok(());
            }
            self.keys(&String::from(char::from(Key::Tab))).await?;
        }
        bail!("{selector} cannot be reached by the tabulator")
    }

    /// Chooses files, as a drop does, for a field of files.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn choose(&self, selector: &str, files: &[PathBuf]) -> Result<()> {
        self.until(selector, &format!("return Boolean(document.querySelector({}));", json!(selector))).await?;
        let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        let field = self.client.find(Locator::Css(selector)).await?;
        field.send_keys(&names.join("\n")).await.with_context(|| format!("choosing files for {selector}"))
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    /// If it fails.
    pub async fn run(&self, script: &str) -> Result<Value> {
        self.client.execute(script, Vec::new()).await.with_context(|| format!("running `{script}`"))
    }

    /// Gives the browser a command of Chromium's DevTools protocol, for what has no other way in.
    ///
    /// # Errors
    /// If it refuses.
    pub async fn devtools(&self, command: &str, params: &Value) -> Result<Value> {
        self.driver.devtools(&self.client, command, params).await
    }

    /// Replaces what a field says.
    ///
    /// # Errors
    /// If there is no such field.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.wait_for(selector).await?;
        let field = self.client.find(Locator::Css(selector)).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("typing into {selector}"))
    }

    /// Types into the field with a label.
    ///
    /// # Errors
    /// If there is none.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let script = format!(
            "const labels = [...document.querySelectorAll('label')].filter((l) => l.getClientRects().length);
             const label = labels.find((l) => l.innerText.trim() === {});
             return label ? '#' + CSS.escape(label.htmlFor) : null;",
            json!(label)
        );
        let selector =
            wait::until(label, SOON, async || Ok(self.run(&script).await?.as_str().map(str::to_owned))).await?;
        self.type_into(&selector, text).await
    }

    /// Clicks on something.
    ///
    /// # Errors
    /// If it is not there.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.wait_for(selector).await?;
        self.client.find(Locator::Css(selector)).await?.click().await.with_context(|| format!("clicking {selector}"))
    }

    /// Presses the button, or follows the link, that says these words.
    ///
    /// # Errors
    /// If there is none.
    pub async fn press(&self, words: &str) -> Result<()> {
        let script = format!(
            "const all = [...document.querySelectorAll('button, a.button, [role=tab], summary, label.check')];
             const one = all.findLast((b) => b.innerText.trim() === {} && b.getClientRects().length && !b.disabled);
             if (one) one.click();
             return Boolean(one);",
            json!(words)
        );
        self.until(words, &script).await
    }

    /// Waits until the address is this.
    ///
    /// # Errors
    /// If it is another.
    pub async fn is_at(&self, path: &str) -> Result<()> {
        self.until(path, &format!("return location.pathname === {};", json!(path))).await
    }

    /// The page as a PNG.
    ///
    /// # Errors
    /// If there is none.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        self.client.screenshot().await.context("taking a picture of the page")
    }

    /// Bytes that the page and everything it loads take on the wire for the first time, headers guessed at.
    ///
    /// # Errors
    /// If the browser does not tell.
    pub async fn weight(&self) -> Result<u64> {
        // What was in the cache by now is counted too; a header is about so long.
        let script =
            "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
            return all.reduce((sum, entry) => sum + entry.encodedBodySize + 300, 0);";
        self.run(script).await?.as_u64().context("a number of bytes")
    }

    /// Ends the session.
    ///
    /// # Errors
    /// If the browser does not end.
    pub async fn close(self) -> Result<()> {
        self.client.clone().close().await.context("closing the browser")
    }

    /// Looks whether the browser refused anything of the page by its content security policy.
    ///
    /// # Errors
    /// If there is anything.
    pub async fn no_complaints(&self) -> Result<()> {
        let script = "const done = arguments[0];
            const told = (reports) => reports.map(({ body }) => `${body.effectiveDirective}: ${body.blockedURL} at ${body.sourceFile}`);
            const observer = new ReportingObserver((reports) => done(told(reports)), { types: ['csp-violation'], buffered: true });
            observer.observe();
            setTimeout(() => done(told(observer.takeRecords())), 300);";
        let found = self.client.execute_async(script, Vec::new()).await.context("asking what was refused")?;
        let Some(list) = found.as_array() else { bail!("what was refused is a list: {found}") };
        ensure!(list.is_empty(), "the browser refused something of the page: {found}");
        Ok(())
    }
}
