//! A rule made in a browser tells of an unknown visitor three ways: in the notification centre, by a message that a real
//! mail server takes, and by a signed call to another program.

// The mail server is that of the server's own tests.
#[path = "../../../../sync-server/tests/it/api/accounts/smtp.rs"]
mod smtp;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ostiary_common::time::UnixMillis;
use ostiary_e2e::api::text;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::clip::Sitter;
use ostiary_e2e::server::{LOGIN, PASSWORD as OWNERS};
use ostiary_e2e::stage::{Stage, scenario};
use ostiary_e2e::wait;
use ostiary_server::config::MailConfig;
use ostiary_server::notify::signed;
use serde_json::{Value, json};

use self::smtp::MailServer;
use super::scene::{PASSWORD, Scene, account, crop_of, unknown_visit};
use super::talk::open;
use crate::SOON;

const RULE: &str = "Unknown anywhere";

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_visitor_is_told_in_the_centre_by_mail_and_to_a_program() {
    if !is_there() {
        return;
    }
    let Some(mail) = MailServer::start() else { return };
    scenario("told", async |stage| play(stage, &mail).await).await;
}

async fn play(stage: &Stage, mail: &MailServer) -> Result<()> {
    let receiver = Receiver::start().await?;
    let mut scene = Scene::build_with(stage, &settings(&mail.config())).await?;
    let api = &scene.server.api;
    account(api, "guard", json!([{"role": "operator"}])).await?;
    let guards = api.login("guard", PASSWORD).await?;
    guards.put("/api/v1/me", &json!({"name": "Guard", "email": "guard@example.org"})).await?.ok()?;

    let owner = open(&scene, LOGIN, OWNERS).await?;
    let secret = make_webhook(&owner, &receiver.url).await?;
    make_rule(&owner).await?;
    let guard = Browser::open(&scene.server, 390, 844).await?;
    guard.sign_in("guard", PASSWORD).await?;
    guard.go("/people").await?;
    guard.until("nothing new", "return document.querySelector('#bell .count').hidden;").await?;

    ensure!(mail.is_empty(), "there is nothing to tell yet");
    let (nearest, crop) = (scene.known.clone(), crop_of(Sitter::Biden2010)?);
    scene.here.says(|seq| unknown_visit(seq, &nearest, crop)).await?;
    guard.until("the bell", "return document.querySelector('#bell .count').innerText === '1';").await?;
    let message = unfolded(&mail.next().await);
    ensure!(message.contains("To: guard@example.org") && message.contains("Unknown visitor at"), "{message}");
    ensure!(message.contains(RULE) && !message.contains("Person A"), "{message}");
    receiver.heard(&secret).await?;

    guard.go("/notifications").await?;
    guard.wait_for(".notice.unread").await?;
    owner.go("/rules#sent").await?;
    owner.press("Sent").await?;
    let sent = "return [...document.querySelectorAll('#deliveries tbody tr')].filter((row) => row.querySelector('.badge.good'))
        .map((row) => row.cells[1].innerText.trim()).sort().join() === 'E-mail,Tickets';";
    owner.until("both to be sent", sent).await?;

    // The link of the message, as its reader follows it: asked first, then no more.
    let (_, link) = message.split_once("No more of these by mail: https://").context("a link that ends it")?;
    let path = link.split_once('/').map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
    guard.go(&format!("/{}", path.context("a path")?)).await?;
    guard.press("No more by e-mail").await?;
    guard.until("it to end", "return document.title.includes('No more') && !document.querySelector('form');").await?;
    for browser in [owner, guard] {
        browser.no_complaints().await?;
        browser.close().await?;
    }
    Ok(())
}

/// Makes a webhook by its form; returns the secret shown once.
async fn make_webhook(browser: &Browser, url: &str) -> Result<String> {
    browser.go("/rules").await?;
    browser.press("Webhooks").await?;
    browser.press("New webhook").await?;
    browser.fill("Name", "Tickets").await?;
    browser.fill("Address", url).await?;
    browser.press("Add").await?;
    browser.wait_for("#secret").await?;
    let secret = browser.run("return document.querySelector('#secret').innerText;").await?;
    browser.press("I have it").await?;
    browser.wait_for_text("In use").await?;
    secret.as_str().map(str::to_owned).context("a secret")
}

/// Makes a rule by its form: the guard is told, by mail too, and so is the webhook.
async fn make_rule(browser: &Browser) -> Result<()> {
    browser.go("/rules").await?;
    browser.press("New rule").await?;
    browser.fill("Name", RULE).await?;
    for chosen in ["Unknown visitor", "Guard", "Also by e-mail", "Tickets"] {
        browser.press(chosen).await?;
    }
    browser.press("Add").await?;
    browser.wait_for_text("In force").await
}

/// The server's configuration: where mail goes, and that programs of this machine may be told.
fn settings(mail: &MailConfig) -> String {
    let MailConfig { smtp_host, smtp_port, ca_file, username, password_file, from, tls: _ } = mail;
    format!(
        "[mail]\nsmtp_host = \"{smtp_host}\"\nsmtp_port = {smtp_port}\ntls = \"implicit\"\nca_file = \"{ca_file}\"\n\
         username = \"{username}\"\npassword_file = \"{password_file}\"\nfrom = \"{from}\"\n\
         [notify]\nwebhook_networks = [\"127.0.0.0/8\"]\n"
    )
}

/// Quoted-printable text as it was written, as far as this test reads it.
fn unfolded(message: &str) -> String {
    message.replace("=\r\n", "").replace("=3D", "=")
}

type Calls = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// The other program.
struct Receiver {
    url: String,
    calls: Calls,
}

impl Receiver {
    async fn start() -> Result<Self> {
        async fn take(State(calls): State<Calls>, headers: HeaderMap, body: Bytes) {
            calls.lock().unwrap_or_else(PoisonError::into_inner).push((headers, body));
        }
        let calls = Calls::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let app = Router::new().route("/hook", post(take)).with_state(calls.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, calls })
    }

    /// Waits for the call, and looks whether who holds the secret made it.
    async fn heard(&self, secret: &str) -> Result<()> {
        let first = async || Ok(self.calls.lock().unwrap_or_else(PoisonError::into_inner).first().cloned());
        let (headers, body) = wait::until("the webhook's call", SOON, first).await?;
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let at = UnixMillis(header("webhook-timestamp").parse::<i64>()? * 1000);
        let key = STANDARD.decode(secret.strip_prefix("whsec_").context("a secret of the standard's form")?)?;
        let expected = signed::headers(&key, header("webhook-id"), at, &body);
        ensure!(header("webhook-signature") == expected[2].1, "signed by somebody else");
        let said: Value = serde_json::from_slice(&body)?;
        ensure!(text(&said["data"]["notice"], "what")? == "unknown", "{said}");
        Ok(())
    }
}
