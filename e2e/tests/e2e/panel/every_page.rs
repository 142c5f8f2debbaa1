//! Every page by the rules for all: nothing refused by the security policy, no text that becomes markup, usable without
//! seeing or pointing (axe-core), light on the wire.

use std::fs;

use anyhow::{Context, Result, ensure};
use ostiary_e2e::api::text;
use ostiary_e2e::browser::{Browser, is_there};
use ostiary_e2e::server::{LOGIN, PASSWORD};
use ostiary_e2e::stage::{Stage, scenario, workspace};
use serde_json::{Value, json};

use super::scene::Scene;
use super::talk::{self, Talk};

/// What a page may take on the wire with everything it loads for the first time.
const MOST_BYTES: u64 = 150 * 1024;
/// A name that is a script to whoever takes it for markup.
const EVIL: &str = "\"><img src=x onerror=window.pwned=1><script>window.pwned=1</script>{{7*7}}";

#[tokio::test(flavor = "multi_thread")]
async fn every_page_keeps_the_rules() {
    if is_there() {
        scenario("every page", play).await;
    }
}

/// Every page of the panel, with what it is about filled in.
pub async fn pages(scene: &Scene) -> Result<Vec<String>> {
    let api = &scene.server.api;
    let visit =
        api.events().await?.first().and_then(|event| event["id"].as_str().map(str::to_owned)).context("a visit")?;
    let me = api.get("/api/v1/me").await?;
    let service =
        api.post("/api/v1/service-accounts", &json!({"name": "Till", "grants": [{"role": "viewer"}]})).await?.ok()?;
    let (device, door, known) = (scene.here.device.identity.device, &scene.here.door, &scene.known);
    let fixed = ["/", "/visits", "/people", "/enroll", "/groups", "/doors", "/accounts", "/accounts#roles", "/audit"];
    let more = ["/unknowns", "/jobs", "/import", "/accuracy", "/erasures", "/system", "/settings", "/me", "/setup"];
    let told =
        ["/notifications", "/notifications#wishes", "/rules", "/rules#webhooks", "/rules#sent", "/conversations"];
    let counted = ["/analytics", "/retention", "/packs", "/packs/ostiary-default@1"];
    let talk = Talk::begun(scene, &visit).await?;
    let with_id = [
        format!("/visits/{visit}"),
        format!("/people/{known}"),
        format!("/enroll?person={known}"),
        format!("/enroll?person={known}#by-drop"),
        format!("/enroll?person={known}#by-clip"),
        format!("/enroll?person={known}#by-door"),
        format!("/doors/{door}"),
        format!("/devices/{device}"),
        format!("/accounts/{}", me["id"].as_str().context("an id")?),
        format!("/services/{}", service["id"].as_str().context("an id")?),
        format!("/conversations/{}", talk.thread),
        format!("/notifications/{}", talk.notification),
        format!("/unknowns/{}", talk.unknown),
    ];
    Ok(fixed.into_iter().chain(more).chain(told).chain(counted).map(str::to_owned).chain(with_id).collect())
}

async fn play(stage: &Stage) -> Result<()> {
    let scene = Scene::build(stage).await?;
    let axe = axe();
    let browser = Browser::open(&scene.server, 1280, 900).await?;
    for page in ["/sign-in", "/accept#none", "/new-password#none"] {
        keeps_the_rules(&browser, page, axe.as_deref()).await?;
    }
    browser.sign_in(LOGIN, PASSWORD).await?;
    let pages = pages(&scene).await?;
    evil_names(&scene).await?;
    for page in pages.iter().map(String::as_str).chain(["/nothing-here"]) {
        keeps_the_rules(&browser, page, axe.as_deref()).await?;
    }
    browser.go("/doors").await?;
    browser.wait_for_text(EVIL).await?;
    browser.close().await
}

async fn keeps_the_rules(browser: &Browser, page: &str, axe: Option<&str>) -> Result<()> {
    // Not as a part of the page before, where only what stands behind the `#` is another.
    browser.go("/healthz").await?;
    browser.go(page).await?;
    browser.settled().await?;
    browser.no_complaints().await.with_context(|| page.to_owned())?;
    ensure!(browser.run("return window.pwned === undefined;").await? == true, "{page}: text became a script");
    ensure!(browser.run("return document.querySelectorAll('main h1').length;").await? == 1, "{page}: one heading");
    let bytes = browser.weight().await?;
    ensure!(bytes <= MOST_BYTES, "{page} takes {bytes} bytes");
    println!("{page}: {bytes} bytes");
    if let Some(axe) = axe {
        is_for_everybody(browser, axe).await.with_context(|| page.to_owned())?;
    }
    Ok(())
}

/// Looks for what axe-core calls serious or critical.
async fn is_for_everybody(browser: &Browser, axe: &str) -> Result<()> {
    browser.run(axe).await?;
    let script = "const done = arguments[0];
        axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations
            .filter((one) => ['serious', 'critical'].includes(one.impact))
            .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html + ' ' + node.failureSummary).join(' | ')}`)), (error) => done([String(error)]));";
    let found = browser.client.execute_async(script, Vec::new()).await.context("running axe-core")?;
    ensure!(found == Value::Array(Vec::new()), "not for everybody: {found:#}");
    Ok(())
}

/// axe-core, which `cargo xtask setup` fetches; it is for tests only.
fn axe() -> Option<String> {
    let file = workspace().join("target/npm/node_modules/axe-core/axe.min.js");
    let found = fs::read_to_string(&file).ok();
    if found.is_none() {
        eprintln!("SKIPPED: axe-core is not there (`cargo xtask setup` fetches it), accessibility is not tested");
    }
    found
}

/// Names that are scripts, wherever something has a name.
async fn evil_names(scene: &Scene) -> Result<()> {
    let api = &scene.server.api;
    api.post("/api/v1/sites", &json!({"name": EVIL})).await?.ok()?;
    api.post("/api/v1/doors", &json!({"site": scene.here.site, "name": EVIL})).await?.ok()?;
    api.post("/api/v1/groups", &json!({"name": EVIL})).await?.ok()?;
    api.post("/api/v1/persons", &json!({"name": EVIL, "consent": true})).await?.ok()?;
    api.post("/api/v1/service-accounts", &json!({"name": EVIL, "grants": [{"role": "viewer"}]})).await?.ok()?;
    let device = json!({"door": scene.here.door, "name": EVIL});
    api.post("/api/v1/devices", &device).await?.ok()?;
    let hook = json!({"name": EVIL, "url": "https://hooks.invalid/x"});
    api.post("/api/v1/webhooks", &hook).await?.ok()?;
    let rule = json!({"name": EVIL, "what": ["unknown"], "whom": {"roles": ["operator"]}});
    api.post("/api/v1/notification-rules", &rule).await?.ok()?;
    let door = json!({"door": scene.here.door});
    for about in [door, json!({"person": scene.known}), json!({"unknown": talk::visitor(api).await?})] {
        let thread = text(&api.post("/api/v1/threads", &about).await?.ok()?, "id")?;
        api.post(&format!("/api/v1/threads/{thread}/messages"), &json!({"text": EVIL})).await?.ok()?;
    }
    let me = api.get("/api/v1/me").await?;
    api.put("/api/v1/me", &json!({"name": EVIL, "email": me["email"]})).await?.ok()?;
    let person = format!("/api/v1/persons/{}", scene.known);
    api.patch(&person, &json!({"name": format!("A {EVIL}"), "notes": EVIL})).await?.ok()?;
    Ok(())
}
