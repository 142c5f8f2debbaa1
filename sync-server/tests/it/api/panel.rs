//! The panel's shells: who gets which, and what everybody gets.

use ostiary_common::ids::SiteId;
use ostiary_server::domain::access::{Access, Grant, Permission, Role, Scope};
use ostiary_server::domain::device::Site;
use ostiary_server::http::panel::pages::PAGES;
use ostiary_server::ports::DeviceStore;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::json;

use super::world::{PASSWORD, World, add_account};
use crate::store::sample::NOW;

/// A browser that says where it is sent instead of going there.
struct Browser<'a> {
    world: &'a World,
    client: Client,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn new(world: &'a World, login: Option<&str>) -> Self {
        let ca = reqwest::Certificate::from_pem(world.ca_pem.as_bytes()).unwrap();
        let client = Client::builder().tls_certs_only([ca]).redirect(Policy::none()).build().unwrap();
        let cookie = match login {
            Some(login) => cookie(world, login).await,
            None => String::new(),
        };
        Self { world, client, cookie }
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.world.base)).header("cookie", &self.cookie);
        request.header(ACCEPT, "text/html,*/*").send().await.unwrap()
    }
}

async fn cookie(world: &World, login: &str) -> String {
    let body = json!({"login": login, "password": PASSWORD, "session": "cookie"});
    let answer = world.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap();
    let set = answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    set.map(|cookie| cookie.split(';').next().unwrap().to_owned()).collect::<Vec<_>>().join("; ")
}

fn place(answer: &Response) -> &str {
    answer.headers()[LOCATION].to_str().unwrap()
}

async fn site(world: &World) -> SiteId {
    let site = Site { id: SiteId::generate(), name: "here".into(), created_at: NOW };
    world.store.add_site(&site).await.unwrap();
    site.id
}

#[tokio::test]
async fn each_role_gets_the_pages_that_are_of_use_to_it() {
    let world = World::start_with(|config| {
        config.limits.requests_per_second = 10_000;
        config.limits.account_requests_per_second = 10_000;
        config.limits.logins_per_minute = 100;
    })
    .await;
    let here = site(&world).await;
    let nobody = Browser::new(&world, None).await;
    for role in Role::ALL {
        let grants = vec![Grant { role, scope: Scope::Site(here) }];
        // The world has accounts by the roles' names already.
        let login = format!("{}.here", role.as_str());
        add_account(&world.store, &login, grants.clone()).await;
        let (browser, access) = (Browser::new(&world, Some(&login)).await, Access::new(grants));
        let may = |permission: Permission| !access.reach(permission).is_nothing();
        for page in PAGES {
            let path = page.path.replace("{id}", "01a1fbf4-6ba3-75d3-87f4-fee01a1eec83");
            let expected = if page.needs.is_none_or(may) { 200 } else { 403 };
            let answer = browser.get(&path).await;
            let met = if path == "/" && expected == 403 { 303 } else { expected };
            assert_eq!(answer.status(), met, "{path} for {role:?}");
            assert!(place_or_html(&answer), "{path} for {role:?}");
            let sent = nobody.get(&path).await;
            assert_eq!(sent.status(), 303, "{path} for nobody");
            assert!(place(&sent).starts_with("/sign-in"), "{}", place(&sent));
        }
    }
    world.stop().await;
}

fn place_or_html(answer: &Response) -> bool {
    answer.headers().contains_key(LOCATION) || answer.headers()["content-type"] == "text/html; charset=utf-8"
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_words_of_who_asks() {
    let world = World::start().await;
    let browser = Browser::new(&world, None).await;
    let page = browser.get("/nothing").await;
    assert_eq!((page.status().as_u16(), place_or_html(&page)), (404, true));
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("trusted-types 'none'"));
    assert!(page.text().await.unwrap().contains("There is nothing at this address"));
    for path in ["/api/v1/nothing", "/api/nothing"] {
        let problem = browser.get(path).await;
        assert_eq!(problem.headers()["content-type"], "application/problem+json", "{path}");
    }
    let program = world.request(Method::GET, "/nothing").send().await.unwrap();
    assert_eq!(program.headers()["content-type"], "application/problem+json");
    world.stop().await;
}

#[tokio::test]
async fn an_owner_of_nothing_yet_is_led_to_the_first_steps() {
    let world = World::start().await;
    let admin = Browser::new(&world, Some("admin")).await;
    let answer = admin.get("/").await;
    assert_eq!((answer.status().as_u16(), place(&answer)), (303, "/setup"));
    site(&world).await;
    let shell = admin.get("/").await;
    assert_eq!(shell.status(), 200);
    assert_eq!(shell.headers()["cache-control"], "no-store");
    let html = shell.text().await.unwrap();
    let asset = html.split('"').find(|part| part.ends_with("/css/base.css")).unwrap();
    let css =
        admin.client.get(format!("{}{asset}", world.base)).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(css.headers()[CONTENT_ENCODING], "gzip");
    assert!(css.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    world.stop().await;
}
