//! The service worker in a real browser: what is pushed to it is shown, with words that lead to pages of this server alone.
//!
//! The push itself is the browser's own: no push service is asked, since the machine may have no way to one.

use anyhow::{Result, ensure};
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::server::{LOGIN, PASSWORD, Server};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use serde_json::{Value, json};

use crate::SOON;

/// The first worker of a fresh profile.
const REGISTRATION: &str = "0";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_to_a_browser_is_shown() {
    if is_there() {
        scenario("pushed", play).await;
    }
}

async fn play(stage: &Stage) -> Result<()> {
    let mut server = Server::start(stage).await?;
    server.command(&["notify", "push-keys"])?;
    server.restart().await?;
    let browser = Browser::open(&server, 1280, 900).await?;
    browser.sign_in(LOGIN, PASSWORD).await?;
    let origin = format!("https://{}", server.endpoints.https);
    browser.devtools("Browser.grantPermissions", &json!({"permissions": ["notifications"], "origin": origin})).await?;
    browser.go("/notifications#wishes").await?;
    browser.settled().await?;
    browser.press("Have this browser take messages").await?;
    let installed = "return navigator.serviceWorker.getRegistration('/').then((one) => Boolean(one?.active));";
    browser.until("the worker to be there", installed).await?;

    browser.devtools("ServiceWorker.enable", &json!({})).await?;
    let said = |id: &str, title: &str, body: &str, url: &str| {
        json!({"id": id, "title": title, "body": body, "url": url}).to_string()
    };
    let check = async |data: String, expected: [&str; 3]| {
        let message = json!({"origin": origin, "registrationId": REGISTRATION, "data": data});
        pushed(&browser, &message, expected).await
    };
    check(said("a", "Somebody unknown", "Entrance", "/unknowns"), ["Somebody unknown", "Entrance", "/unknowns"])
        .await?;
    check(said("b", "Elsewhere", "", "https://elsewhere.invalid/x"), ["Elsewhere", "", "/notifications"]).await?;
    check("not what the server sends".into(), ["There is a notification", "", "/notifications"]).await?;
    // One thing told again takes the place of what was told of it.
    check(said("a", "Somebody unknown", "twice", "/unknowns"), ["Somebody unknown", "twice", "/unknowns"]).await?;
    let count = browser
        .run("return navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.length);");
    ensure!(count.await? == 3, "three are shown");
    browser.close().await
}

/// Pushes until it is shown: what comes before the browser has written its worker down is dropped without a word.
async fn pushed(browser: &Browser, message: &Value, [title, body, url]: [&str; 3]) -> Result<()> {
    let wanted = json!([title, body, url]);
    let script = format!(
        "return navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) =>
            all.some((one) => JSON.stringify([one.title, one.body, one.data.url]) === JSON.stringify({wanted})));"
    );
    wait::until_true(title, SOON, async || {
        browser.devtools("ServiceWorker.deliverPushMessage", message).await?;
        Ok(browser.run(&script).await? == true)
    })
    .await
}
